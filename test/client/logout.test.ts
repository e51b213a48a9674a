/** A logout over HTTP succeeds only if the service itself confirms that it is committed. */
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, NotSignedOutError } from '@global-logout/client'
import t from 'tap'
import { listen } from '../support/ports.ts'
import { startService } from '../support/service.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { bearer } from './sessions-suite.ts'

const service = await startService()
const { key } = await service.keyFor('users:delete')
const client = createClient({ url: service.base, key })
const ENDED = {
  id: 'f3b6',
  name: 'Phone of Ada',
  createdAt: '2026-11-27T10:00:00.000Z',
  lastSeenAt: '2026-11-27T11:00:00.000Z',
  userAgent: null,
  ipAddress: null,
}
const DONE = { operationId: '0f6e', scope: 'global', revokedCount: 1, revoked: [ENDED] }

async function standIn(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  t.teardown(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${await listen(server)}`
}

t.test('a server can sign out the user whose cookie it got; a page of another site cannot', async (t) => {
  const phone = await service.signIn(await service.addUser('ada'))
  const laptop = await service.signIn('ada')
  const cookie = `${service.cookieName}=${phone.token}`
  for (const site of ['cross-site', 'same-site', 'none']) {
    const headers = { cookie, 'sec-fetch-site': site, origin: 'https://evil.example' }
    const response = await service.http('/api/logout', { method: 'POST', headers })
    t.match(await response.json(), { code: 'cross_origin' }, site)
  }
  const { revoked, cookies } = await client.logout({ headers: { cookie } }, { scope: 'global' })
  t.equal(revoked.length, 2)
  t.ok(cookies.some((line) => line.startsWith(`${service.cookieName}=; Max-Age=0;`)))
  // Stores the cookies as a browser does.
  const kept = cookies.map((line) => line.split(';')[0]).filter((pair) => !pair?.endsWith('='))
  const page = await service.http('/signed-out', { headers: { cookie: kept.join('; ') } })
  t.match(await page.text(), /You are signed out everywhere/, 'the page lists what has ended')
  t.equal(await service.check(laptop.token), 401)
})

t.test('the service gets the credentials, the scope and the proof of origin, and no key', async (t) => {
  let seen: { headers: IncomingHttpHeaders; body: string; to: string } | undefined
  const url = await standIn(async (request, response) => {
    seen = { headers: request.headers, body: await text(request), to: `${request.method} ${request.url}` }
    const cookies = ['of-a-load-balancer=7; Path=/', 'authjs.session-token=; Max-Age=0; Path=/']
    response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': cookies })
    response.end(JSON.stringify(DONE))
  })
  const headers = { cookie: 'a=b', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', via: 'x' }
  const outcome = await createClient({ url, key: 'glk_secret' }).logout({ headers }, { scope: 'global' })
  t.same(outcome, {
    operationId: '0f6e',
    revokedCount: 1,
    revoked: [{ ...ENDED, createdAt: new Date(ENDED.createdAt), lastSeenAt: new Date(ENDED.lastSeenAt) }],
    cookies: ['authjs.session-token=; Max-Age=0; Path=/'],
  })
  t.match(seen, { to: 'POST /api/logout', body: '{"scope":"global"}' })
  t.match(seen?.headers, { cookie: 'a=b', 'sec-fetch-site': 'same-origin' })
  for (const name of ['authorization', 'origin', 'via']) t.notOk(seen?.headers[name], name)
})

t.test('an answer of another server never counts as a sign-out', async (t) => {
  const problem = (code: string) => ({
    type: `urn:global-logout:problem:${code}`,
    title: 'x',
    status: 503,
    code,
    detail: 'x',
  })
  const answers: [status: number, body: unknown, code: string, type?: string][] = [
    [200, '<h1>Goodbye</h1>', 'no_answer'],
    [200, {}, 'no_answer'],
    [200, [], 'no_answer'],
    [200, null, 'no_answer'],
    [200, { ...DONE, scope: 'local' }, 'no_answer'],
    [200, { ...DONE, scope: undefined }, 'no_answer'],
    [200, { ...DONE, operationId: 7 }, 'no_answer'],
    [200, { ...DONE, operationId: undefined }, 'no_answer'],
    [200, { ...DONE, revoked: undefined }, 'no_answer'],
    [200, { ...DONE, revoked: [{ ...ENDED, createdAt: 'yesterday' }] }, 'no_answer'],
    [200, { ...DONE, revoked: ['f3b6'] }, 'no_answer'],
    [200, { ...DONE, revokedCount: null }, 'no_answer'],
    [201, DONE, 'no_answer'],
    [204, '', 'no_answer'],
    [302, '', 'no_answer'],
    [401, '<h1>Sign in to the network</h1>', 'no_answer'],
    [401, { code: 'invalid_token', detail: 'of another API' }, 'no_answer', 'application/problem+json'],
    [404, 'Not Found', 'no_answer'],
    [502, 'Bad Gateway', 'no_answer'],
    [503, problem('unavailable'), 'unavailable', 'application/problem+json'],
    [503, problem('outcome_unknown'), 'outcome_unknown', 'application/problem+json'],
    [403, problem('cross_origin'), 'cross_origin', 'application/problem+json'],
  ]
  let next = 0
  const url = await standIn((_request, response) => {
    const [status, body, , type = 'application/json'] = answers[next] ?? [500, '', '']
    response.writeHead(status, { 'content-type': type, location: '/done' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  for (const [status, body, code] of answers) {
    const error = await createClient({ url })
      .logout(bearer('x'), { scope: 'global' })
      .catch((error) => error)
    t.ok(error instanceof NotSignedOutError, `${status} ${JSON.stringify(body)}`)
    t.equal(error.code, code)
    next++
  }
})

t.test('a lost answer is requested again, and finds the logout done', async (t) => {
  const proxy = await startTcpProxy(service.base)
  const client = createClient({ url: proxy.url, key })
  const phone = await service.signIn(await service.addUser('eve'))
  proxy.reset(1)
  t.equal((await client.logout(bearer(phone.token), { scope: 'global' })).revoked.length, 1)
  await service.signIn('eve')
  proxy.reset(1)
  await client.removeUser('eve')
  proxy.reset(2)
  await t.rejects(client.logout(bearer(phone.token)), { name: 'NotSignedOutError', code: 'no_answer' })
})

t.test('a logout waits as long as instances may answer from their caches', async (t) => {
  const answer: typeof fetch = async (_url, init) => {
    await sleep(300, undefined, { signal: init?.signal as AbortSignal })
    return Response.json(init?.method === 'DELETE' ? { operationId: null, ended: 0 } : DONE)
  }
  const impatient = createClient({ url: service.base, key, timeoutMs: 100, fetch: answer })
  t.match(await impatient.logout(bearer('x'), { scope: 'global' }), { operationId: '0f6e' })
  await impatient.removeUser('ada')
})

t.test('a user with any id can be deleted; an invalid id deletes no user', async (t) => {
  for (const id of ['a b', 'a/b', 'a%2Fb', '日本', 'x?y#z', 'auth0|5f7c', '%']) {
    const { token } = await service.signIn(await service.addUser(id))
    await client.removeUser(id)
    t.equal(await service.check(token), 401, id)
  }
  for (const id of ['.', '..']) await t.rejects(client.removeUser(id), { name: 'NotSignedOutError' }, id)
  const { key } = await service.keyFor('sessions:create')
  const without = createClient({ url: service.base, key })
  await t.rejects(without.removeUser('ada'), { name: 'NotSignedOutError', code: 'insufficient_scope' })
})
