/** The API of a signed-in user, from the point of view of a person who lost a phone. */
import t from 'tap'
import { LINKOPING, LONDON, PLACES_FILE } from '../support/places.ts'
import { cursorOf, readable, unreadable } from '../support/positions.ts'
import { json, startService } from '../support/service.ts'

const service = await startService({
  env: { ALLOWED_REDIRECTS: 'https://app.example.com', GEOIP_DATABASE: PLACES_FILE },
})
const { as, http, cookieName } = service
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** A user with a laptop, a phone and a tablet, and another user. */
async function people() {
  const ada = await service.addUser(crypto.randomUUID(), { name: 'Ada' })
  const [laptop, phone, tablet] = [
    await service.signIn(ada, FIREFOX),
    await service.signIn(ada),
    await service.signIn(ada),
  ]
  const other = await service.signIn(await service.addUser())
  return { ada, laptop, phone, tablet, other }
}

interface Logout {
  operationId: string
  scope: string
  revoked: { id: string; device: object }[]
  redirect: string
}
const logout = async (response: Response) => (await response.json()) as Logout
const ids = (list: { id: string }[]) => list.map(({ id }) => id).sort()

t.test('GET /api/session returns the user and the end of the session, by cookie and by bearer', async (t) => {
  const { ada, laptop } = await people()
  for (const response of [
    await as(laptop.token, '/api/session'),
    await http('/api/session', { headers: bearer(laptop.token) }),
  ]) {
    t.equal(response.status, 200)
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.match(await response.json(), {
      user: { id: ada, name: 'Ada', email: null, image: null },
      session: { id: laptop.id, expiresAt: /Z$/ },
    })
  }
})

t.test("GET /api/sessions lists all devices of the user, this one first, and no other user's", async (t) => {
  const { laptop, phone, tablet } = await people()
  await service.database.psql(`update session set "lastSeenAt" = now() - interval '1 hour' where id = $1`, [
    phone.id,
  ])
  const { sessions } = (await (await as(laptop.token, '/api/sessions')).json()) as {
    sessions: { id: string }[]
  }
  t.same(
    sessions.map(({ id }) => id),
    [laptop.id, tablet.id, phone.id],
    'the current one, then by last use',
  )
  t.match(sessions[0], {
    current: true,
    name: null,
    device: { browser: 'Firefox', version: '145', os: 'Windows', kind: 'desktop' },
    userAgent: FIREFOX,
    ipAddress: '203.0.113.7',
    place: null,
    signInMethod: null,
  })
  t.notMatch(JSON.stringify(sessions), laptop.token, 'no token is ever listed')
})

t.test(
  'a device shows where it is, how its user signed in, and the name that the user gave it',
  async (t) => {
    const ada = await service.addUser()
    const { headers } = await service.keyFor('sessions:create')
    const signIn = async (rest: object) => {
      const init = json({ user: { id: ada }, ...rest })
      const response = await http('/api/sessions', { ...init, headers: { ...init.headers, ...headers } })
      t.equal(response.status, 201)
      return (await response.json()) as { token: string; sessionId: string }
    }
    const laptop = await signIn({ ipAddress: LONDON, signIn: { method: 'passkey' } })
    const phone = await signIn({ ipAddress: LONDON, signIn: { country: 'jp', city: 'Osaka', method: null } })
    const odd = await signIn({ signIn: { method: 'm'.repeat(99), country: 'nowhere', city: '\0' } })
    const one = async (id: string) => (await as(laptop.token, `/api/sessions/${id}`)).json()
    t.match(await one(laptop.sessionId), {
      current: true,
      place: { country: 'GB', city: 'London' },
      signInMethod: 'passkey',
    })
    t.match(await one(phone.sessionId), { place: { country: 'JP', city: 'Osaka' }, signInMethod: null })
    t.match(await one(odd.sessionId), {
      place: { country: null, city: '\ufffd' },
      signInMethod: 'm'.repeat(40),
    })

    const give = (id: string, body: object, token = laptop.token) =>
      as(token, `/api/sessions/${id}`, { ...json(body), method: 'PATCH' })
    t.same(await (await give(phone.sessionId, { name: '  My\nphone ' })).json(), {
      id: phone.sessionId,
      name: 'My phone',
    })
    const { sessions } = (await (await as(phone.token, '/api/sessions')).json()) as { sessions: object[] }
    t.match(sessions[0], { id: phone.sessionId, current: true, name: 'My phone' })
    t.match(await (await give(phone.sessionId, { name: '\u202e' })).json(), {
      code: 'invalid_request',
      field: 'name',
    })
    t.equal((await give(phone.sessionId, {})).status, 400)
    t.equal((await give(odd.sessionId, { name: 'x' })).status, 200)
    t.match(await (await give(odd.sessionId, { name: null })).json(), { name: null })
    t.match(await one(odd.sessionId), { name: null })

    const other = await service.signIn(await service.addUser())
    for (const id of [other.id, crypto.randomUUID()]) {
      t.match(await (await give(id, { name: 'mine' })).json(), { code: 'session_not_found' })
      t.match(await one(id), { code: 'session_not_found' }, "another user's session is told as unknown")
    }
    const cross = { 'sec-fetch-site': 'cross-site' }
    const forged = json({ name: 'forged' })
    t.equal(
      (
        await as(laptop.token, `/api/sessions/${phone.sessionId}`, {
          ...forged,
          method: 'PATCH',
          headers: { ...forged.headers, ...cross },
        })
      ).status,
      403,
    )
    t.match(await one(phone.sessionId), { name: 'My phone' })
    const { revoked } = await logout(
      await as(laptop.token, `/api/sessions/${phone.sessionId}`, { method: 'DELETE' }),
    )
    t.match(revoked, [{ id: phone.sessionId, name: 'My phone' }], 'the name goes with the record of the end')
    t.equal((await give(phone.sessionId, { name: 'late' })).status, 404, 'what has ended gets no name')
  },
)

t.test('what was signed out in the last 28 days is listed with the reason, newest first', async (t) => {
  const { ada, laptop, phone, tablet } = await people()
  const { psql } = service.database
  const named = await as(laptop.token, `/api/sessions/${tablet.id}`, {
    ...json({ name: 'Tab' }),
    method: 'PATCH',
  })
  t.equal(named.status, 200)
  const old = await service.signIn(ada)
  const own = await service.signIn(ada, 'Own/1.0', LINKOPING)
  await as(old.token, '/api/logout', json({}))
  await psql(
    `update revoked_session set revoked_at = now() - interval '28 days 1 minute' where session_id = $1`,
    [old.id],
  )
  await as(own.token, '/api/logout', json({}))
  await as(laptop.token, `/api/sessions/${tablet.id}`, {
    method: 'DELETE',
    headers: { 'user-agent': FIREFOX },
  })
  const again = (
    await service.sessions.create({ userId: ada, replaces: phone.token, userAgent: 'x', ipAddress: null })
  ).session
  await psql('delete from session where id = $1', [again.id])
  const ended = async (query = '') => {
    const response = await as(laptop.token, `/api/session/ended${query}`)
    return (await response.json()) as { sessions: { id: string; reason: string }[]; next: string | null }
  }
  const { sessions, next } = await ended()
  t.same(
    sessions.map(({ id, reason }) => [id, reason]),
    [
      [again.id, 'other'],
      [phone.id, 'replaced'],
      [tablet.id, 'signed_out_elsewhere'],
      [own.id, 'signed_out'],
    ],
  )
  t.equal(next, null)
  t.match(sessions[2], { name: 'Tab', endedFrom: { browser: 'Firefox', os: 'Windows' } })
  t.match(sessions[3], { place: { country: 'SE', city: 'Linköping' }, endedFrom: null, endedAt: /Z$/ })

  const staff = {
    actorKind: 'staff' as const,
    actorId: 'grace',
    userAgent: 'StaffLaptop/1.0',
    ipAddress: '192.0.2.44',
  }
  await service.accounts.revoke(ada, { reason: 'Ticket 4711' }, staff)
  const fresh = await service.signIn(ada)
  const text = await (await as(fresh.token, '/api/session/ended')).text()
  t.match(text, '"security_team"')
  t.notMatch(text, /grace|StaffLaptop|192\.0\.2\.44|4711/, 'staff are not named')
  t.match(await (await as(fresh.token, '/api/session/ended?cursor=x')).json(), { field: 'cursor' })

  await psql(
    `insert into revoked_session (session_id, session_token, user_id, created_at, last_seen_at)
     select gen_random_uuid(), 'many-' || i, $1, now(), now() from generate_series(1, 150) i`,
    [ada],
  )
  const read = async (query: string) =>
    (await (await as(fresh.token, `/api/session/ended${query}`)).json()) as Awaited<ReturnType<typeof ended>>
  const first = await read('')
  const second = await read(`?${new URLSearchParams({ cursor: first.next ?? '' })}`)
  t.same([first.sessions.length, second.sessions.length, second.next], [100, 55, null])
  t.equal(new Set([...first.sessions, ...second.sessions].map(({ id }) => id)).size, 155)
})

t.test('an unreadable cursor is refused with 400, never with an error 500', async (t) => {
  const { ada, laptop } = await people()
  const { headers } = await service.keyFor('security')
  const answers = async (position: unknown) => {
    const query = new URLSearchParams({ cursor: cursorOf(position) })
    const own = await as(laptop.token, `/api/sessions?${query}`)
    const page = await as(laptop.token, `/devices?${query}`)
    const staff = await service.http(`/api/admin/users/${ada}/sessions?${query}`, { headers })
    await page.arrayBuffer()
    return {
      statuses: [own.status, page.status, staff.status],
      bodies: [await own.json(), await staff.json()],
    }
  }
  for (const wrong of [{}, [], null, 1, ...unreadable('instant', 'id')]) {
    const { statuses, bodies } = await answers(wrong)
    t.same(statuses, [400, 400, 400], JSON.stringify(wrong).slice(0, 80))
    t.match(bodies, [
      { code: 'invalid_request', field: 'cursor' },
      { code: 'invalid_request', field: 'cursor' },
    ])
  }
  for (const right of readable('instant', 'id'))
    t.same((await answers(right)).statuses, [200, 200, 200], JSON.stringify(right))
})

t.test('a user with many sessions reads them in pages, each session once, and so do staff', async (t) => {
  const { ada, laptop } = await people()
  await service.database.psql(
    `insert into session ("sessionToken", "userId", expires, "lastSeenAt")
     select 'page-' || i, $1, now() at time zone 'utc' + interval '1 day', date_trunc('second', now()) - (i / 7) * interval '1 second'
     from generate_series(1, 250) i`,
    [ada],
  )
  type Page = { sessionCount: number; sessions: { id: string; current: boolean }[]; next: string | null }
  const read = async (cursor: string | null) => {
    const query = cursor ? `?${new URLSearchParams({ cursor })}` : ''
    return (await (await as(laptop.token, `/api/sessions${query}`)).json()) as Page
  }
  const pages: Page[] = [await read(null)]
  for (let next = pages[0]?.next; next; next = pages.at(-1)?.next) pages.push(await read(next))
  const listed = pages.flatMap(({ sessions }) => sessions)
  t.same(
    pages.map(({ sessions }) => sessions.length),
    [101, 100, 52],
  )
  t.ok(pages.every(({ sessionCount }) => sessionCount === 253))
  t.equal(new Set(listed.map(({ id }) => id)).size, 253, 'each once, also those last seen in the same second')
  t.same(listed.map(({ current }) => current).indexOf(true), 0)
  t.match(await (await as(laptop.token, '/api/sessions?cursor=x')).json(), { code: 'invalid_request' })
  const first = await (await as(laptop.token, '/devices')).text()
  t.match(first, 'You are signed in on 253 devices')
  t.match(first, 'And 152 more devices')
  const [, way = ''] = /href="(\/devices\?cursor=[^"]+)"/.exec(first) ?? []
  const second = await (await as(laptop.token, way)).text()
  const idsOf = (html: string) => [...html.matchAll(/\/sessions\/([0-9a-f-]{36})\/end/g)].map(([, id]) => id)
  t.same(
    idsOf(second),
    pages[1]?.sessions.map(({ id }) => id),
  )
  t.match(await (await as(laptop.token, '/logout')).text(), 'Your 252 other devices')
  const { accounts } = service
  const account = await accounts.show(ada)
  t.equal(account.sessions.length, 200)
  const rest = await accounts.show(ada, { cursor: account.next ?? '' })
  t.equal(new Set([...account.sessions, ...rest.sessions].map(({ id }) => id)).size, 253)
  t.equal(rest.next, null)

  const response = await as(laptop.token, '/api/logout', json({ scope: 'others' }))
  const outcome = (await response.json()) as Logout & { revokedCount: number }
  t.equal(outcome.revokedCount, 252)
  t.equal(outcome.revoked.length, 100, 'the answer is bounded')
  const [recorded] = await service.database.psql(
    `select revoked_count, (select count(*)::int from revoked_session where operation_id = o.id) as rows from operation o where id = $1`,
    [outcome.operationId],
  )
  t.same(recorded, { revoked_count: 252, rows: 252 })
  const shown = await service.http('/devices', {
    headers: {
      cookie: `${cookieName}=${laptop.token}; ${response.headers.getSetCookie()[0]?.split(';')[0]}`,
    },
  })
  t.match(await shown.text(), /252 devices were signed out.*246 more devices.*and 152 more/s)
})

t.test('after the phone logs out everywhere, every request of the laptop gets 401', async (t) => {
  const { laptop, phone, tablet, other } = await people()
  const response = await as(phone.token, '/api/logout', json({ scope: 'global' }))
  t.equal(response.status, 200)
  t.match(response.headers.getSetCookie()[0], new RegExp(`^${cookieName}=; .*Expires=Thu, 01 Jan 1970`))
  const outcome = await logout(response)
  t.same(ids(outcome.revoked), ids([laptop, phone, tablet]))
  t.match(outcome, { scope: 'global', redirect: '/signed-out', operationId: /^[0-9a-f-]{36}$/ })
  for (const { token } of [laptop, phone, tablet]) {
    t.equal(await service.check(token), 401)
    t.equal((await as(token, '/api/session')).status, 401)
  }
  t.equal(await service.check(other.token), 200, "the other user's session is unaffected")

  const again = await as(laptop.token, '/api/logout', json({ scope: 'global' }))
  t.equal(again.status, 200, 'repeating a finished logout succeeds')
  t.match(
    await logout(again),
    { operationId: null, revoked: [] },
    'another session learns nothing of the operation',
  )
  const own = await logout(await as(phone.token, '/api/logout', json({ scope: 'global' })))
  t.match(
    own,
    { operationId: outcome.operationId, revoked: [] },
    'the session that asked gets its own outcome again',
  )
  t.equal(await service.check(laptop.token), 401)
})

t.test('a logout of the others keeps the session that asks, and its cookie', async (t) => {
  const { laptop, phone, tablet } = await people()
  const response = await as(laptop.token, '/api/logout', json({ scope: 'others' }))
  const outcome = await logout(response)
  t.same(ids(outcome.revoked), ids([phone, tablet]))
  t.equal(outcome.redirect, '/devices')
  t.notOk(response.headers.getSetCookie().some((cookie) => cookie.startsWith(`${cookieName}=`)))
  t.equal(await service.check(laptop.token), 200)
  t.equal(await service.check(phone.token), 401)
  t.same(
    (await logout(await as(laptop.token, '/api/logout', json({ scope: 'others' })))).revoked,
    [],
    'a second time there is nothing to end',
  )
})

t.test('the default scope is local, with or without a body', async (t) => {
  const { laptop, phone, tablet } = await people()
  t.same(ids((await logout(await as(laptop.token, '/api/logout', { method: 'POST' }))).revoked), [laptop.id])
  t.same(ids((await logout(await as(phone.token, '/api/logout', json({})))).revoked), [phone.id])
  t.equal(await service.check(tablet.token), 200)
})

t.test('a token whose own session was ended cannot end others, and is refused', async (t) => {
  const { laptop, phone } = await people()
  await as(laptop.token, '/api/logout', json({ scope: 'local' }))
  for (const scope of ['global', 'others']) {
    const response = await as(laptop.token, '/api/logout', json({ scope }))
    t.equal(response.status, 401)
    t.equal(response.headers.get('set-cookie'), null)
  }
  t.equal((await as(laptop.token, '/api/logout', json({ scope: 'local' }))).status, 200)
  t.equal(await service.check(phone.token), 200)
})

t.test('an expired token cannot log out everywhere, but can log itself out', async (t) => {
  const { laptop, phone } = await people()
  await service.database.psql(`update session set expires = now() at time zone 'utc' where id = $1`, [
    laptop.id,
  ])
  t.equal((await as(laptop.token, '/api/logout', json({ scope: 'global' }))).status, 401)
  t.equal((await as(laptop.token, '/api/logout', json({ scope: 'local' }))).status, 200)
  t.equal(await service.check(phone.token), 200)
})

t.test('without a token or with an unknown one, a logout lists no ended session', async (t) => {
  for (const headers of [{}, bearer('unknown'), { cookie: `${cookieName}=a` }]) {
    const own = { ...headers, 'sec-fetch-site': 'same-origin' }
    const response = await http('/api/logout', { method: 'POST', headers: own })
    t.equal(response.status, 401)
    t.equal(response.headers.get('set-cookie'), null)
  }
})

t.test('DELETE /api/sessions/:id ends that session', async (t) => {
  const { laptop, phone, tablet, other } = await people()
  const end = (token: string, id: string) => as(token, `/api/sessions/${id}`, { method: 'DELETE' })
  const outcome = await logout(await end(laptop.token, phone.id))
  t.same(ids(outcome.revoked), [phone.id])
  t.equal(await service.check(phone.token), 401)
  t.equal(await service.check(tablet.token), 200)

  const foreign = await end(laptop.token, other.id)
  t.equal(foreign.status, 404)
  t.match(await foreign.json(), { code: 'session_not_found' })
  t.equal(await service.check(other.token), 200, "another user's session id ends nothing")
  t.equal(
    (await end(laptop.token, crypto.randomUUID())).status,
    404,
    'and gets the same answer as an unknown id',
  )
  t.match(
    await logout(await end(laptop.token, phone.id)),
    { operationId: outcome.operationId, revoked: [] },
    'repeating it succeeds',
  )

  const own = await end(laptop.token, laptop.id)
  t.match(await logout(own), { redirect: '/signed-out' })
  t.match(own.headers.get('set-cookie'), `${cookieName}=;`)
  t.equal((await end(laptop.token, laptop.id)).status, 200, 'repeating it succeeds')
  t.equal((await end(laptop.token, tablet.id)).status, 401)
})

t.test('a change by cookie needs proof of the same origin; by bearer it does not', async (t) => {
  const { laptop } = await people()
  const cookie = `${cookieName}=${laptop.token}`
  const refused: Record<string, string>[] = [
    {},
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site', origin: service.config.publicOrigin },
  ]
  for (const headers of refused) {
    for (const [method, path] of [
      ['POST', '/api/logout'],
      ['POST', '/logout'],
      ['DELETE', `/api/sessions/${laptop.id}`],
      ['POST', `/sessions/${laptop.id}/end`],
    ] as const) {
      const response = await http(path, { method, headers: { cookie, ...headers } })
      t.equal(response.status, 403, `${method} ${path} ${JSON.stringify(headers)}`)
    }
  }
  t.equal(await service.check(laptop.token), 200)
  const allowed = await http('/api/logout', {
    ...json({ scope: 'others' }),
    headers: { ...json({}).headers, cookie, origin: service.config.publicOrigin },
  })
  t.equal(allowed.status, 200)
  t.equal((await http('/api/logout', { method: 'POST', headers: bearer(laptop.token) })).status, 200)
})

t.test('callbackUrl is followed to an allowed origin only', async (t) => {
  const { publicOrigin } = service.config
  const cases: [callbackUrl: string, redirect: string][] = [
    ['/goodbye?x=1', '/goodbye?x=1'],
    [`${publicOrigin}/goodbye`, '/goodbye'],
    ['https://app.example.com/bye', 'https://app.example.com/bye'],
    ['https://evil.example/', '/signed-out'],
    ['//evil.example/', '/signed-out'],
    ['/\\evil.example/', '/signed-out'],
    ['https://app.example.com@evil.example/', '/signed-out'],
    ['https://user:pw@app.example.com/', '/signed-out'],
    ['https://app.example.com.evil.example/', '/signed-out'],
    ['http://app.example.com/', '/signed-out'],
    ['javascript:alert(1)', '/signed-out'],
    [`${publicOrigin}//evil.example`, '/evil.example'],
    ['/.//evil.example', '/evil.example'],
    ['\t//evil.example', '/signed-out'],
  ]
  for (const [callbackUrl, redirect] of cases) {
    const { laptop } = await people()
    t.equal(
      (await logout(await as(laptop.token, '/api/logout', json({ callbackUrl })))).redirect,
      redirect,
      callbackUrl,
    )
  }
})

t.test('invalid input gets 400 that names the field, and ends nothing', async (t) => {
  const { laptop } = await people()
  const bad: [body: unknown, field: string][] = [
    [{ scope: 'glboal' }, 'scope'],
    [{ scope: 1 }, 'scope'],
    [{ scop: 'global' }, 'scop'],
    [{ scope: null }, 'scope'],
    [{ scope: ['global', 'local'] }, 'scope'],
    [{ Scope: 'global' }, 'Scope'],
    [{ options: { scope: 'others' } }, 'options'],
    [{ scopes: ['GLOBAL'] }, 'scopes'],
    [{ global: true }, 'global'],
    [{ scope: 'local', scop: 'global' }, 'scop'],
    [[], 'body'],
    ['global', 'body'],
  ]
  for (const [body, field] of bad) {
    const response = await as(laptop.token, '/api/logout', json(body))
    t.equal(response.status, 400, JSON.stringify(body).slice(0, 60))
    t.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8')
    t.match(await response.json(), {
      code: 'invalid_request',
      field,
      requestId: response.headers.get('x-request-id'),
    })
  }
  const raw = (body: string, type = 'application/json') =>
    as(laptop.token, '/api/logout', { method: 'POST', body, headers: { 'content-type': type } })
  t.equal((await raw('{"scope":')).status, 400)
  t.equal((await raw('{"__proto__":{"scope":"global"}}')).status, 400)
  t.equal((await raw('scope=global', 'text/plain')).status, 415)
  t.equal((await raw(JSON.stringify({ callbackUrl: 'x'.repeat(70_000) }))).status, 413)
  for (const query of ['scope=global', 'scope=others&scope=global', 'scope'])
    t.match(
      await (await as(laptop.token, `/api/logout?${query}`, json({}))).json(),
      { field: 'scope' },
      query,
    )
  t.equal((await as(laptop.token, '/api/sessions/not-an-id', { method: 'DELETE' })).status, 400)
  t.equal(await service.check(laptop.token), 200)
})

t.test('an unknown path gets 404, as problem JSON for programs and as a page for people', async (t) => {
  const program = await http('/nothing')
  t.equal(program.status, 404)
  t.match(await program.json(), { code: 'not_found', type: /^urn:/ })
  const person = await http('/nothing', { headers: { accept: 'text/html' } })
  t.equal(person.status, 404)
  t.match(person.headers.get('content-type'), 'text/html')
  t.match(
    person.headers.get('content-security-policy'),
    "default-src 'none'",
    'an error page has the same strict policy',
  )
})

t.test('a request that Node itself refuses gets a problem body too', async (t) => {
  const huge = await http('/check', { headers: { cookie: 'x'.repeat(100_000) } })
  t.equal(huge.status, 431)
  t.match(await huge.json(), { code: 'headers_too_large' })
})

t.test('on https, cookies are __Host-, Secure, HttpOnly, with HSTS and no demo sign-in', async (t) => {
  const secure = await startService({
    database: service.database,
    env: { PUBLIC_URL: 'https://id.example.com' },
  })
  const { laptop } = await people()
  const response = await secure.http('/api/logout', {
    method: 'POST',
    headers: { cookie: `__Host-authjs.session-token=${laptop.token}`, origin: 'https://id.example.com' },
  })
  t.equal(response.status, 200)
  t.match(response.headers.get('strict-transport-security'), /max-age=\d{8}/)
  const [cleared] = response.headers.getSetCookie()
  t.match(cleared, /^__Host-authjs\.session-token=; .*HttpOnly; Secure; SameSite=Lax$/)
  t.notMatch(cleared, 'Domain')
  t.equal((await secure.http('/login')).status, 404)
  t.equal((await secure.http('/login', json({ email: 'ada@example.com' }))).status, 404)

  const shared = await startService({
    database: service.database,
    env: { PUBLIC_URL: 'https://id.example.com', COOKIE_DOMAIN: 'example.com' },
  })
  t.equal(shared.cookieName, '__Secure-authjs.session-token')
  const { phone } = await people()
  const shared2 = await shared.http('/api/logout', {
    method: 'POST',
    headers: { cookie: `${shared.cookieName}=${phone.token}`, origin: 'https://id.example.com' },
  })
  t.match(shared2.headers.getSetCookie()[0], /Domain=example\.com/)
})

t.test('a stolen session that was ended cannot learn which others were ended', async (t) => {
  const { laptop, phone: thief } = await people()
  await as(laptop.token, '/api/logout', json({ scope: 'global' }))
  const response = await as(thief.token, '/api/logout', json({ scope: 'global' }))
  t.notOk(response.headers.getSetCookie().some((cookie) => cookie.includes('outcome')))
  t.notMatch(await response.text(), /203\.0\.113|[0-9a-f]{8}-[0-9a-f]{4}/)
  t.notMatch(await (await as(thief.token, '/signed-out')).text(), '203.0.113.7')
})

t.test('API calls count as session activity', async (t) => {
  const { laptop } = await people()
  await service.database.psql(`update session set "lastSeenAt" = now() - interval '6 days' where id = $1`, [
    laptop.id,
  ])
  await as(laptop.token, '/api/session')
  await service.lastSeen.flush()
  const [row] = await service.database.psql<{ recent: boolean }>(
    `select "lastSeenAt" > now() - interval '1 minute' as recent from session where id = $1`,
    [laptop.id],
  )
  t.equal(row?.recent, true)
})

t.test('a session id that the application chose may be of any version and in any case', async (t) => {
  const { laptop, phone, tablet } = await people()
  const id = `11111111-aaaa-1111-1111-${String(Date.now()).slice(-12)}`
  await service.database.psql('update session set id = $2 where id = $1', [phone.id, id])
  t.match(await (await as(laptop.token, '/api/sessions')).text(), id)
  t.equal((await as(laptop.token, `/api/sessions/${id.toUpperCase()}`, { method: 'DELETE' })).status, 200)
  t.equal(await service.check(phone.token), 401)
  const own = await as(tablet.token, `/api/sessions/${tablet.id.toUpperCase()}`, { method: 'DELETE' })
  t.match(own.headers.get('set-cookie'), `${cookieName}=;`, 'its own cookie is cleared')
})
