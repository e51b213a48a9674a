/** Every end of a valid session leaves a revocation, and an ended session stays ended. */
import t from 'tap'
import { startService } from '../support/service.ts'

const service = await startService()
const { database } = service
const { psql } = database

interface Trace {
  session_id: string
  session_token: string
  user_id: string
  operation_id: string | null
  kind: string | null
}
const traces = (userId: string) =>
  psql<Trace>(
    'select r.*, o.kind from revoked_session r left join operation o on o.id = r.operation_id where r.user_id = $1',
    [userId],
  )

/** A user with two valid sessions, an expired one and an idle one. */
async function someone() {
  const userId = await service.addUser()
  const active = [await service.signIn(userId), await service.signIn(userId)]
  const expired = await service.signIn(userId)
  const idle = await service.signIn(userId)
  await psql(`update session set expires = expires - interval '90 days' where id = $1`, [expired.id])
  await psql(`update session set "lastSeenAt" = now() - interval '8 days' where id = $1`, [idle.id])
  await psql('delete from revoked_session where user_id = $1', [userId])
  return { userId, active }
}

const PATHS: Record<string, (userId: string) => Promise<unknown>> = {
  'delete from session by hand': (userId) => psql('delete from session where "userId" = $1', [userId]),
  'a cascade from "user"': (userId) => psql('delete from "user" where id = $1', [userId]),
  'truncate session': () => psql('truncate session'),
  'truncate "user" cascade': () => psql('truncate "user" cascade'),
  'expires moved into the past': (userId) =>
    psql(`update session set expires = 'epoch' where "userId" = $1`, [userId]),
  'a token replaced': (userId) =>
    psql(`update session set "sessionToken" = 'x' || id where "userId" = $1`, [userId]),
}
for (const [path, end] of Object.entries(PATHS)) {
  t.test(`${path} leaves a revocation of each valid session, and of no other`, async (t) => {
    const { userId, active } = await someone()
    const hashes = await psql<{ hash: string }>(
      'select "sessionToken" as hash from session where id = any($1)',
      [active.map(({ id }) => id)],
    )
    await end(userId)
    const left = await traces(userId)
    t.same(left.map((trace) => trace.session_id).sort(), active.map(({ id }) => id).sort())
    t.same(left.map((trace) => trace.session_token).sort(), hashes.map(({ hash }) => hash).sort())
    t.same([...new Set(left.map((trace) => trace.operation_id))], [null], 'they have no operation')
    for (const { token } of active) t.equal(await service.check(token), 401)
  })
}

t.test('a logout names its operation on every revocation, and counts them', async (t) => {
  const { userId, active } = await someone()
  const outcome = await service.sessions.logout(active[0]?.token ?? '', 'global', {
    userAgent: 'phone',
    ipAddress: '2001:db8::1',
    requestId: 'r1',
  })
  const left = await traces(userId)
  t.same(
    left.map((trace) => trace.operation_id),
    [outcome.operationId, outcome.operationId],
  )
  const [operation] = await psql('select * from operation where id = $1', [outcome.operationId])
  t.match(operation, {
    kind: 'logout',
    scope: 'global',
    actor_kind: 'user',
    actor_id: userId,
    actor_session_id: active[0]?.id,
    user_id: userId,
    revoked_count: 2,
    user_agent: 'phone',
    ip_address: '2001:db8::1',
    request_id: 'r1',
  })
})

t.test('the operation of one transaction does not leak into the next on the same connection', async (t) => {
  const { userId, active } = await someone()
  await service.sessions.logout(active[0]?.token ?? '', 'local', { userAgent: null, ipAddress: null })
  await Promise.all(
    Array.from({ length: 10 }, () =>
      database.run((db) => db.execute(`delete from global_logout.session where "userId" = '${userId}'`)),
    ),
  )
  const left = await traces(userId)
  t.equal(left.find((trace) => trace.session_id === active[1]?.id)?.operation_id, null)
})

t.test('a rolled-back deletion leaves no revocation', async (t) => {
  const { userId, active } = await someone()
  await t.rejects(
    database.transaction(async (tx) => {
      await tx.execute(`delete from global_logout.session where "userId" = '${userId}'`)
      throw new Error('changed my mind')
    }),
  )
  t.same(await traces(userId), [])
  t.equal(await service.check(active[0]?.token ?? ''), 200)
})

t.test('no update makes an ended session valid again', async (t) => {
  const ways: Record<string, [kill: string, revive: string]> = {
    expired: [
      `expires = now() at time zone 'utc' - interval '1 minute'`,
      `expires = now() at time zone 'utc' + interval '1 day'`,
    ],
    idle: [`"lastSeenAt" = now() - interval '8 days'`, `"lastSeenAt" = now()`],
    'too old': [`"createdAt" = now() - interval '31 days'`, `"createdAt" = now()`],
  }
  for (const [name, [kill, revive]] of Object.entries(ways)) {
    const { token, id } = await service.signIn(await service.addUser())
    await psql(`update session set ${kill} where id = $1`, [id])
    await psql(`update session set ${revive} where id = $1`, [id])
    t.equal(await service.check(token), 401, name)
  }
})

t.test('an update that leaves a session valid is not a revocation', async (t) => {
  const userId = await service.addUser()
  const { token } = await service.signIn(userId)
  await psql(
    `update session set expires = expires - interval '1 day', "lastSeenAt" = now() where "userId" = $1`,
    [userId],
  )
  await psql(`update session set expires = expires + interval '1 day' where "userId" = $1`, [userId])
  t.same(await traces(userId), [])
  t.equal(await service.check(token), 200)
})

t.test('a longer lifetime does not revive a session that ended under the shorter one', async (t) => {
  const { writePolicy } = await import('../../src/sessions/validity.ts')
  const userId = await service.addUser()
  const idle = await service.signIn(userId)
  const fresh = await service.signIn(userId)
  await psql(`update session set "lastSeenAt" = now() - interval '8 days' where id = $1`, [idle.id])
  const day = 86_400
  const replaced = await database.transaction((tx) =>
    writePolicy(tx, { idleTimeoutSeconds: 20 * day, maxAgeSeconds: 30 * day }),
  )
  t.same(replaced, { idleTimeoutSeconds: 7 * day, maxAgeSeconds: 30 * day })
  t.equal(await service.check(idle.token), 401)
  t.equal(await service.check(fresh.token), 200)
  t.equal(
    await database.transaction((tx) =>
      writePolicy(tx, { idleTimeoutSeconds: 20 * day, maxAgeSeconds: 30 * day }),
    ),
    null,
  )
})

t.test('a logout of many counts all sessions it ended, and lists the hundred last seen', async (t) => {
  const userId = await service.addUser()
  const { token } = await service.signIn(userId)
  await psql(
    `insert into session ("sessionToken", "userId", expires, "lastSeenAt", "userAgent")
      select gen_random_uuid()::text, $1, 'infinity', now() - n * interval '1 minute', n::text from generate_series(1, 150) n`,
    [userId],
  )
  const source = { userAgent: null, ipAddress: null }
  const { revokedCount, revoked } = await service.sessions.logout(token, 'global', source)
  t.equal(revokedCount, 151)
  t.same(
    revoked.slice(1).map(({ userAgent }) => Number(userAgent)),
    Array.from({ length: 99 }, (_, i) => i + 1),
  )
})
