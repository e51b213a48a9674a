/** Staff find an account, end all of its sessions, and lock it against every way of creating a session. */
import pg from 'pg'
import t from 'tap'
import type { Actor } from '../../../src/operations/record.ts'
import { matching } from '../../../src/staff/accounts/queries.ts'
import { lockFor, reason } from '../../../src/staff/reason.ts'
import { SEARCH_PATH } from '../../support/server.ts'
import { startService } from '../../support/service.ts'
import { waitFor } from '../../support/within.ts'

const service = await startService()
const { database, accounts, addUser, signIn, check } = service
const { psql } = database
const by: Actor = { actorKind: 'system', actorId: 'cli:eve', ipAddress: '192.0.2.1', userAgent: 'psql' }
const ids = (prefix: string) => accounts.find(prefix).then(({ users }) => users.map(({ id }) => id))
const insertSession = `insert into session ("sessionToken", "userId", expires) values (gen_random_uuid()::text, $1, now() + interval '1 day')`

t.test('users are found by the beginning of id, email or name only, ignoring case', async (t) => {
  await addUser('U-100%', { name: 'Zoë Ärger', email: 'Zoe@Example.com' })
  await addUser('u-1000', { name: '_under\\score', email: 'u-100%@example.com' })
  t.same(
    await ids('u-100%'),
    ['U-100%', 'u-1000'],
    'an exact id comes before an email that only begins with it',
  )
  t.same(await ids('ZOE@'), ['U-100%'])
  t.same(await ids('zoë'), ['U-100%'])
  t.same(await ids('_'), ['u-1000'], 'wildcards are matched literally')
  t.same(await ids('%'), [])
  t.same(await ids('\\'), [])
  t.same(await ids('_under\\'), ['u-1000'])
  t.same(await ids('example'), [])
  t.same(await ids(`' or 1=1 --`), [])
})

t.test(
  'with pg_trgm users are found by any part of name or email; without it the answer says so',
  async (t) => {
    t.match(await accounts.find('xampl'), { users: [], parts: 'unavailable' })
    await psql('create schema elsewhere; create extension pg_trgm schema elsewhere; select index_users()')
    t.teardown(() => psql('drop extension pg_trgm cascade'))
    t.match(await accounts.find('XAMPL'), { parts: 'searched', users: [{ id: 'u-1000' }, { id: 'U-100%' }] })
    t.same(await ids('@example.com'), ['u-1000', 'U-100%'])
    t.same(await ids('Ärg'), ['U-100%'])
    t.same(await ids('r_s'), [], 'wildcards are matched literally')
    t.same(await ids('er\\sc'), ['u-1000'])
    t.match(await accounts.find('xa'), { users: [], parts: 'short' })
    await addUser('begins', { email: 'under@other.example' })
    t.same(await ids('under'), ['begins', 'u-1000'], 'what begins so comes first')
    const plan = await database.transaction(async (tx) => {
      const query = matching(tx, 'xampl', 50, true).toSQL()
      // Of so few users any index will do: this one gives a bitmap.
      await tx.$client.query('set local enable_seqscan = off; set local enable_indexscan = off')
      await tx.$client.query('set local enable_indexonlyscan = off')
      const { rows } = await tx.$client.query(`explain ${query.sql}`, query.params)
      return rows.map((row) => row['QUERY PLAN']).join('\n')
    })
    t.match(plan, 'user_part_idx', 'the query has the expression of the index')
    t.notMatch(plan, 'Seq Scan')
  },
)

t.test('a search among many users uses an index, not a scan of the table', async (t) => {
  await psql(
    `insert into "user" (id, name, email) select 'm' || i, 'Name ' || i, 'm' || i || '@example.com' from generate_series(1, 200000) i`,
  )
  await psql('analyze "user"')
  t.equal((await ids('m')).length, 50, 'at most one page')
  t.same(await ids('name 19999'), [
    'm199990',
    'm199991',
    'm199992',
    'm199993',
    'm199994',
    'm199995',
    'm199996',
    'm199997',
    'm199998',
    'm199999',
    'm19999',
  ])
  for (const prefix of ['m', 'm77', 'name 999', 'nobody']) {
    const plan = await database.run(async (db) => {
      const query = matching(db, prefix, 50).toSQL()
      const { rows } = await db.$client.query(`explain ${query.sql}`, query.params)
      return rows.map((row) => row['QUERY PLAN']).join('\n')
    })
    for (const index of ['user_id_prefix_idx', 'user_email_prefix_idx', 'user_name_prefix_idx'])
      t.match(plan, index, prefix)
    t.notMatch(plan, 'Seq Scan', prefix)
  }
})

t.test('after staff revoke an account, its devices get 401 and the audit log has who and why', async (t) => {
  const [ada, bob] = [await addUser(), await addUser()]
  const [laptop, phone, others] = [await signIn(ada), await signIn(ada), await signIn(bob)]
  const { operationId, revoked, lock } = await accounts.revoke(ada, { reason: 'token store leaked' }, by)
  t.same(revoked.map(({ id }) => id).sort(), [laptop.id, phone.id].sort())
  t.equal(lock, null)
  t.same([await check(laptop.token), await check(phone.token), await check(others.token)], [401, 401, 200])
  const [operation] = await psql('select * from operation where id = $1', [operationId])
  t.match(operation, {
    kind: 'user.revoke',
    user_id: ada,
    reason: 'token store leaked',
    actor_kind: 'system',
    actor_id: 'cli:eve',
    ip_address: '192.0.2.1',
    user_agent: 'psql',
    revoked_count: 2,
    result: null,
  })
  const account = await accounts.show(ada)
  t.same(account.sessions, [])
  t.match(account.revocations, [{ operation: { id: operationId } }, { operation: { id: operationId } }])
  t.equal(await check((await signIn(ada)).token), 200, 'without a lock, Ada signs in again')
})

t.test('more sessions than fit into the time of one statement are ended, and recorded once', async (t) => {
  const ada = await addUser()
  const { token } = await signIn(ada)
  await psql(
    `insert into session ("sessionToken", "userId", expires)
      select gen_random_uuid()::text, $1, now() + interval '1 day' from generate_series(1, 1000)`,
    [ada],
  )
  const { revokedCount, revoked, lock } = await accounts.revoke(ada, { reason: 'leak', lockSeconds: 60 }, by)
  t.same([revokedCount, revoked.length, lock?.reason], [1001, 100, 'leak'])
  t.equal(await check(token), 401)
  await t.rejects(signIn(ada), { code: 'user_locked' })
  t.same(await psql('select from operation where user_id = $1', [ada]), [{}])
})

t.test('once the revocation has answered, no instance answers "valid" from its cache', async (t) => {
  const leased = await startService({ database, env: { CHECK_MODE: 'leased' } })
  await leased.answersFromMemory()
  for (let round = 0; round < 5; round++) {
    const ada = await addUser()
    const { token } = await signIn(ada)
    await waitFor('an answer from the cache', async () => {
      t.equal(await leased.check(token), 200)
      return leased.hits() > round
    })
    await accounts.revoke(ada, { reason: 'stolen' }, by)
    t.equal(await leased.check(token), 401)
  }
  const hung = crypto.randomUUID()
  await psql('insert into instance (id, beat) values ($1, 7)', [hung])
  const ada = await addUser()
  const { waitedMs, operationId } = await accounts.revoke(ada, { reason: 'stolen' }, by)
  await psql('delete from instance where id = $1', [hung])
  t.ok(waitedMs !== null, 'the revocation waited for the instance that hangs')
  const recorded = () => psql('select from operation where id = $1 and waited_ms is not null', [operationId])
  await waitFor('the waiting time to be recorded', async () => (await recorded()).length > 0)
})

t.test('sessions ended outside the service are shown as such, next to the active ones', async (t) => {
  const ada = await addUser()
  const [gone, active] = [await signIn(ada), await signIn(ada)]
  await psql('delete from session where id = $1', [gone.id])
  const { sessions, sessionCount, revocations } = await accounts.show(ada)
  t.same(
    sessions.map(({ id }) => id),
    [active.id],
  )
  t.equal(sessionCount, 1)
  t.match(revocations, [{ session: { sessionId: gone.id }, operation: null }])
})

t.test('a locked account loses its sessions, and gets no new one until it is unlocked', async (t) => {
  const ada = await addUser()
  const { token } = await signIn(ada)
  const { lock, operationId } = await accounts.revoke(ada, { reason: 'stolen', lockSeconds: 3600 }, by)
  t.equal(await check(token), 401)
  t.ok(lock?.until && lock.until.getTime() > Date.now() + 3_500_000)
  await t.rejects(signIn(ada), { code: 'user_locked' })
  await t.rejects(psql(insertSession, [ada]), { code: 'GL001' })
  const [recorded] = await psql<{ result: object }>('select result from operation where id = $1', [
    operationId,
  ])
  t.same(recorded?.result, { lockedUntil: lock?.until?.toISOString() })
  t.match((await accounts.show(ada)).user.lock, { reason: 'stolen', until: lock?.until })

  const lifted = await accounts.unlock(ada, 'it was found', by)
  t.match(await psql('select kind, reason, actor_id from operation where id = $1', [lifted.operationId]), [
    { kind: 'user.unlock', reason: 'it was found', actor_id: 'cli:eve' },
  ])
  t.same(await accounts.unlock(ada, null, by), { operationId: null }, 'the account is not locked any more')
  t.equal(await check((await signIn(ada)).token), 200)
  t.equal(await check(token), 401, 'ended sessions stay ended')
})

t.test('a shorter lock does not shorten a longer one', async (t) => {
  const ada = await addUser()
  const lockFor = async (lockSeconds: number | null) =>
    (await accounts.revoke(ada, { reason: `for ${lockSeconds}`, lockSeconds }, by)).lock
  const hour = await lockFor(3600)
  t.same(await lockFor(60), hour)
  const forever = await lockFor(null)
  t.match(forever, { until: null, reason: 'for null' })
  t.same(await lockFor(3600), forever)
  await accounts.unlock(ada, null, by)
  t.match(await lockFor(60), { reason: 'for 60' })
  await psql(`update user_lock set until = now() - interval '1 second' where user_id = $1`, [ada])
  t.match(await lockFor(30), { reason: 'for 30' }, 'an expired lock does not count')
})

t.test('an unknown user is refused with its id, and nothing is recorded', async (t) => {
  const before = await psql('select from operation')
  for (const act of [
    () => accounts.show('nobody'),
    () => accounts.revoke('nobody', { reason: 'x', lockSeconds: null }, by),
    () => accounts.unlock('nobody', 'x', by),
    () => accounts.setRole('nobody', 'auditor', 'x', by),
  ])
    await t.rejects(act() as Promise<unknown>, { code: 'user_not_found' })
  t.equal((await psql('select from operation')).length, before.length)
})

t.test('granting and removing a role is recorded', async (t) => {
  const eve = await addUser()
  t.match(await accounts.setRole(eve, 'auditor', 'new colleague', by), { before: null })
  t.match(await accounts.setRole(eve, 'security', null, by), { before: 'auditor' })
  t.equal((await accounts.show(eve)).user.role, 'security')
  await accounts.setRole(eve, null, null, by)
  t.equal((await accounts.show(eve)).user.role, null)
  const records = await psql('select reason, result from operation where user_id = $1 order by at', [eve])
  t.same(records, [
    { reason: 'new colleague', result: { role: 'auditor', before: null } },
    { reason: null, result: { role: 'security', before: 'auditor' } },
    { reason: null, result: { role: null, before: 'security' } },
  ])
})

t.test('a login that began before the lock cannot slip past it, under any isolation level', async (t) => {
  for (const isolation of ['read committed', 'repeatable read', 'serializable']) {
    for (const first of ['lock', 'relock', 'lock by hand']) {
      const ada = await addUser()
      // An expired lock leaves a row that an old snapshot would read instead of the new lock.
      if (first === 'relock')
        await psql(
          `insert into user_lock (user_id, until, reason) values ($1, now() - interval '1 hour', 'over')`,
          [ada],
        )
      const client = new pg.Client({ connectionString: database.url, options: SEARCH_PATH })
      await client.connect()
      try {
        await client.query(`begin isolation level ${isolation}`)
        await client.query('select from "user" limit 1')
        if (first === 'lock by hand')
          await psql(`insert into user_lock (user_id, reason) values ($1, 'stolen')`, [ada])
        else await accounts.revoke(ada, { reason: 'stolen', lockSeconds: null }, by)
        const code = isolation === 'read committed' ? 'GL001' : '40001'
        await t.rejects(client.query(insertSession, [ada]), { code }, `${isolation}, ${first}`)
        await client.query('rollback')
        await client.query(`begin isolation level ${isolation}`)
        await t.rejects(client.query(insertSession, [ada]), { code: 'GL001' }, 'a retry gets the reason')
        await client.query('rollback')
      } finally {
        await client.end()
      }
      t.same(await psql('select from session where "userId" = $1', [ada]), [])
    }
  }
})

t.test('the revocation waits for an earlier login under an old snapshot, and ends it', async (t) => {
  for (const isolation of ['read committed', 'repeatable read', 'serializable']) {
    for (const lockSeconds of [null, undefined]) {
      const ada = await addUser()
      const client = new pg.Client({ connectionString: database.url, options: SEARCH_PATH })
      await client.connect()
      try {
        await client.query(`begin isolation level ${isolation}`)
        await client.query(insertSession, [ada])
        let over = false
        const revoking = accounts.revoke(ada, { reason: 'stolen', lockSeconds }, by).finally(() => {
          over = true
        })
        const waiting = () =>
          psql(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
        await waitFor('the logout to wait or end', async () => over || (await waiting()).length > 0)
        await client.query('commit')
        t.equal((await revoking).revoked.length, 1, `${isolation}, lock ${lockSeconds}`)
      } finally {
        await client.end()
      }
      t.same(await psql('select from session where "userId" = $1', [ada]), [])
    }
  }
})

t.test('logins under old snapshots succeed for users who are not locked', async (t) => {
  const [ada, bob] = [await addUser(), await addUser()]
  const client = new pg.Client({ connectionString: database.url, options: SEARCH_PATH })
  await client.connect()
  try {
    await client.query('begin isolation level repeatable read')
    await client.query('select from "user" limit 1')
    await accounts.revoke(bob, { reason: 'stolen', lockSeconds: null }, by)
    await psql(`update "user" set name = 'Ada' where id = $1`, [ada])
    await client.query(insertSession, [ada])
    await client.query('commit')
  } finally {
    await client.end()
  }
  t.equal((await accounts.show(ada)).sessionCount, 1)
})

t.test('of many logins while an account is being locked, none stays valid', async (t) => {
  const ada = await addUser()
  const logins = Array.from({ length: 40 }, () =>
    signIn(ada).then(
      ({ token }) => token,
      () => null,
    ),
  )
  await accounts.revoke(ada, { reason: 'stolen', lockSeconds: null }, by)
  const tokens = (await Promise.all(logins)).filter((token) => token !== null)
  for (const token of tokens) t.equal(await check(token), 401)
  t.equal((await accounts.show(ada)).sessionCount, 0)
})

t.test('a reason is one line of visible text; a lock is a duration or forever', (t) => {
  t.equal(reason.parse('  stolen laptop 💻 '), 'stolen laptop 💻')
  t.equal(reason.parse('x'.repeat(500)).length, 500)
  for (const bad of [
    '',
    '  ',
    '\u200b',
    'a\nb',
    'a\u0000b',
    'a\u202eb',
    'a\u001b[2Jb',
    'a\ud800',
    'x'.repeat(501),
    7,
    null,
    undefined,
  ])
    t.notOk(reason.safeParse(bad).success, JSON.stringify(bad))
  t.same([lockFor.parse('90d'), lockFor.parse('30m'), lockFor.parse('forever')], [90 * 86_400, 1800, null])
  for (const bad of ['', '0s', '-1d', '4000d', 'Forever', '1y', 90, null])
    t.notOk(lockFor.safeParse(bad).success, `${bad}`)
  t.end()
})
