/** The service API: what a key with each scope may do, and what it may not. */

import t from 'tap'
import { createKeys } from '../../src/service-api/keys.ts'
import { revokeKey } from '../../src/service-api/queries.ts'
import { KEY_SCOPES } from '../../src/service-api/scopes.ts'
import { hold } from '../support/hold.ts'
import { strictLog } from '../support/log.ts'
import { json, startService } from '../support/service.ts'
import { untilDecided } from '../support/until-decided.ts'
import { waitFor } from '../support/within.ts'

const service = await startService({ env: { TRUST_PROXY: '127.0.0.1' } })
const { http, keyFor, database } = service

type Headers = Record<string, string>
const introspect = (token: string, headers: Headers = {}) =>
  http('/introspect', { method: 'POST', headers, body: new URLSearchParams({ token }) })
const create = (body: unknown, headers: Headers) =>
  http('/api/sessions', { ...json(body), headers: { ...json(body).headers, ...headers } })
const problem = async (response: Response) => ({
  status: response.status,
  code: ((await response.json()) as { code: string }).code,
})

t.test('introspection returns user and times of an active session, and nothing of others', async (t) => {
  const { headers } = await keyFor('introspect')
  const ada = await service.addUser()
  const { token, id } = await service.signIn(ada)
  const response = await introspect(token, headers)
  t.equal(response.status, 200)
  t.equal(response.headers.get('cache-control'), 'no-store')
  const answer = (await response.json()) as { iat: number; exp: number }
  const [row] = await database.psql<{ created: string }>(
    `select floor(extract(epoch from "createdAt"))::text as created from session where id = $1`,
    [id],
  )
  const { iat, exp, ...rest } = answer
  t.same(rest, { active: true, sub: ada, sid: id, token_type: 'session' })
  t.equal(iat, Number(row?.created))
  t.equal(exp, iat + 7 * 86_400, 'without activity, it ends with the idle timeout')

  await service.as(token, '/api/logout', json({}))
  for (const dead of [token, 'unknown', ' ', 'ü\u0000', 'x'.repeat(10_000)]) {
    const response = await introspect(dead, headers)
    t.equal(response.status, 200)
    t.same(await response.json(), { active: false }, 'and nothing more')
  }
})

t.test('an invalid introspection request names the field', async (t) => {
  const { headers } = await keyFor('introspect')
  const none = await http('/introspect', {
    method: 'POST',
    headers,
    body: new URLSearchParams({ wrong: 'x' }),
  })
  t.match(await none.json(), { status: 400, code: 'invalid_request', field: 'token' })
  const twice = new URLSearchParams([
    ['token', 'a'],
    ['token', 'b'],
  ])
  const two = await http('/introspect', { method: 'POST', headers, body: twice })
  t.match(await two.json(), { status: 400, field: 'token' })
})

t.test('no key gets 401, a wrong one 401, one without the scope 403', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  t.same(await problem(await introspect(token)), { status: 401, code: 'key_required' })
  const basic = { authorization: `Basic ${btoa('a:b')}` }
  t.same(await problem(await introspect(token, basic)), { status: 401, code: 'key_required' })
  const session = { authorization: `Bearer ${token}` }
  t.same(
    await problem(await introspect(token, session)),
    { status: 401, code: 'invalid_key' },
    'a session token is not a key',
  )
  for (const scope of KEY_SCOPES) {
    const { headers } = await keyFor(scope)
    t.equal((await introspect(token, headers)).status, scope === 'introspect' ? 200 : 403, scope)
    const created = await create({ user: { id: await service.addUser() } }, headers)
    t.equal(created.status, scope === 'sessions:create' ? 201 : 403, scope)
    if (created.status === 403) t.match(created.headers.get('www-authenticate'), 'insufficient_scope')
  }
})

t.test('a revoked key is refused from the next request on; its successor keeps working', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  const old = await keyFor('introspect')
  const next = await keyFor('introspect')
  t.equal((await introspect(token, old.headers)).status, 200)
  t.equal((await introspect(token, next.headers)).status, 200)
  await database.run((db) => revokeKey(db, old.id))
  const refused = await introspect(token, old.headers)
  t.match(refused.headers.get('www-authenticate'), 'Bearer error="invalid_token"')
  t.same(await problem(refused), { status: 401, code: 'invalid_key' })
  t.equal((await introspect(token, next.headers)).status, 200)
})

t.test('an expired key is refused, and the last use of a key is recorded', async (t) => {
  const { id, headers } = await keyFor('introspect')
  const lastUse = async () =>
    (
      await database.psql<{ at: Date | null }>('select last_used_at as at from service_key where id = $1', [
        id,
      ])
    )[0]?.at
  t.equal(await lastUse(), null)
  await introspect('x', headers)
  await waitFor('the last use to be written', async () => (await lastUse()) !== null)
  await database.psql(`update service_key set expires_at = now() where id = $1`, [id])
  t.same(await problem(await introspect('x', headers)), { status: 401, code: 'invalid_key' })
})

t.test('no secret of a key is stored', async (t) => {
  const { key } = await keyFor('introspect')
  const rows = await database.psql<{ row: string }>('select k::text as row from service_key k')
  t.notOk(rows.some(({ row }) => row.includes(key.slice(4, 20))))
})

t.test('guesses are slowed down by address; a valid key from that address still works', async (t) => {
  const { headers } = await keyFor('introspect')
  const from = (address: string, key: string) =>
    introspect('x', { authorization: `Bearer ${key}`, 'x-forwarded-for': address })
  const guesses = Array.from({ length: 30 }, (_, n) => `glk_${String(n).padStart(43, 'A')}`)
  const statuses = []
  for (const guess of guesses) statuses.push((await from('198.51.100.1', guess)).status)
  t.same(new Set(statuses), new Set([401, 429]))
  t.equal(statuses.indexOf(429), 20, 'after twenty')
  const slowed = await from('198.51.100.1', guesses[0] ?? '')
  const seconds = Number(slowed.headers.get('retry-after'))
  t.ok(seconds > 0 && seconds <= 60, 'with the time to wait')
  t.same(await problem(slowed), { status: 429, code: 'too_many_attempts' })
  t.equal((await introspect('x', { ...headers, 'x-forwarded-for': '198.51.100.1' })).status, 200)
  t.equal((await from('198.51.100.2', guesses[0] ?? '')).status, 401, 'other addresses are not slowed down')
})

t.test('many wrong keys cause few concurrent queries, and do not block a valid key', async (t) => {
  let queries = 0
  const query: typeof database.query = (prepared) => {
    queries++
    return database.query(prepared)
  }
  const keys = createKeys({ run: database.run, query }, strictLog(t))
  const { key, id } = await keyFor('security')
  const wrong = Array.from({ length: 2_000 }, (_, n) => `glk_${String(n).padStart(43, 'B')}`)
  const require = (key: string) => untilDecided(() => keys.require(key, 'security'))
  const guesses = Promise.allSettled(wrong.map(require))
  t.equal((await require(key)).id, id)
  const outcomes = (await guesses).map((guess) => guess.status === 'rejected' && guess.reason.code)
  t.same(new Set(outcomes), new Set(['invalid_key']))
  t.ok(queries <= 20, `${queries} queries`)
})

t.test('an application signs a user in: the token works at once, with the returned cookie', async (t) => {
  const { headers } = await keyFor('sessions:create')
  const ada = await service.addUser()
  const response = await create({ user: { id: ada }, userAgent: 'Phone', ipAddress: '2001:db8::1' }, headers)
  t.equal(response.status, 201)
  const { token, sessionId, expiresAt, cookie } = (await response.json()) as {
    token: string
    sessionId: string
    expiresAt: string
    cookie: { name: string; attributes: object }
  }
  t.match(token, /^[\w-]{43}$/)
  t.ok(Date.parse(expiresAt) > Date.now())
  t.same(cookie, {
    name: service.cookieName,
    attributes: { path: '/', httpOnly: true, sameSite: 'lax', secure: false },
  })
  t.equal(await service.check(token), 200)
  const [row] = await database.psql('select "userId", "userAgent", "ipAddress" from session where id = $1', [
    sessionId,
  ])
  t.same(row, { userId: ada, userAgent: 'Phone', ipAddress: '2001:db8::1' })
})

t.test('the session that a sign-in replaces ends with it, and the record names the service', async (t) => {
  const { id, headers } = await keyFor('sessions:create')
  const ada = await service.addUser()
  const old = await service.signIn(ada)
  const { token } = (await (await create({ user: { id: ada }, replaces: old.token }, headers)).json()) as {
    token: string
  }
  t.equal(await service.check(old.token), 401)
  t.equal(await service.check(token), 200)
  const operations = await database.psql(
    `select kind, actor_kind, actor_id from operation where user_id = $1`,
    [ada],
  )
  t.same(operations, [{ kind: 'session.replace', actor_kind: 'service', actor_id: id }])
  t.equal(
    (await create({ user: { id: ada }, replaces: 'never existed' }, headers)).status,
    201,
    'no session to replace',
  )
})

t.test('invalid input is reported, and signs no user in', async (t) => {
  const { headers } = await keyFor('sessions:create')
  const ada = await service.addUser()
  const wrong: [unknown, string][] = [
    [{}, 'user'],
    [{ user: { id: 7 } }, 'user.id'],
    [{ user: { id: '' } }, 'user.id'],
    [{ user: { id: 'a\u0000b' } }, 'user.id'],
    [{ user: { id: ada }, ipAddress: '1.2.3' }, 'ipAddress'],
    [{ user: { id: ada }, replaces: ['x'] }, 'replaces'],
    [{ user: { id: ada }, admin: true }, 'admin'],
    [null, 'body'],
  ]
  for (const [body, field] of wrong) {
    t.match(
      await (await create(body, headers)).json(),
      { status: 400, code: 'invalid_request', field },
      field,
    )
  }
  t.same(await database.psql('select from session where "userId" = $1', [ada]), [])
})

t.test('a locked user cannot be signed in by any way of writing sessions, and gets the reason', async (t) => {
  const { headers } = await keyFor('sessions:create')
  const [ada, bob, eve] = [await service.addUser(), await service.addUser(), await service.addUser()]
  await database.psql(
    `insert into user_lock (user_id, until, reason)
     values ($1, now() + interval '1 hour', 'stolen'), ($2, null, 'stolen'), ($3, now() - interval '1 second', 'over')`,
    [ada, bob, eve],
  )
  for (const userId of [ada, bob]) {
    const refused = await create({ user: { id: userId } }, headers)
    t.match(await refused.json(), {
      status: 403,
      code: 'user_locked',
      detail: /^Sign-in of this user is locked until /,
    })
    const bySql = database.psql(
      `insert into session ("sessionToken", "userId", expires) values ('x', $1, now() + interval '1 day')`,
      [userId],
    )
    await t.rejects(bySql, {
      code: 'GL001',
      message: /^sign-in of this user is locked until/,
      hint: /staff/,
    })
  }
  t.equal((await create({ user: { id: eve } }, headers)).status, 201, 'an expired lock does not apply')
  const elsewhere = service.signIn(eve)
  const { id } = await elsewhere
  await t.rejects(
    database.psql(`update session set "userId" = $1 where id = $2`, [ada, id]),
    { code: 'GL001' },
    'a session cannot be moved to a locked user',
  )
})

t.test('a login that coincides with a new lock waits for it, and is refused', async (t) => {
  const ada = await service.addUser()
  const locking = await hold(database, 'select from "user" where id = $1 for update', [ada])
  await locking.query(`insert into user_lock (user_id, reason) values ($1, 'stolen')`, [ada])
  const login = database.psql(
    `insert into session ("sessionToken", "userId", expires) values ('late', $1, now() + interval '1 day')`,
    [ada],
  )
  const refused = t.rejects(login, { code: 'GL001' })
  const blocked = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await waitFor('the login to wait for the lock', async () => (await database.psql(blocked)).length > 0)
  await locking.end('commit')
  await refused
})
