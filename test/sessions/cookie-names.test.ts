/**
 * Several names of the session cookie: which one is read, which are cleared, and when an unlisted one is
 * logged.
 */
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

t.test('a session cookie under any Auth.js name signs the user in', async (t) => {
  const { token } = await service.signIn(await service.addUser('ada'))
  for (const name of [host, secure, legacy])
    t.match(await check(`theme=dark; ${name}=${token}`), { status: 200, user: 'ada' }, name)
  t.match(
    await check(`${host}=; ${secure}=""; ${legacy}=${token}`),
    { user: 'ada' },
    'an empty value counts as no cookie',
  )
})

t.test('the strictest name is read first, in whatever order the cookies come', async (t) => {
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
    'even if its session has ended',
  )
})

t.test('a cookie whose session has ended is skipped if another cookie is as strict', async (t) => {
  const old = await service.signIn(await service.addUser('before'))
  const own = await service.signIn(await service.addUser('rolled-back'))
  await service.sessions.logout(old.token, 'local', { userAgent: null, ipAddress: null })
  for (const over of [old.token, 'unknown', 'not a token'])
    for (const order of [
      [`${secure}=${over}`, `${legacy}=${own.token}`],
      [`${legacy}=${own.token}`, `${secure}=${over}`],
    ])
      t.same(await check(order.join('; ')), { status: 200, user: 'rolled-back', removed: [] })
  const headers = { cookie: `${secure}=${old.token}; ${legacy}=${own.token}` }
  t.match(await (await service.http('/api/session', { headers })).json(), { user: { id: 'rolled-back' } })
  t.match(await (await service.http('/devices', { headers })).text(), 'rolled-back')
  const signedOut = await service.http('/signed-out', { headers, redirect: 'manual' })
  t.equal(signedOut.headers.get('location'), '/devices', 'the browser is signed in')
})

t.test('a planted cookie is ignored while a stricter or equally strict cookie is valid', async (t) => {
  const victim = await service.signIn(await service.addUser())
  const attacker = await service.signIn(await service.addUser())
  const isVictim = async (cookie: string) => {
    const response = await service.http('/api/session', { headers: { cookie } })
    return ((await response.json()) as { session?: { id: string } }).session?.id === victim.id
  }
  t.ok(await isVictim(`${host}=${victim.token}; ${secure}=${attacker.token}`))
  t.ok(await isVictim(`${secure}=${victim.token}; ${legacy}=${attacker.token}`))
  for (const over of [
    `${host}=over; ${secure}=${attacker.token}`,
    `${secure}=over; ${legacy}=${attacker.token}; ${legacy}=another`,
    `${secure}=over; ${secure}=another; ${legacy}=${attacker.token}`,
  ])
    for (const path of ['/check', '/api/session']) {
      const response = await service.http(path, { headers: { cookie: over } })
      t.equal(response.status, 401, `${path} ${over}`)
      await response.body?.cancel()
    }
})

t.test('a sign-out ends the session of every session cookie that the browser sent', async (t) => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const requests: [what: string, path: (id: string) => string, init: RequestInit][] = [
    ['the API', () => '/api/logout', { method: 'POST' }],
    ['everywhere', () => '/logout', { method: 'POST', body: 'scope=global', headers: form }],
    ['the page', () => '/logout', { method: 'POST', body: 'scope=local', headers: form }],
    ['its own session', (id) => `/api/sessions/${id}`, { method: 'DELETE' }],
    ['its own session on the page', (id) => `/sessions/${id}/end`, { method: 'POST' }],
  ]
  for (const [what, path, init] of requests) {
    const [ada, bea, cy] = await Promise.all(
      ['ada', 'bea', 'cy'].map(async (name) => service.signIn(await service.addUser(`${name}: ${what}`))),
    )
    if (!ada || !bea || !cy) throw new Error('three users')
    const elsewhere = await service.signIn(`bea: ${what}`)
    const names = [`${secure}=${ada.token}`, `${legacy}=${bea.token}`, `${legacy}=${cy.token}`]
    const headers = { ...init.headers, cookie: names.join('; '), 'sec-fetch-site': 'same-origin' }
    const response = await service.http(path(ada.id), { ...init, headers, redirect: 'manual' })
    await response.body?.cancel()
    t.ok(response.status < 400, `${what}: ${response.status}`)
    for (const { token } of [ada, bea, cy]) t.equal(await service.check(token), 401, what)
    t.equal(await service.check(elsewhere.token), 200, 'the other user is signed out of this browser only')
    const cleared = response.headers.getSetCookie().map((line) => line.split('=')[0])
    t.ok(cleared.includes(secure) && cleared.includes(legacy), what)
  }
})

t.test('a logout of the other devices keeps this browser signed in, with all of its cookies', async (t) => {
  const [ada, bea] = [
    await service.signIn(await service.addUser()),
    await service.signIn(await service.addUser()),
  ]
  const cookie = `${secure}=${ada.token}; ${legacy}=${bea.token}`
  const headers = { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
  const init = { method: 'POST', body: JSON.stringify({ scope: 'others' }), headers }
  t.equal((await service.http('/api/logout', init)).status, 200)
  for (const { token } of [ada, bea]) t.equal(await service.check(token), 200)
})

t.test('a global logout applies to the user who is shown, not to the user of an older cookie', async (t) => {
  const [old, own] = [
    await service.signIn(await service.addUser()),
    await service.signIn(await service.addUser('shown')),
  ]
  const phone = await service.signIn('shown')
  await service.sessions.logout(old.token, 'global', { userAgent: null, ipAddress: null })
  const cookie = `${secure}=${old.token}; ${legacy}=${own.token}`
  const headers = { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
  const init = { method: 'POST', body: JSON.stringify({ scope: 'global' }), headers }
  t.equal((await service.http('/api/logout', init)).status, 200)
  for (const { token } of [own, phone]) t.equal(await service.check(token), 401)
})

t.test('two values of the name that is read are refused, and only that cookie is removed', async (t) => {
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
  t.notMatch(own[0], /Domain=/, 'browsers would refuse a __Host- cookie with a domain')
  t.ok(cleared.some((line) => /^mine=;.*Domain=example\.com/.test(line)))
})

t.test('an unlisted session cookie is logged, once', async (t) => {
  const warnings = () => log.filter((line) => line.includes('session cookie ignored'))
  t.same(warnings(), [], 'not while a listed cookie came with it')
  for (let n = 0; n < 3; n++) t.equal((await check(`${http}=its-value`)).status, 401)
  t.equal(warnings().length, 1)
  t.match(JSON.parse(warnings()[0] ?? ''), { cookie: http, listed: [host, secure, legacy] })
  t.notMatch(warnings()[0], 'its-value')
})

t.test('the first listed name wins, in whatever order the cookies come', async (t) => {
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
    t.same(JSON.parse(answer), { kind: 'refused', ambiguous: ['b'] })
})
