/** Several names of the session cookie: which of them decides, which are cleared, and what an unlisted one leaves in the log. */
import t from 'tap'
import { readCredential } from '../../src/sessions/credentials.ts'
import { startService } from '../support/service.ts'

const env = { PUBLIC_URL: 'https://app.example.com' }
const log: string[] = []
const service = await startService({ env, log })
const [host = '', secure = '', legacy = ''] = service.config.cookie.names
const http = 'authjs.session-token'

const check = async (cookie: string) => {
  const response = await service.http('/check', { headers: { cookie } })
  const removed = response.headers.getSetCookie()
  await response.body?.cancel()
  return { status: response.status, user: response.headers.get('x-user-id'), removed }
}

t.test('users are signed in whichever name of Auth.js their cookie has', async (t) => {
  const { token } = await service.signIn(await service.addUser('ada'))
  for (const name of [host, secure, legacy])
    t.match(await check(`theme=dark; ${name}=${token}`), { status: 200, user: 'ada' }, name)
  t.match(
    await check(`${host}=; ${secure}=""; ${legacy}=${token}`),
    { user: 'ada' },
    'an empty value is no cookie',
  )
})

t.test('the strictest name decides, wherever a neighbour puts the others', async (t) => {
  const victim = await service.signIn(await service.addUser('victim'))
  const attacker = await service.signIn(await service.addUser('attacker'))
  const planted = [`${secure}=${attacker.token}`, `${legacy}=${attacker.token}`, `${legacy}=another`]
  const own = `${host}=${victim.token}`
  for (const cookies of [
    [own, ...planted],
    [...planted, own],
    [planted[0], own, planted[1], planted[2]],
  ])
    t.match(await check(cookies.join('; ')), { status: 200, user: 'victim' })
  t.equal(
    (await check(`${host}=over; ${secure}=${victim.token}`)).status,
    401,
    'also when its session is over',
  )
})

t.test('two values of the deciding name are refused, and only that cookie is removed', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  const { status, removed } = await check(`${legacy}=${token}; ${secure}=one; ${secure}=${token}`)
  t.equal(status, 401)
  t.ok(removed.every((line) => line.startsWith(`${secure}=; Max-Age=0;`)))
  for (const form of [/^(?!.*Domain=)/, /Domain=app\.example\.com/, /Domain=example\.com/])
    t.equal(removed.filter((line) => form.test(line)).length, 1, String(form))
  for (const path of ['/api/session', '/signed-out']) {
    const response = await service.http(path, { headers: { cookie: `${secure}=one; ${secure}=${token}` } })
    t.same(response.headers.getSetCookie(), removed, path)
    await response.body?.cancel()
  }
})

t.test('a logout clears every listed cookie that the browser sent', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  const headers = {
    cookie: `theme=dark; ${secure}=${token}; ${legacy}=old; ${http}=x`,
    'sec-fetch-site': 'same-origin',
  }
  const response = await service.http('/api/logout', { method: 'POST', headers })
  t.equal(response.status, 200)
  await response.body?.cancel()
  const cleared = response.headers.getSetCookie().filter((line) => line.includes('session-token'))
  t.same(new Set(cleared.map((line) => line.split('=')[0])), new Set([secure, legacy]))
})

t.test('with a domain, a new session cookie has a name that allows one', async (t) => {
  const settings = { ...env, COOKIE_DOMAIN: 'example.com', SESSION_COOKIE: `${host}, ${secure}, mine` }
  const shared = await startService({ database: service.database, env: settings })
  t.equal(shared.config.cookie.name, secure)
  const { token } = await service.signIn(await service.addUser())
  const headers = { cookie: `${host}=${token}; mine=${token}`, 'sec-fetch-site': 'same-origin' }
  const response = await shared.http('/api/logout', { method: 'POST', headers })
  await response.body?.cancel()
  const cleared = response.headers.getSetCookie().filter((line) => /^(__Host-authjs.session|mine)/.test(line))
  const own = cleared.filter((line) => line.startsWith(host))
  t.same(own.length, 1)
  t.notMatch(own[0], /Domain=/, 'browsers would refuse it')
  t.ok(cleared.some((line) => /^mine=;.*Domain=example\.com/.test(line)))
})

t.test('a session cookie of another known name is named in the log, once', async (t) => {
  const warnings = () => log.filter((line) => line.includes('session cookie ignored'))
  t.same(warnings(), [], 'the cookies before had a listed one beside them')
  for (let n = 0; n < 3; n++) t.equal((await check(`${http}=its-value`)).status, 401)
  t.equal(warnings().length, 1)
  t.match(JSON.parse(warnings()[0] ?? ''), { cookie: http, listed: [host, secure, legacy] })
  t.notMatch(warnings()[0], 'its-value')
})

t.test('the first name in the list wins whatever the order in the header', async (t) => {
  const names = ['a', 'b', 'c']
  const permutations = (items: string[]): string[][] =>
    items.length < 2
      ? [items]
      : items.flatMap((item) =>
          permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
        )
  const answers = (cookies: string[]) =>
    permutations(cookies).map((order) => readCredential({ cookie: order.join('; ') }, names))
  for (const answer of new Set(
    answers(['a=1', 'b=2', 'b=3', 'c=4', 'a=', 'd=5']).map((found) => JSON.stringify(found)),
  ))
    t.same(JSON.parse(answer), { kind: 'token', token: '1', via: 'cookie' })
  for (const answer of new Set(answers(['b=2', 'b=3', 'c=4', 'a=']).map((found) => JSON.stringify(found))))
    t.same(JSON.parse(answer), { kind: 'refused', ambiguous: 'b' })
})
