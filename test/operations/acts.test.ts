/** Every change of keys, locks, roles and lifetimes is recorded exactly once, by the service and by SQL. */
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { Actor } from '../../src/operations/record.ts'
import { prepare } from '../../src/prepare.ts'
import { endKey } from '../../src/service-api/keys.ts'
import { verify } from '../../src/staff/audit/chain.ts'
import { runHere } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { login } from '../support/logins.ts'
import { startService } from '../support/service.ts'

const owner = await testDatabase()
const { psql } = owner
const service = await login(owner, 'global_logout_service')
const by: Actor = { actorKind: 'staff', actorId: 'eve' }
await psql(`insert into "user" (id) values ('ada'), ('bob')`)

interface Recorded {
  kind: string
  actor_kind: string
  actor_id: string
  user_id: string | null
  reason: string | null
  result: unknown
}
/** The operations that `work` records. */
async function recorded(work: () => Promise<unknown>): Promise<Recorded[]> {
  const before = await psql<{ id: string }>('select id from operation')
  await work()
  return psql<Recorded>(
    'select kind, actor_kind, actor_id, user_id, reason, result from operation where id <> all ($1) order by at, kind',
    [before.map(({ id }) => id)],
  )
}
const insertKey = (scopes: string, expires = 'null') =>
  `insert into service_key (name, key_hash, scopes, expires_at) values ('shop', gen_random_uuid()::text, '${scopes}', ${expires})`

t.test('a change by SQL is recorded in the name of the login', async (t) => {
  const [{ name: me = '' } = {}] = await psql<{ name: string }>('select session_user::text as name')
  const steps: [who: typeof service | typeof owner, sql: string, ...expected: Partial<Recorded>[]][] = [
    [
      service,
      insertKey('{security}'),
      { kind: 'key.create', result: { name: 'shop', scopes: ['security'] } },
    ],
    [service, `update service_key set last_used_at = now()`],
    [owner, `update service_key set expires_at = '2031-01-01Z'`, { kind: 'key.change' }],
    [
      owner,
      `update service_key set expires_at = null`,
      {
        kind: 'key.change',
        result: { expiresAt: null, before: { expiresAt: '2031-01-01T00:00:00.000Z' } },
      },
    ],
    [
      owner,
      `update service_key set scopes = '{events}'`,
      { kind: 'key.change', result: { scopes: ['events'], before: { scopes: ['security'] } } },
    ],
    [owner, `update service_key set key_hash = 'mine'`, { kind: 'key.change' }],
    [owner, `update service_key set expires_at = expires_at`],
    [service, `update service_key set revoked_at = now()`, { kind: 'key.revoke', result: { name: 'shop' } }],
    [owner, 'delete from service_key'],
    [service, insertKey('{introspect}'), { kind: 'key.create' }],
    [owner, 'delete from service_key', { kind: 'key.revoke' }],
    [service, insertKey('{introspect}'), { kind: 'key.create' }],
    [owner, 'truncate service_key', { kind: 'key.revoke' }],
    [
      service,
      `insert into user_lock (user_id, until, reason) values ('ada', '2031-01-01Z', 'stolen')`,
      {
        kind: 'user.lock',
        user_id: 'ada',
        reason: 'stolen',
        result: { lockedUntil: '2031-01-01T00:00:00.000Z' },
      },
    ],
    [
      service,
      `update user_lock set until = '2030-01-01Z'`,
      {
        kind: 'user.lock',
        user_id: 'ada',
        result: { lockedUntil: '2030-01-01T00:00:00.000Z', before: '2031-01-01T00:00:00.000Z' },
      },
    ],
    [service, `update user_lock set until = now()`, { kind: 'user.unlock', user_id: 'ada' }],
    [service, 'delete from user_lock'],
    [service, `insert into user_lock (user_id, reason) values ('ada', 'stolen')`, { kind: 'user.lock' }],
    [
      owner,
      `update user_lock set user_id = 'bob'`,
      { kind: 'user.lock', user_id: 'bob' },
      { kind: 'user.unlock', user_id: 'ada', result: { lockedUntil: 'forever' } },
    ],
    [service, 'delete from user_lock', { kind: 'user.unlock', user_id: 'bob' }],
    [service, `insert into user_lock (user_id, reason) values ('ada', 'stolen')`, { kind: 'user.lock' }],
    [owner, 'truncate user_lock', { kind: 'user.unlock', user_id: 'ada' }],
    [
      owner,
      `insert into staff (user_id, role) values ('ada', 'auditor')`,
      { kind: 'user.role', user_id: 'ada', result: { role: 'auditor', before: null } },
    ],
    [
      owner,
      `update staff set role = 'security'`,
      { kind: 'user.role', user_id: 'ada', result: { role: 'security', before: 'auditor' } },
    ],
    [owner, `update staff set granted_at = now()`],
    [
      owner,
      `update staff set user_id = 'bob'`,
      { kind: 'user.role', result: { role: null, before: 'security' } },
      { kind: 'user.role', result: { role: 'security', before: null } },
    ],
    [owner, 'delete from staff', { kind: 'user.role', user_id: 'bob', result: { role: null } }],
    [owner, `insert into staff (user_id, role) values ('ada', 'auditor')`, { kind: 'user.role' }],
    [
      owner,
      'truncate staff',
      { kind: 'user.role', user_id: 'ada', result: { role: null, before: 'auditor' } },
    ],
    [
      service,
      'update session_policy set max_age_seconds = 31536000',
      {
        kind: 'policy.change',
        result: { maxAgeSeconds: 31_536_000, before: { maxAgeSeconds: 2_592_000 } },
      },
    ],
    [service, 'update session_policy set max_age_seconds = 2592000', { kind: 'policy.change' }],
    [owner, 'update session_policy set singleton = true'],
    [owner, 'truncate session_policy', { kind: 'policy.change', result: { maxAgeSeconds: null } }],
    [
      owner,
      'insert into session_policy (idle_timeout_seconds, max_age_seconds) values (604800, 2592000)',
      { kind: 'policy.change', result: { before: { maxAgeSeconds: null } } },
    ],
  ]
  for (const [who, sql, ...expected] of steps) {
    const actor = { actor_kind: 'database', actor_id: 'name' in who ? who.name : me }
    const found = await recorded(() => who.psql(sql))
    const order = (a: Partial<Recorded>, b: Partial<Recorded>) =>
      JSON.stringify([a.kind, a.result]).localeCompare(JSON.stringify([b.kind, b.result]))
    t.equal(found.length, expected.length, sql)
    t.match(
      found.sort(order),
      expected.sort(order).map((one) => ({ ...actor, ...one })),
      sql,
    )
  }
  t.match(await verify(owner), { findings: [] })
})

t.test('a revoked key stays revoked and unchanged', async (t) => {
  await service.psql(insertKey('{introspect}'))
  await service.psql('update service_key set revoked_at = now()')
  for (const who of [service, owner])
    for (const change of ['revoked_at = null', `revoked_at = '2020-01-01'`])
      await t.rejects(who.psql(`update service_key set ${change}`), /is revoked, and stays as it is/)
  for (const change of [`scopes = '{security}'`, `key_hash = 'x'`, `name = 'x'`, 'expires_at = now()'])
    await t.rejects(psql(`update service_key set ${change}`), /is revoked, and stays as it is/)
  await service.psql('update service_key set last_used_at = now()')
})

t.test('a change by the service is recorded once, in the name of the actor', async (t) => {
  const running = await startService({ database: service })
  const { accounts } = running
  const once = async (work: () => Promise<unknown>, expected: Partial<Recorded>) => {
    const found = await recorded(work)
    t.equal(found.length, 1, expected.kind ?? '')
    t.match(found, [expected])
  }
  let key = ''
  await once(
    async () => {
      key = (await running.keyFor('events', 'introspect')).id
    },
    { kind: 'key.create', actor_kind: 'system', actor_id: 'test' },
  )
  await once(() => service.transaction((tx) => endKey(tx, key, by)), { kind: 'key.revoke', actor_id: 'eve' })
  for (const lockSeconds of [3600, 86_400, null])
    await once(() => accounts.revoke('ada', { reason: 'stolen', lockSeconds }, by), {
      kind: 'user.revoke',
      actor_id: 'eve',
    })
  await once(() => accounts.revoke('ada', { reason: 'shorter', lockSeconds: 60 }, by), {
    kind: 'user.revoke',
  })
  await once(() => accounts.unlock('ada', null, by), { kind: 'user.unlock', actor_id: 'eve' })
  await psql(`insert into user_lock values ('ada', now() - interval '1 hour', 'over')`)
  await once(() => accounts.revoke('ada', { reason: 'stolen', lockSeconds: 60 }, by), { kind: 'user.revoke' })
  await once(() => accounts.unlock('ada', null, by), { kind: 'user.unlock' })
  await once(() => running.accounts.revoke('ada', { reason: 'no lock' }, by), { kind: 'user.revoke' })
})

t.test('a role granted by the owner is recorded once', async (t) => {
  const { accounts } = await startService({ database: owner })
  for (const role of ['auditor', 'security', 'security', null] as const)
    t.match(await recorded(() => accounts.setRole('ada', role, 'x', by)), [
      { kind: 'user.role', actor_id: 'eve', result: { role } },
    ])
})

t.test('lifetimes that a start changes are recorded', async (t) => {
  const start = (maxAgeSeconds: number) =>
    prepare(
      { ...readConfig({ DATABASE_URL: service.url }), policy: { idleTimeoutSeconds: 3600, maxAgeSeconds } },
      { url: service.url },
      silentLog,
    )
  t.match(await recorded(() => start(7200)), [
    {
      kind: 'policy.change',
      actor_kind: 'system',
      actor_id: 'settings',
      result: { idleTimeoutSeconds: 3600, maxAgeSeconds: 7200, before: { maxAgeSeconds: 2_592_000 } },
    },
  ])
  t.same(await recorded(() => start(7200)), [])
})

t.test('an application cannot end sessions in the name of another operation', async (t) => {
  // An application with the stock adapter of Auth.js on our tables, which also uses the functions.
  const application = await login(owner, 'global_logout_application')
  await psql(`grant select, insert, update, delete on "user", session to ${application.name}`)
  const id = '00000000-0000-4000-8000-000000000001'
  await service.psql(
    `insert into operation (id, kind, actor_kind, actor_id, user_id, revoked_count) values ($1, 'user.revoke', 'staff', 'eve', 'ada', 9)`,
    [id],
  )
  await psql(`insert into "user" (id) values ('dan')`)
  const signIn = (token: string, userId = 'ada') =>
    application.psql(
      `insert into session ("sessionToken", "userId", expires) values ($1, $2, now() + interval '1 day')`,
      [token, userId],
    )
  const endedBy = (token: string) =>
    psql<{ kind: string | null }>(
      `select kind from revoked_session left join operation o on o.id = operation_id where session_token = $1`,
      [token],
    )
  await signIn('updated')
  await signIn('deleted', 'dan')
  for (const sql of [
    `update session set expires = now() - interval '1 day' where "sessionToken" = 'updated'`,
    `delete from "user" where id = 'dan'`,
  ])
    await application.psql(`select set_config('global_logout.operation_id', '${id}', false); ${sql}`)
  for (const token of ['updated', 'deleted']) t.same(await endedBy(token), [{ kind: null }], token)

  await signIn('mine')
  await signIn('theirs')
  await application.psql(`begin;
    select set_config('global_logout.operation_id', (select operation_id::text from global_logout.sign_out('mine')), true);
    update session set expires = now() - interval '1 day' where "sessionToken" = 'theirs'; commit`)
  t.same(await endedBy('mine'), [{ kind: 'logout' }])
  t.same(await endedBy('theirs'), [{ kind: null }], 'nor in that of a sign-out')

  const member = await login(owner)
  await psql(`alter role ${member.name} noinherit; grant global_logout_service to ${member.name}`)
  await signIn('service')
  await member.psql(`set role global_logout_service; select set_config('global_logout.operation_id', '${id}', false);
    delete from session where "sessionToken" = 'service'`)
  t.same(await endedBy('service'), [{ kind: 'user.revoke' }], 'the service can, also by SET ROLE')
  t.match(await verify(owner), { findings: [] })
})

t.test('a change and its record are committed together or not at all', async (t) => {
  const own = await testDatabase()
  const withoutRecord = `begin; insert into staff (user_id, role) values ('bob', 'security');
    alter table operation rename to gone; commit`
  await t.rejects(own.psql(withoutRecord), { code: '42P01' })
  t.same(await own.psql(`select from staff where user_id = 'bob'`), [])
})

t.test(
  'staff see such changes in the audit log: in the API, on the command line and in the console',
  async (t) => {
    const running = await startService({ database: owner })
    const { headers } = await running.keyFor('security')
    await psql(`insert into user_lock (user_id, reason) values ('bob', 'by hand')`)
    await psql('update session_policy set max_age_seconds = 8000')
    await psql(`insert into staff (user_id, role) values ('ada', 'auditor')`)
    await psql(insertKey('{events}'))
    await psql(`update service_key set scopes = '{security}' where revoked_at is null`)
    const { token } = await running.signIn('ada')
    const kinds = {
      'user.lock': 'Locked sign-in of a user',
      'policy.change': 'Changed the lifetimes of sessions',
      'user.role': 'Changed the role of a user',
      'key.change': 'Changed a service key',
    }
    for (const [kind, label] of Object.entries(kinds)) {
      const page = await (await running.http(`/api/admin/audit?kind=${kind}`, { headers })).json()
      t.match((page as { entries: unknown[] }).entries[0], { kind, actorKind: 'database' }, kind)
      const listed = runHere(['audit', 'list', '--kind', kind], { env: { DATABASE_URL: owner.url } })
      t.equal(await listed.ended, 0)
      t.match(listed.output(), new RegExp(`${kind} .* database \\w+`))
      for (const path of [`/admin/audit?kind=${kind}`, '/admin']) {
        const shown = await (await running.as(token, path)).text()
        t.match(shown, label, path)
        t.match(shown, /the database login/, path)
      }
    }
  },
)
