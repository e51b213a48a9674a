/** The rights of the roles: the whole service runs with its own role, which cannot change or delete the audit record. */
import t from 'tap'
import { checkTokens } from '../../src/check/queries.ts'
import { readConfig } from '../../src/config.ts'
import { readRights } from '../../src/database/rights.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { silentLog } from '../../src/lib/log.ts'
import { prepare } from '../../src/prepare.ts'
import { sweep } from '../../src/sessions/sweeper.ts'
import { seal, verify } from '../../src/staff/audit/chain.ts'
import { testDatabase } from '../support/database.ts'
import { login } from '../support/logins.ts'
import { json, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const owner = await testDatabase()

const database = await login(owner, 'global_logout_service')

t.test('the whole service runs with the rights of its own role', async (t) => {
  const policy = { idleTimeoutSeconds: 3600, maxAgeSeconds: 7200 }
  await prepare({ ...readConfig({ DATABASE_URL: database.url }), policy }, { url: database.url }, silentLog)
  for (const CHECK_MODE of ['database', 'leased']) {
    const service = await startService({ database, env: { CHECK_MODE }, except: ['sealer', 'sweeper'] })
    if (CHECK_MODE === 'leased') await service.answersFromMemory()
    const [ada, eve] = [`ada-${CHECK_MODE}`, `eve-${CHECK_MODE}`]
    await owner.psql(`insert into "user" (id) values ($1), ($2)`, [ada, eve])
    await owner.psql(`insert into staff (user_id, role) values ($1, 'security')`, [eve])
    const [one, two, three] = [
      await service.signIn(ada),
      await service.signIn(ada),
      await service.signIn(ada),
    ]
    t.equal(await service.check(one.token), 200)
    await owner.psql(`update session set "lastSeenAt" = now() - interval '10 minutes' where id = $1`, [
      two.id,
    ])
    t.equal(await service.check(two.token), 200)
    await service.lastSeen.flush()
    t.equal((await service.as(one.token, '/api/logout', json({ scope: 'local' }))).status, 200)
    t.equal(await service.check(one.token), 401)
    await service.replays.flush()
    const { token } = await service.signIn(eve)
    t.equal((await service.as(token, `/api/admin/users?q=${ada}`)).status, 200)
    const path = `/api/admin/users/${ada}`
    const done = await service.as(token, `${path}/revoke`, json({ reason: 'stolen', lockFor: '1h' }))
    t.equal(done.status, 200)
    t.equal(((await done.json()) as { revoked: unknown[] }).revoked.length, 2)
    t.same([await service.check(two.token), await service.check(three.token)], [401, 401])
    t.equal((await service.as(token, `${path}/lock`, { method: 'DELETE' })).status, 200)
    await service.replays.flush()
    const account = (await (await service.as(token, `${path}/sessions`)).json()) as Record<string, unknown[]>
    t.equal(account.revocations?.length, 3)
    t.equal(account.replays?.length, 3)
    const { headers } = await service.keyFor('security', 'users:delete')
    t.equal((await service.http('/api/admin/audit', { headers })).status, 200)
    const removed = await service.http(`/api/users/${ada}-gone`, { method: 'DELETE', headers })
    t.match({ status: removed.status, ...((await removed.json()) as object) }, { status: 200, ended: 0 })
    await owner.psql(`update session set expires = now() - interval '1 day' where id = $1`, [
      (await service.signIn(ada)).id,
    ])
    t.ok(Number(await sweep(database)) > 0)
    t.equal((await service.http('/readyz')).status, 200)
  }
  t.ok((await seal(database)) > 0)
  t.same((await verify(database)).findings, [])
  await owner.psql(
    `update revoked_session set revoked_at = now() - interval '3 days' where id = (select min(id) from revoked_session)`,
  )
  await owner.psql(`update replay set at = now() - interval '3 days' where id = (select min(id) from replay)`)
  // Revocations that an older open transaction of the server may precede are kept until that ends.
  let pruned = 0
  await waitFor('both to be deleted', async () => {
    const [step] = await database.psql<{ pruned: number }>('select prune_feed(86400, 100) as pruned')
    pruned += step?.pruned ?? 0
    return pruned >= 2
  })
  t.equal(pruned, 2)
})

t.test('the role of the service can neither change nor delete the record', async (t) => {
  const forbidden = [
    'delete from operation',
    `update operation set reason = 'harmless'`,
    'update operation set actor_id = null',
    'update operation set at = now()',
    'truncate operation',
    'delete from audit_link',
    'update audit_link set hash = hash',
    'insert into audit_link (seq, operation_id, digest, hash) values (1, gen_random_uuid(), $$$$, $$$$)',
    'truncate audit_link',
    'update audit_head set seq = 0',
    'delete from audit_head',
    'delete from revoked_session',
    `update revoked_session set user_id = 'x'`,
    'insert into revoked_session (session_id) values (gen_random_uuid())',
    'truncate revoked_session',
    'truncate session',
    'update replay set count = 0',
    'delete from replay',
    `insert into replay (session_id, user_id, at) values (gen_random_uuid(), 'x', 'infinity')`,
    `insert into replay (session_id, user_id, xid) values (gen_random_uuid(), 'x', '3')`,
    `insert into replay (session_id, user_id, id) values (gen_random_uuid(), 'x', 1)`,
    `select setval('revoked_session_id_seq', 1)`,
    `update staff set role = 'security'`,
    `insert into staff (user_id, role) values ('x', 'security')`,
    'delete from "user"',
    `update "user" set id = 'x'`,
    'truncate "user" cascade',
    `update session set expires = 'infinity'`,
    `update session set "userId" = 'x'`,
    `insert into session_policy (idle_timeout_seconds, max_age_seconds) values (1, 1)`,
    'delete from session_policy',
    'truncate session_policy',
    'delete from service_key',
    `update service_key set scopes = '{security}'`,
    'update service_key set expires_at = null',
    'truncate user_lock',
    `update user_lock set user_id = 'x'`,
    'delete from staff',
    'truncate staff',
    'select global_logout.sign_out($$x$$)',
    `select global_logout.record_operation('user.role', 'x', null, '{}')`,
    'select global_logout.grant_roles()',
    'update feed_horizon set xid = xid',
    `update incident set reason = 'harmless'`,
    `update incident set selection = '{}', actor_id = null`,
    'update incident set planned_sessions = 0',
    'delete from incident',
    'alter table session disable trigger all',
    'drop trigger session_deleted on session',
    'create or replace function operation_digest(o operation) returns bytea language sql as $$select null::bytea$$',
    `set session_replication_role = replica`,
    'select rolpassword from pg_authid',
  ]
  for (const sql of forbidden) await t.rejects(database.psql(sql), { code: '42501' }, sql)
  await t.rejects(database.psql('select prune_feed(3600, 100)'), /kept for a day at least/)
  t.same((await verify(owner)).findings, [])
})

t.test('nor write values that the console cannot show', async (t) => {
  const service = await startService({ database, except: ['sealer'] })
  const { headers } = await service.keyFor('security')
  await owner.psql(`insert into "user" (id) values ('mal')`)
  const at = ['infinity', '-infinity', '10000-01-01', '0044-03-15 BC', '290000-01-01']
  const refused = [
    ...at.map((at) => `insert into user_lock (user_id, reason, until) values ('mal', 'x', '${at}')`),
    ...at.map(
      (at) =>
        `insert into session ("sessionToken", "userId", expires, "createdAt") values ('mal', 'mal', 'infinity', '${at}')`,
    ),
    ...at.map(
      (at) => `insert into service_key (name, key_hash, scopes, expires_at) values ('x', 'x', '{}', '${at}')`,
    ),
    `insert into operation (id, kind, actor_kind, revoked_count) values (gen_random_uuid(), 'party', 'user', 1)`,
    `insert into operation (id, kind, actor_kind, revoked_count) values (gen_random_uuid(), 'logout', 'martian', 1)`,
  ]
  for (const sql of refused) await t.rejects(database.psql(sql), { code: '23514' }, sql)
  await t.rejects(owner.psql(`insert into staff (user_id, role) values ('mal', 'admin')`), { code: '23514' })
  for (const path of ['users?q=mal', 'users/mal/sessions', 'audit', 'incidents'])
    t.equal((await service.http(`/api/admin/${path}`, { headers })).status, 200, path)
})

t.test('nor backdate operations or hide them from the sealer', async (t) => {
  await seal(database)
  for (const at of ['2020-01-01', 'infinity'])
    await database.psql(
      `insert into operation (id, kind, actor_kind, revoked_count, at, xid)
       values (gen_random_uuid(), 'logout', 'user', 1, '${at}', '3')`,
    )
  t.equal(await seal(database), 2)
  t.same(await owner.psql(`select at from operation where at > now() or at < now() - interval '1 hour'`), [])
})

t.test('nor skip an operation in the chain', async (t) => {
  await database.psql(
    `insert into operation (id, kind, actor_kind, revoked_count) values (gen_random_uuid(), 'user.unlock', 'user', 0)`,
  )
  for (const most of [0, -1, -2])
    await t.rejects(database.psql(`select seal_operations(${most})`), /one operation at least/)
  t.equal(await seal(database), 1)
})

const insertIncident = (state: string, id: string, executed: string | null) => `
  insert into incident (id, state, operation_id, reason, selection, actor_kind, expires_at, planned_sessions, planned_users, staff_sessions, sample, outcome)
  values ('${id}', '${state}', ${executed && `'${executed}'`}, 'a leak', '{}', 'staff', now(), 1, 1, 0, '[]', '{}')`
const recordIncident = (kind: string, id: string, planId: string, executed: string) => `
  insert into operation (id, kind, actor_kind, revoked_count, result)
  values ('${id}', '${kind}', 'staff', 0, '${JSON.stringify({ planId, operationId: executed })}')`

t.test('nor start or finish an incident without its operations', async (t) => {
  const [plan, executed, other] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
  await database.psql(recordIncident('incident.execute', other, plan, other))
  for (const state of ['running', 'done', 'x'])
    await t.rejects(database.psql(insertIncident(state, plan, other)), { code: '23001' }, state)
  await database.psql(insertIncident('planned', plan, null))
  const begin = (id: string) =>
    `update incident set state = 'running', operation_id = '${id}' where id = '${plan}'`
  await t.rejects(database.psql(begin(other)), { code: '23001' }, 'the operation of another transaction')
  await t.rejects(
    database.psql(`${recordIncident('user.revoke', executed, plan, executed)}; ${begin(executed)}`),
    { code: '23001' },
    'another act',
  )
  await database.psql(`${recordIncident('incident.execute', executed, plan, executed)}; ${begin(executed)}`)
  for (const change of [
    `state = 'done'`,
    `state = 'planned'`,
    `state = 'x'`,
    `operation_id = '${other}'`,
    `started_at = '2020-01-01'`,
  ])
    await t.rejects(
      database.psql(`update incident set ${change} where id = '${plan}'`),
      { code: '23001' },
      change,
    )
  await database.psql(`update incident set ended = 1 where id = '${plan}'`)
  await database.psql(
    `${recordIncident('incident.finish', crypto.randomUUID(), plan, executed)}; update incident set state = 'done' where id = '${plan}'`,
  )
})

t.test('nor change the result of an incident', async (t) => {
  for (const change of [`outcome = null`, `state = 'running'`, 'ended = 7', 'operation_id = null'])
    await t.rejects(database.psql(`update incident set ${change}`), /is done, and stays as it is/, change)
})

t.test(
  'an application without rights on the chain or on locks cannot call what the service may',
  async (t) => {
    const application = await login(owner, 'pg_read_all_settings')
    for (const call of ['seal_operations(1)', 'prune_feed(86400, 1)'])
      await t.rejects(application.psql(`select global_logout.${call}`), { code: '42501' })
  },
)

t.test('the checker reads what a check needs, and no personal data', async (t) => {
  const service = await startService({ database: owner, except: ['sealer'] })
  const { token, id } = await service.signIn(await service.addUser('zoe'))
  const checker = await login(owner, 'global_logout_checker')
  const [checked, unknown] = await checkTokens(checker.query, [hashToken(token), 'x'])
  t.match(checked, { userId: 'zoe', sessionId: id, stale: false, unseen: false })
  t.equal(unknown, null)
  for (const sql of [
    'select * from "user"',
    'select "userAgent" from session',
    'delete from session',
    'select from operation',
  ])
    await t.rejects(checker.psql(sql), { code: '42501' }, sql)
})

t.test('granting the roles again, as after a restore, changes nothing', async (t) => {
  const before = await owner.run(readRights)
  t.same(await owner.psql('select grant_roles() as complete'), [{ complete: true }])
  t.strictSame(await owner.run(readRights), before)
})
