/**
 * The staff API for accounts: what each role may do, and that other callers are refused and learn nothing.
 */
import t from 'tap'
import { KEY_SCOPES } from '../../../src/service-api/scopes.ts'
import { json, startService } from '../../support/service.ts'
import { within } from '../../support/within.ts'

const service = await startService()
const { http, as, database, addUser, signIn, keyFor, check } = service
const { psql } = database

/** A user with a role, signed in a while ago. */
async function staff(role: 'security' | 'auditor' | null, signedInAgo = '0 seconds') {
  const id = await addUser()
  if (role) await psql('insert into staff (user_id, role) values ($1, $2)', [id, role])
  const session = await signIn(id)
  await psql(`update session set "createdAt" = now() - $1::interval where id = $2`, [signedInAgo, session.id])
  return { userId: id, ...session }
}
const problem = async (response: Response) =>
  `${response.status} ${((await response.json()) as { code?: string }).code ?? ''}`.trim()

const READS = [
  '/users?q=x',
  '/users/USER/sessions',
  '/audit',
  '/find?q=x',
  '/sessions?ip=192.0.2.0/24',
  '/locks',
  '/staff',
].map((path) => ({ path, init: {} as RequestInit }))
const HARMS = [
  { path: '/users/USER/revoke', init: json({ reason: 'drill' }) as RequestInit },
  { path: '/users/USER/lock', init: { method: 'DELETE' } as RequestInit },
  { path: '/users/USER/replays/acknowledge', init: json({ reason: 'drill' }) as RequestInit },
  { path: '/sessions/SESSION', init: { ...json({ reason: 'drill' }), method: 'DELETE' } as RequestInit },
  { path: '/users/USER/notes', init: json({ text: 'drill' }) as RequestInit },
]

t.test('every caller gets exactly its rights', async (t) => {
  const security = await staff('security')
  const old = await staff('security', '16 minutes')
  const auditor = await staff('auditor')
  const user = await staff(null)
  const cookie = (token: string) => ({ cookie: `${service.cookieName}=${token}` })
  const ours = { 'sec-fetch-site': 'same-origin' }
  const key = async (...scopes: Parameters<typeof keyFor>) => (await keyFor(...scopes)).headers
  /** Headers, the answer to a read, the answer to a write. */
  const cells: [string, Record<string, string>, string, string][] = [
    ['no credentials', {}, '401 unauthenticated', '401 unauthenticated'],
    ['an unknown token', { authorization: 'Bearer x' }, '401 invalid_token', '401 invalid_token'],
    ['a user', { ...cookie(user.token), ...ours }, '403 not_staff', '403 not_staff'],
    ['a user, by bearer', { authorization: `Bearer ${user.token}` }, '403 not_staff', '403 not_staff'],
    ['an auditor', { ...cookie(auditor.token), ...ours }, '200', '403 read_only'],
    ['an auditor, by bearer', { authorization: `Bearer ${auditor.token}` }, '200', '403 read_only'],
    ['security', { ...cookie(security.token), ...ours }, '200', '200'],
    ['security, by bearer', { authorization: `Bearer ${security.token}` }, '200', '200'],
    ['security, signed in long ago', { ...cookie(old.token), ...ours }, '200', '403 sign_in_again'],
    ['security, long ago, by bearer', { authorization: `Bearer ${old.token}` }, '200', '403 sign_in_again'],
    ['security, from our origin', { ...cookie(security.token), origin: service.base }, '200', '200'],
    ['security, no proof of origin', cookie(security.token), '200', '403 cross_origin'],
    [
      'security, from another site',
      { ...cookie(security.token), 'sec-fetch-site': 'cross-site' },
      '200',
      '403 cross_origin',
    ],
    [
      'security, from a sibling',
      { ...cookie(security.token), 'sec-fetch-site': 'same-site', origin: service.base },
      '200',
      '403 cross_origin',
    ],
    ['a wrong key', { authorization: `Bearer glk_${'A'.repeat(43)}` }, '401 invalid_key', '401 invalid_key'],
    [
      'a key with every other scope',
      await key(...KEY_SCOPES.filter((scope) => scope !== 'security')),
      '403 insufficient_scope',
      '403 insufficient_scope',
    ],
  ]
  for (const scope of KEY_SCOPES) {
    const answer = scope === 'security' ? '200' : '403 insufficient_scope'
    cells.push([`a key with ${scope}`, await key(scope), answer, answer])
  }
  for (const [who, headers, read, harm] of cells) {
    for (const [routes, expected] of [
      [READS, read],
      [HARMS, harm],
    ] as const) {
      for (const { path, init } of routes) {
        const victim = await addUser()
        const session = await signIn(victim)
        await psql(`insert into user_lock (user_id, until, reason) values ($1, null, 'drill')`, [victim])
        const response = await http(
          `/api/admin${path.replace('USER', victim).replace('SESSION', session.id)}`,
          {
            ...init,
            headers: { ...init.headers, ...headers },
          },
        )
        const wanted = path.endsWith('/notes') && expected === '200' ? '201' : expected
        t.equal(await problem(response), wanted, `${who}: ${init.method ?? 'GET'} ${path}`)
        const ended = /\/(revoke|SESSION)$/.test(path) && expected === '200'
        t.equal(await check(session.token), ended ? 401 : 200, 'only allowed requests ended a session')
        const locks = await psql('select from user_lock where user_id = $1', [victim])
        t.equal(locks.length, path.endsWith('/lock') && expected === '200' ? 0 : 1)
      }
    }
  }
})

t.test('callers who are not staff always get the same 403, which reveals nothing', async (t) => {
  const { token } = await staff(null)
  const ada = await addUser()
  const answers = new Set<string>()
  for (const [path, init] of [
    ['/users', {}],
    ['/users?q=a&unknown=1', {}],
    [`/users/${ada}/sessions`, {}],
    ['/users/nobody/sessions', {}],
    [`/users/${ada}/revoke`, json({ wrong: 1 })],
    ['/users/nobody/revoke', json({ reason: 'x' })],
    ['/users/nobody/revoke', { ...json(0), body: '{broken' }],
    ['/users/nobody/lock', { method: 'DELETE' }],
    ['/audit?cursor=x', {}],
    [`/sessions/${crypto.randomUUID()}`, { method: 'DELETE' }],
    ['/sessions/x', { ...json({ reason: 'x' }), method: 'DELETE' }],
    ['/locks', json({ wrong: 1 })],
  ] as [string, RequestInit][]) {
    const { requestId: _, ...body } = (await (await as(token, `/api/admin${path}`, init)).json()) as {
      requestId: string
    }
    answers.add(JSON.stringify(body))
  }
  t.equal(answers.size, 1)
  t.match([...answers][0], '"code":"not_staff"')
})

t.test('the age of a staff sign-in is measured by the database clock', async (t) => {
  const { token } = await staff('security')
  const clock = Date.now
  Date.now = () => clock() + 3_600_000
  t.teardown(() => {
    Date.now = clock
  })
  const ada = await addUser()
  t.equal(await problem(await as(token, `/api/admin/users/${ada}/revoke`, json({ reason: 'drill' }))), '200')
})

t.test('a removed role has no effect from the next request on', async (t) => {
  const { token, userId } = await staff('security')
  t.equal((await as(token, '/api/admin/users?q=x')).status, 200)
  await psql('delete from staff where user_id = $1', [userId])
  t.equal(await problem(await as(token, '/api/admin/users?q=x')), '403 not_staff')
})

t.test('staff find a user, see active and ended sessions, end all, and unlock the user', async (t) => {
  const { token, userId: eve, id: eveSession } = await staff('security')
  const ada = await addUser('ada/ü %', { name: 'Ada <b>Lovelace</b>', email: 'ada@example.com' })
  const laptop = await signIn(
    ada,
    'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
    '2001:db8::7',
  )
  const path = `/api/admin/users/${encodeURIComponent(ada)}`
  t.same(await (await as(token, '/api/admin/users?q=ADA%40')).json(), {
    users: [
      {
        id: ada,
        name: 'Ada <b>Lovelace</b>',
        email: 'ada@example.com',
        role: null,
        lock: null,
        deleted: false,
      },
    ],
    parts: 'unavailable',
  })
  const before = await as(token, `${path}/sessions`)
  t.equal(before.headers.get('cache-control'), 'no-store')
  t.match(await before.json(), {
    user: { id: ada },
    sessionCount: 1,
    sessions: [
      {
        id: laptop.id,
        device: { browser: 'Firefox', os: 'Linux' },
        ipAddress: '2001:db8::7',
        expiresAt: /^20/,
      },
    ],
    revocations: [],
    replays: [],
  })

  const revoke = await as(token, `${path}/revoke`, {
    ...json({ reason: '  cookie jar stolen ', lockFor: '90d' }),
    headers: { ...json({}).headers, 'user-agent': 'console' },
  })
  t.equal(revoke.status, 200)
  const outcome = (await revoke.json()) as { operationId: string; revoked: object[]; lockedUntil: string }
  t.match(outcome.revoked, [{ id: laptop.id, device: { browser: 'Firefox' } }])
  t.ok(Math.abs(Date.parse(outcome.lockedUntil) - Date.now() - 90 * 86_400_000) < 60_000)
  t.equal(await check(laptop.token), 401)
  await service.replays.flush()

  const after = (await (await as(token, `${path}/sessions`)).json()) as object
  t.match(after, {
    user: { lock: { reason: 'cookie jar stolen', until: outcome.lockedUntil } },
    sessionCount: 0,
    sessions: [],
    revocations: [
      {
        sessionId: laptop.id,
        operation: {
          id: outcome.operationId,
          kind: 'user.revoke',
          reason: 'cookie jar stolen',
          actorKind: 'staff',
          actorId: eve,
          actorSessionId: eveSession,
          ipAddress: '127.0.0.1',
          userAgent: 'console',
          requestId: revoke.headers.get('x-request-id'),
          revokedCount: 1,
          result: { lockedUntil: outcome.lockedUntil },
        },
      },
    ],
    replays: [{ sessionId: laptop.id, count: 1, ipAddress: '127.0.0.1' }],
  })
  t.notMatch(JSON.stringify(after), laptop.token)
  t.equal(await problem(await as(token, `${path}/lock`, { method: 'DELETE' })), '200')
  t.same(await (await as(token, `${path}/lock`, { method: 'DELETE' })).json(), { operationId: null })
  t.equal(await check((await signIn(ada)).token), 200)
  const forever = await as(token, `${path}/revoke`, json({ reason: 'again', lockFor: 'forever' }))
  t.match(await forever.json(), { lockedUntil: null })
  const unlocked = await as(token, `${path}/revoke`, json({ reason: 'again' }))
  t.notOk('lockedUntil' in ((await unlocked.json()) as object), 'no lock was requested')
})

t.test(
  'staff end one session: it gets 401 at once, the others stay, and the audit has who and why',
  async (t) => {
    const { token, userId: eve } = await staff('security')
    const ada = await addUser()
    const [phone, tablet] = [await signIn(ada), await signIn(ada, 'Tablet/1')]
    const end = (id: string, body: unknown = { reason: 'tablet stolen' }) =>
      as(token, `/api/admin/sessions/${id}`, { ...json(body), method: 'DELETE' })
    t.equal(await problem(await end(tablet.id, {})), '400 invalid_request')
    const response = await end(tablet.id.toUpperCase())
    t.equal(response.status, 200)
    const done = (await response.json()) as { operationId: string }
    t.match(done, { userId: ada, revokedCount: 1, revoked: [{ id: tablet.id, userAgent: 'Tablet/1' }] })
    t.same([await check(phone.token), await check(tablet.token)], [200, 401])
    const [recorded] = await psql('select * from operation where id = $1', [done.operationId])
    t.match(recorded, {
      kind: 'session.revoke',
      actor_kind: 'staff',
      actor_id: eve,
      user_id: ada,
      reason: 'tablet stolen',
      revoked_count: 1,
      request_id: response.headers.get('x-request-id'),
    })
    t.equal(await problem(await end(tablet.id)), '404 session_not_found', 'it has ended before')
    t.equal(await problem(await end(crypto.randomUUID())), '404 session_not_found')
    t.equal(
      (await psql('select from operation where user_id = $1', [ada])).length,
      1,
      'nothing more is recorded',
    )
    t.equal(await check((await signIn(ada)).token), 200, 'the user may sign in again')
  },
)

t.test(
  'many users are locked and unlocked at once, each on record; unknown entries are returned',
  async (t) => {
    const { token } = await staff('security')
    const [ada, ben, cleo] = [
      await addUser(crypto.randomUUID(), { email: 'Ada@bulk.example' }),
      await addUser(),
      await addUser(),
    ]
    const sessions = [await signIn(ada), await signIn(ben), await signIn(cleo)]
    const listed = { userIds: [ben, 'who', ben], emails: ['ADA@BULK.example', 'who@bulk.example'] }
    const locks = (method: string, body: unknown) => as(token, '/api/admin/locks', { ...json(body), method })
    t.equal(await problem(await locks('POST', { reason: 'x', lockFor: '1h' })), '400 invalid_request')
    const locked = await locks('POST', { reason: 'left the company', lockFor: 'forever', ...listed })
    t.same(await locked.json(), {
      locked: 2,
      revokedCount: 2,
      unknownUsers: ['who'],
      unknownEmails: ['who@bulk.example'],
    })
    t.same(await Promise.all(sessions.map((each) => check(each.token))), [401, 401, 200])
    for (const id of [ada, ben]) await t.rejects(signIn(id), { code: 'user_locked' })
    await signIn(cleo)
    const { users } = (await (await as(token, '/api/admin/locks')).json()) as { users: { id: string }[] }
    t.same(
      users
        .map(({ id }) => id)
        .filter((id) => [ada, ben, cleo].includes(id))
        .sort(),
      [ada, ben].sort(),
    )
    t.match(users[0], { lock: { reason: 'left the company', until: null } }, 'the latest lock first')
    const unlocked = await locks('DELETE', { reason: 'they came back', ...listed })
    t.match(await unlocked.json(), {
      unlocked: 2,
      unknownUsers: ['who'],
      unknownEmails: ['who@bulk.example'],
    })
    for (const id of [ada, ben]) t.equal(await check((await signIn(id)).token), 200)
    const operations = await psql(
      `select kind, actor_kind, reason from operation where user_id = any ($1) order by user_id, at`,
      [[ada, ben]],
    )
    const each = [
      { kind: 'user.revoke', actor_kind: 'staff', reason: 'left the company' },
      { kind: 'user.unlock', actor_kind: 'staff', reason: 'they came back' },
    ]
    t.same(operations, [...each, ...each], 'one operation for each user and act, and none by a trigger')
    t.match(await (await locks('DELETE', listed)).json(), { unlocked: 0 })
  },
)

t.test('who is locked comes in pages, each user once; who is staff is listed with the role', async (t) => {
  const { token, userId } = await staff('auditor')
  const before = Number((await psql('select count(*) as n from user_lock'))[0]?.n)
  await psql(`insert into "user" (id) select 'paged-' || n from generate_series(1, 150) n`)
  await psql(
    `insert into user_lock (user_id, reason) select 'paged-' || n, 'test' from generate_series(1, 150) n`,
  )
  await psql(
    `insert into user_lock (user_id, until, reason) values ('over', now() - interval '1 hour', 'test')`,
  )
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const response = await as(token, `/api/admin/locks${cursor && `?cursor=${cursor}`}`)
    const page = (await response.json()) as { users: { id: string }[]; next: string | null }
    t.ok(page.users.length <= 100)
    seen.push(...page.users.map(({ id }) => id))
    if (!page.next) break
    cursor = page.next
  }
  t.equal(seen.length, before + 150)
  t.equal(new Set(seen).size, seen.length)
  t.notOk(seen.includes('over'), 'a lock that is over is none')
  const { staff: all } = (await (await as(token, '/api/admin/staff')).json()) as { staff: object[] }
  t.match(all[0], { id: userId, role: 'auditor', grantedAt: /^20/ })
})

t.test('a note on a user is shown to other staff, with its author, and stays in the audit log', async (t) => {
  const { token, userId: eve } = await staff('security')
  const ada = await addUser()
  const note = (id: string, text: unknown) => as(token, `/api/admin/users/${id}/notes`, json({ text }))
  t.equal(await problem(await note(ada, ' ')), '400 invalid_request')
  t.equal(await problem(await note('nobody', 'x')), '404 user_not_found')
  const made = await note(ada, ' called back, it is her ')
  t.equal(made.status, 201)
  const { operationId } = (await made.json()) as { operationId: string }
  const account = await (await as(token, `/api/admin/users/${ada}/sessions`)).json()
  t.match(account, {
    notes: [{ operationId, actorKind: 'staff', actorId: eve, text: 'called back, it is her' }],
  })
})

t.test('one field finds users, a session, an operation and an address', async (t) => {
  const { token } = await staff('auditor')
  const ada = await addUser(crypto.randomUUID(), { name: 'Augusta King', email: 'ada@find.example' })
  const session = await signIn(ada, 'Phone/1', '192.0.2.77')
  const find = async (q: string) =>
    (await (await as(token, `/api/admin/find?${new URLSearchParams({ q })}`)).json()) as { users: object[] }
  t.match(await find('augusta'), { users: [{ id: ada }], session: null, operation: null, address: null })
  t.match(await find(session.id), {
    users: [],
    session: { id: session.id, userId: ada, ipAddress: '192.0.2.77' },
  })
  const [operation] = await psql<{ id: string }>('select id from operation limit 1')
  t.match(await find(operation?.id ?? ''), { users: [], operation: { id: operation?.id } })
  t.match(await find('192.0.2.0/24'), { address: '192.0.2.0/24' })
  t.match(await find('ku'), { parts: 'short' })
  await service.as(session.token, '/api/logout', json({}))
  t.match(await find(session.id), { session: null }, 'it has ended')
})

t.test('who is signed in from a range is listed in pages, the latest sign-in first', async (t) => {
  const { token } = await staff('auditor')
  const ids: string[] = []
  for (const [agent, address] of [
    ['Range/1', '198.18.5.1'],
    ['Range/2', '198.18.5.2'],
    ['Range/1', '198.18.6.1'],
  ] as const)
    ids.push((await signIn(await addUser(), agent, address)).id)
  const list = async (query: Record<string, string>) => {
    const response = await as(token, `/api/admin/sessions?${new URLSearchParams(query)}`)
    return (await response.json()) as { sessions: { id: string }[]; next: string | null }
  }
  const idsOf = async (query: Record<string, string>) => (await list(query)).sessions.map(({ id }) => id)
  t.same(await idsOf({ ip: '198.18.5.0/24' }), [ids[1], ids[0]])
  t.same(await idsOf({ ip: '198.18.0.0/16', userAgent: 'range/1' }), [ids[2], ids[0]])
  t.match(await list({}), { code: 'invalid_request' })
  t.match(await list({ ip: 'x' }), { code: 'invalid_request', field: 'ip' })
  t.match(await list({ ip: '198.18.5.1', cursor: 'x' }), { code: 'invalid_request', field: 'cursor' })
  const pages = service.incidents
  const first = await pages.signedIn({ ipRange: '198.18.0.0/16' }, null, 2)
  const second = await pages.signedIn({ ipRange: '198.18.0.0/16' }, first.next, 2)
  t.same(
    [first, second].map(({ sessions }) => sessions.map(({ session }) => session.id)),
    [[ids[2], ids[1]], [ids[0]]],
  )
  t.equal(second.next, null)
})

t.test("a key's action is recorded under the service that it belongs to", async (t) => {
  const { id, headers } = await keyFor('security')
  const ada = await addUser()
  await signIn(ada)
  const response = await http(`/api/admin/users/${ada}/revoke`, {
    ...json({ reason: 'drill' }),
    headers: { ...json({}).headers, ...headers },
  })
  const { operationId } = (await response.json()) as { operationId: string }
  const { entries } = (await (await http(`/api/admin/audit?actor=${id}`, { headers })).json()) as {
    entries: object[]
  }
  t.match(entries, [
    { id: operationId, actorKind: 'service', actorId: id, actorSessionId: null, userId: ada },
  ])
})

t.test('an invalid request names the field, and changes nothing', async (t) => {
  const { token } = await staff('security')
  const ada = await addUser()
  const victim = await signIn(ada)
  const operations = async () => (await psql('select from operation')).length
  const before = await operations()
  const post = (body: unknown): [string, RequestInit] => [`/users/${ada}/revoke`, json(body)]
  const wrong: [[string, RequestInit], string][] = [
    [['/users', {}], 'q'],
    [['/users?q=', {}], 'q'],
    [['/users?q=%00', {}], 'q'],
    [[`/users?q=${'x'.repeat(1025)}`, {}], 'q'],
    [['/users?q=a&q=b', {}], 'q'],
    [['/users?q=a&limit=1', {}], 'limit'],
    [['/users/%00/sessions', {}], 'id'],
    [post({}), 'reason'],
    [post({ reason: '' }), 'reason'],
    [post({ reason: ' \u200b ' }), 'reason'],
    [post({ reason: 7 }), 'reason'],
    [post({ reason: 'a\nb' }), 'reason'],
    [post({ reason: 'a\u0000b' }), 'reason'],
    [post({ reason: 'x'.repeat(501) }), 'reason'],
    [post({ reason: 'x', lockFor: 'soon' }), 'lockFor'],
    [post({ reason: 'x', lockFor: '0d' }), 'lockFor'],
    [post({ reason: 'x', lockFor: null }), 'lockFor'],
    [post({ reason: 'x', lockFor: 3600 }), 'lockFor'],
    [post({ reason: 'x', everyone: true }), 'everyone'],
    [post(null), 'body'],
    [post([]), 'body'],
    [[`/users/${ada}/lock`, { ...json({ reason: '' }), method: 'DELETE' }], 'reason'],
    [['/audit?kind=everything', {}], 'kind'],
    [['/audit?since=yesterday', {}], 'since'],
    [['/audit?since=2026-02-30', {}], 'since'],
    [['/audit?until=0001-01-01', {}], 'until'],
    [['/audit?since=9999-12-31T23:59:59-23:59', {}], 'since'],
    [['/audit?since=infinity', {}], 'since'],
    [['/audit?until=2026-01-01T00:00:00', {}], 'until'],
    [['/audit?cursor=x', {}], 'cursor'],
    [['/audit?cursor=', {}], 'cursor'],
    [['/audit?user=', {}], 'user'],
    [['/audit?usr=ada', {}], 'usr'],
  ]
  for (const [[path, init], field] of wrong) {
    const response = await as(token, `/api/admin${path}`, init)
    t.match(
      await response.json(),
      { status: 400, code: 'invalid_request', field },
      `${path} ${String(init.body)}`,
    )
  }
  t.equal(await operations(), before)
  t.equal(await check(victim.token), 200)
  for (const [path, init] of [
    ['/users/nobody/sessions', {}],
    [`/users/${'x'.repeat(1000)}/sessions`, {}],
    ['/users/nobody/revoke', json({ reason: 'x' })],
    ['/users/nobody/lock', { method: 'DELETE' }],
  ] as [string, RequestInit][])
    t.equal(await problem(await as(token, `/api/admin${path}`, init)), '404 user_not_found')
})

t.test('the audit lists every operation, newest first, page by page', async (t) => {
  const { headers } = await keyFor('security')
  const ada = await addUser()
  for (let i = 0; i < 3; i++) {
    const { token } = await signIn(ada)
    await as(token, '/api/logout', json({}))
  }
  const gone = await signIn(ada)
  await psql('delete from session where id = $1', [gone.id])
  await psql(
    `insert into operation (id, kind, actor_kind, user_id, revoked_count, request_id) select gen_random_uuid(), 'logout', 'user', $1, 1, 'old' from generate_series(1, 100)`,
    [ada],
  )
  await psql(`update operation set at = now() - interval '1 hour' where request_id = 'old'`)
  const ask = async (query: string) =>
    (await (await http(`/api/admin/audit?${query}`, { headers })).json()) as {
      entries: { id: string | null; kind: string; at: string }[]
      next: string | null
    }
  const first = await ask(`user=${ada}`)
  t.same(
    first.entries.slice(0, 4).map(({ kind }) => kind),
    ['external', 'logout', 'logout', 'logout'],
  )
  t.equal(first.entries.length, 100)
  const second = await ask(`user=${ada}&cursor=${first.next}`)
  t.equal(second.entries.length, 4)
  t.equal(second.next, null)
  t.equal(new Set([...first.entries, ...second.entries].map(({ id }) => id)).size, 104)
  t.match(await ask(`user=${ada}&kind=external`), {
    entries: [{ id: null, kind: 'external', actorKind: null, actorId: null, userId: ada, revokedCount: 1 }],
    next: null,
  })
  t.same(
    (await ask(`user=${ada}&until=${new Date(Date.now() - 30 * 60_000).toISOString()}`)).entries.length,
    100,
  )
  t.same((await ask(`user=${ada}&since=2100-01-01`)).entries, [])
})

t.test('the audit as CSV is complete, and no value becomes a formula or an extra row', async (t) => {
  const { token } = await staff('security')
  const ada = await addUser('=HYPERLINK("http://evil.example","click")')
  const { token: own } = await signIn(ada)
  await as(own, '/api/logout', {
    ...json({}),
    headers: { ...json({}).headers, 'user-agent': '@SUM(A1:A9),"x"' },
  })
  const path = `/api/admin/users/${encodeURIComponent(ada)}/revoke`
  await as(token, path, json({ reason: '-2+3, "quoted" <script>alert(1)</script>' }))
  await psql(
    `insert into operation (id, kind, actor_kind, user_id, revoked_count, reason) select gen_random_uuid(), 'logout', 'user', 'bulk', 1, E'line\\nbreak' from generate_series(1, 2500)`,
  )
  const csv = async (query: string) => {
    const response = await as(token, `/api/admin/audit?${query}`, { headers: { accept: 'text/csv' } })
    t.equal(response.status, 200)
    t.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8')
    t.equal(response.headers.get('x-content-type-options'), 'nosniff')
    t.match(response.headers.get('content-disposition'), /^attachment; filename="[\w.-]+\.csv"$/)
    return (await response.text()).split('\r\n')
  }
  const [head, revocation, logout, ...rest] = await csv(`user=${encodeURIComponent(ada)}`)
  t.same(rest, [''])
  t.match(head, /^"at","kind",/)
  t.match(revocation, `,"'-2+3, ""quoted"" <script>alert(1)</script>",`)
  t.match(revocation, `,"'=HYPERLINK(""http://evil.example"",""click"")",`)
  t.match(logout, `,"'@SUM(A1:A9),""x""",`)
  t.equal((await csv('user=bulk')).length, 2502, 'all pages, a header and the final line break')
  t.match(await csv('user=nobody'), [/^"at"/, ''], 'an empty result is a header only')
  const wrong = await as(token, '/api/admin/audit?kind=x', { headers: { accept: 'text/csv' } })
  t.equal(await problem(wrong), '400 invalid_request')
})

t.test('an operation lists the sessions that it ended, in pages or as CSV', async (t) => {
  const { token } = await staff('auditor')
  const ada = await addUser()
  await psql(
    `insert into session ("sessionToken", "userId", expires) select $1 || n, $1, now() + interval '1 day' from generate_series(1, 130) n`,
    [ada],
  )
  const { token: own, id } = await signIn(ada)
  const { operationId } = await (await as(own, '/api/logout', json({ scope: 'global' }))).json()
  const path = `/api/admin/operations/${operationId}`
  const read = async (query = '') => (await as(token, path + query)).json()
  const first = await read()
  t.match(first, { operation: { id: operationId, kind: 'logout', revokedCount: 131, userId: ada } })
  t.equal(first.sessions.length, 100)
  const second = await read(`?cursor=${first.next}`)
  t.equal(second.next, null)
  const sessions: { sessionId: string; userId: string }[] = [...first.sessions, ...second.sessions]
  t.equal(new Set(sessions.map(({ sessionId }) => sessionId)).size, 131)
  t.ok(sessions.some(({ sessionId, userId }) => sessionId === id && userId === ada))
  t.notMatch(JSON.stringify(sessions), 'sessionToken')

  const csv = await as(token, path, { headers: { accept: 'text/csv' } })
  t.match(csv.headers.get('content-disposition'), `operation-${operationId}.csv`)
  const lines = (await csv.text()).trim().split('\r\n')
  t.match(lines[0], '"sessionId","userId","endedAt"')
  t.equal(lines.length, 132)
  t.equal(await problem(await as(token, `${path}?cursor=x`)), '400 invalid_request')
  t.equal(await problem(await as(own, path)), '401 invalid_token')
  const unknown = `/api/admin/operations/${crypto.randomUUID()}`
  t.equal(await problem(await as(token, unknown)), '404 operation_not_found')
  t.equal(
    await problem(await as(token, unknown, { headers: { accept: 'text/csv' } })),
    '404 operation_not_found',
  )
})

t.test('an audit export that fails midway does not look complete', async (t) => {
  const { headers } = await keyFor('security')
  await psql(
    `insert into operation (id, kind, actor_kind, user_id, revoked_count, reason) select gen_random_uuid(), 'logout', 'user', 'broken', 1, repeat('x', 500) from generate_series(1, 30000)`,
  )
  const response = await http('/api/admin/audit?user=broken', { headers: { ...headers, accept: 'text/csv' } })
  t.equal(response.status, 200)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  await within('the beginning of the audit', reader.read())
  await psql('alter table operation rename to away')
  try {
    const toTheEnd = async () => {
      while (!(await reader.read()).done);
    }
    await t.rejects(within('the end of the audit', toTheEnd()), /terminated/)
    const refused = await http('/api/admin/audit', { headers: { ...headers, accept: 'text/csv' } })
    t.equal(await problem(refused), '503 unavailable', 'an export that cannot be read does not start')
    t.equal(refused.headers.get('content-disposition'), null)
  } finally {
    await psql('alter table away rename to operation')
  }
})

t.test('while the audit log cannot be written, nothing is ended and no success is claimed', async (t) => {
  const { headers } = await keyFor('security')
  const ada = await addUser()
  const { token } = await signIn(ada)
  await psql('alter table operation rename to away')
  const response = await http(`/api/admin/users/${ada}/revoke`, {
    ...json({ reason: 'x', lockFor: '1h' }),
    headers: { ...json({}).headers, ...headers },
  })
  await psql('alter table away rename to operation')
  t.equal(response.headers.get('retry-after'), '1')
  t.equal(await problem(response), '503 unavailable')
  t.equal(await check(token), 200)
  t.same(await psql('select from user_lock where user_id = $1', [ada]), [])
})
