/** The client's check returns the identity, null or an error for "undecided", and never confuses them. */

import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createClient, UndecidedError } from '@global-logout/client'
import t from 'tap'
import { duringOutage } from '../support/database-outage.ts'
import { freePort, listen } from '../support/ports.ts'
import { json, startService } from '../support/service.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const service = await startService()
const client = createClient({ url: service.base })
const ada = await service.addUser('ada')
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
/** The title of an error of the service. */
const REFUSED = JSON.stringify({ type: 'urn:global-logout:problem:invalid_token' })
const undecided = { name: 'UndecidedError', code: 'ERR_SESSION_UNDECIDED', status: 503 }

t.test('a valid session is found, in whatever form the request carries its headers', async (t) => {
  const { token, id: sessionId } = await service.signIn(ada)
  const cookie = `theme=dark; ${service.cookieName}=${token}`
  const requests = {
    'a fetch Request with a bearer token': new Request('http://app/', bearer(token)),
    'Headers with a cookie': { headers: new Headers({ cookie }) },
    'the headers of a Node request': { headers: { cookie, host: 'app', 'set-cookie': ['a', 'b'] } },
    'headers in other case': { headers: { Cookie: cookie } },
    'a cookie in two headers': { headers: { cookie: cookie.split('; ') } },
  }
  for (const [what, request] of Object.entries(requests))
    t.match(await client.check(request), { userId: ada, sessionId, createdAt: Date, authTime: Date }, what)
})

t.test('without a valid session, check returns null and does not throw', async (t) => {
  const [{ token }, { token: other }] = [await service.signIn(ada), await service.signIn(ada)]
  const requests = {
    'no credentials': { headers: {} },
    'another cookie': { headers: { cookie: 'theme=dark' } },
    'an unknown token': bearer('unknown'),
    'two session cookies': {
      headers: { cookie: `${service.cookieName}=${token}; ${service.cookieName}=${other}` },
    },
    'two bearer tokens': { headers: { authorization: [`Bearer ${token}`, `Bearer ${other}`] } },
  }
  for (const [what, request] of Object.entries(requests)) t.equal(await client.check(request), null, what)
})

t.test('after a logout everywhere, the next check of every device is refused', async (t) => {
  const [{ token: phone }, { token: laptop }] = [await service.signIn(ada), await service.signIn(ada)]
  t.ok(await client.check(bearer(laptop)))
  t.equal((await service.as(phone, '/api/logout', json({ scope: 'global' }))).status, 200)
  t.equal(await client.check(bearer(laptop)), null)
  t.equal(await client.check(bearer(phone)), null)
})

t.test('a user id arrives unchanged, whatever characters it contains', async (t) => {
  for (const id of [
    'with space',
    'Jörg Müller',
    '100%',
    '%41',
    'a%20b',
    '🦊',
    '日本',
    'a,b',
    'auth0|5f7c',
    '"',
    '+',
  ]) {
    const { token } = await service.signIn(await service.addUser(id))
    t.equal((await client.check(bearer(token)))?.userId, id)
  }
})

t.test('the service gets the credentials, the address and the user agent, and nothing else', async (t) => {
  let seen: IncomingHttpHeaders = {}
  const url = await standIn((request, response) => {
    seen = request.headers
    response.writeHead(401).end(REFUSED)
  })
  const headers = {
    cookie: 'a=b',
    authorization: 'Bearer x',
    'x-user-id': 'eve',
    'user-agent': 'phone',
    'x-forwarded-for': '1.2.3.4',
    via: 'x',
  }
  const client = createClient({ url, key: 'glk_secret' })
  const { cookie, authorization, 'user-agent': userAgent } = headers
  const sent = { cookie, authorization, 'user-agent': userAgent }
  const told = () => Object.fromEntries(Object.entries(seen).filter(([name]) => name in headers))
  await client.check({ headers })
  t.same(told(), sent)
  await client.check({ headers, ip: '198.51.100.66' })
  t.same(told(), { ...sent, 'x-forwarded-for': '198.51.100.66' })
})

t.test('of the Set-Cookie headers in between, only removals are passed on', async (t) => {
  const removal = '__Secure-authjs.session-token=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
  const balancer = ['AWSALB=abc; Path=/', 'stay=1; Max-Age=0']
  const url = await standIn((_request, response) => {
    response.writeHead(401, { 'set-cookie': [...balancer, removal] }).end(REFUSED)
  })
  const code = 'invalid_token'
  t.same(await createClient({ url }).verdict(bearer('x')), { identity: null, code, cookies: [removal] })
})

t.test('an outage of the service signs no user out', async (t) => {
  const { token } = await service.signIn(ada)
  await duringOutage(service, async () => {
    await t.rejects(
      client.check(bearer(token)),
      { ...undecided, retryAfterSeconds: 1 },
      'its database does not answer',
    )
  })
  const gone = createClient({ url: `http://127.0.0.1:${await freePort()}` })
  await t.rejects(gone.check(bearer(token)), undecided, 'no server listens there')
  t.equal(await gone.check({ headers: {} }), null, 'a request without credentials is null even then')
  t.ok(await client.check(bearer(token)), 'the session is still valid')
})

t.test('connections are reused', async (t) => {
  const proxy = await startTcpProxy(service.base)
  const client = createClient({ url: proxy.url })
  const { token } = await service.signIn(ada)
  for (let n = 0; n < 30; n++) await client.check(bearer(n % 3 ? token : 'unknown'))
  t.ok(proxy.counts.connections <= 3, `${proxy.counts.connections} connections for 30 checks`)
})

t.test('a request on a connection that was reset is sent once more', async (t) => {
  const proxy = await startTcpProxy(service.base)
  const client = createClient({ url: proxy.url })
  const { token, id: sessionId } = await service.signIn(ada)
  proxy.reset(1)
  t.match(await client.check(bearer(token)), { userId: ada, sessionId })
  t.equal(proxy.counts.requests, 2)
  proxy.cut()
  t.ok(await client.check(bearer(token)), 'also on a connection that was closed while idle')
})

t.test('after two resets the check is undecided', async (t) => {
  const proxy = await startTcpProxy(service.base)
  const { token } = await service.signIn(ada)
  proxy.reset(2)
  await t.rejects(createClient({ url: proxy.url }).check(bearer(token)), undecided)
  t.equal(proxy.counts.requests, 2)
})

t.test('a service that hangs is tried once, until the timeout', async (t) => {
  const proxy = await startTcpProxy(service.base)
  const client = createClient({ url: proxy.url, timeoutMs: 200 })
  const { token } = await service.signIn(ada)
  proxy.hold(true)
  const error = await client.check(bearer(token)).catch((error) => error)
  t.match(error, undecided)
  t.equal(error.cause.name, 'TimeoutError')
  t.equal(proxy.counts.requests, 1)
})

t.test('an answer that starts and never ends is also subject to the timeout', async (t) => {
  const url = await standIn((_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Bearer', 'content-length': '10' }).write('{')
  })
  await t.rejects(createClient({ url, timeoutMs: 200 }).check(bearer('x')), undecided)
})

const DATES = { 'x-session-created': '1795000000', 'x-session-expires': '1795600000' }
const IDENTITY = { 'x-user-id': 'ada', 'x-session-id': 'f3b6', ...DATES }
const WRONG_PROXIES: Record<
  string,
  [status: number, headers?: Record<string, string | string[]>, body?: string]
> = {
  'redirects to a page that says 200': [302, { location: '/valid' }],
  'redirects and names an identity': [307, { ...IDENTITY, location: '/valid' }],
  'says 200 without an identity': [200, {}, '<h1>Welcome</h1>'],
  'loses the user': [200, { 'x-session-id': 'f3b6', ...DATES }],
  'loses the session': [200, { 'x-user-id': 'ada', ...DATES }],
  'loses the dates': [200, { 'x-user-id': 'ada', 'x-session-id': 'f3b6' }],
  'spoils a date': [200, { ...IDENTITY, 'x-session-expires': 'tomorrow' }],
  'sends an empty user id': [200, { ...IDENTITY, 'x-user-id': '' }],
  'adds a user id of its own': [200, { ...IDENTITY, 'x-user-id': ['ada', 'eve'] }],
  'spoils the encoding': [200, { ...IDENTITY, 'x-user-id': '100%' }],
  'answers 204': [204, IDENTITY],
  'finds nothing': [404],
  'forbids it': [403],
  'is a captive portal': [401, {}, '<h1>Sign in to the network</h1>'],
  'requires its own password': [401, { 'www-authenticate': 'Basic realm="staging"' }],
  'requires some token': [401, { 'www-authenticate': 'Bearer' }],
  'answers its own problem': [
    401,
    { 'www-authenticate': 'Bearer error="invalid_token"', 'content-type': 'application/problem+json' },
    '{"type":"about:blank","title":"Unauthorized","status":401}',
  ],
  'answers the type "constructor"': [401, {}, '{"type":"constructor"}'],
  'answers the type "__proto__"': [401, {}, '{"type":"__proto__"}'],
  'requires its own token': [401, { 'www-authenticate': 'Bearer realm="api", error="invalid_token"' }],
  'has lost its upstream': [502, {}, 'Bad Gateway'],
  'is in maintenance': [503, { 'retry-after': '30' }],
}

t.test('an answer of a wrong proxy is neither valid nor signed out', async (t) => {
  let asked = 0
  const url = await standIn((request, response) => {
    asked++
    const [status, headers, body] = (request.url === '/check' &&
      WRONG_PROXIES[request.headers.cookie ?? '']) || [200, IDENTITY]
    response.writeHead(status, headers).end(body)
  })
  const client = createClient({ url })
  for (const cookie of Object.keys(WRONG_PROXIES))
    await t.rejects(client.check({ headers: { cookie } }), undecided, `a proxy that ${cookie}`)
  t.equal(asked, Object.keys(WRONG_PROXIES).length, 'each proxy got one request')
  const error = await client.check({ headers: { cookie: 'is in maintenance' } }).catch((error) => error)
  t.equal(error.retryAfterSeconds, 30)
  t.ok(error instanceof UndecidedError)
  t.same(
    await client.check({ headers: { cookie: 'none' } }),
    {
      userId: 'ada',
      sessionId: 'f3b6',
      createdAt: new Date(1_795_000_000_000),
      expiresAt: new Date(1_795_600_000_000),
      authTime: new Date(1_795_000_000_000),
    },
    'without the proxy, the session is valid',
  )
})

t.test('an invalid address is refused when the client is created', async (t) => {
  for (const url of ['', 'localhost:4000', 'ftp://x', 'http://user:secret@x', 'http://x/?a=b', 'http://x/#a'])
    t.throws(() => createClient({ url }), TypeError, url)
  for (const timeoutMs of [0, -1, Number.NaN, 0.5, 1500.5, Number.POSITIVE_INFINITY, 2 ** 31])
    t.throws(() => createClient({ url: 'http://x', timeoutMs }), TypeError)
})

t.test('the service may be served under a path', async (t) => {
  const asked: (string | undefined)[] = []
  const url = await standIn((request, response) => {
    asked.push(request.url)
    response.writeHead(401).end(REFUSED)
  })
  for (const base of [`${url}/id`, `${url}/id/`, new URL('/id/', url)])
    t.equal(await createClient({ url: base }).check(bearer('x')), null)
  t.same(asked, ['/id/check', '/id/check', '/id/check'])
})

/** A server that answers in place of the service. @returns its address. */
async function standIn(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  const port = await listen(server)
  t.teardown(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${port}`
}
