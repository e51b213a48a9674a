/**
 * If every login may create in schema public (clusters from before PostgreSQL 15), nothing there is called by
 * our functions, the service or the packages. A trap is a function or operator that matches better than
 * PostgreSQL's own: for each that we use, one argument has another type.
 */
import { readdir, readFile } from 'node:fs/promises'
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { migrate } from '../../src/database/migrate.ts'
import { readRights } from '../../src/database/rights.ts'
import { checkDatabase } from '../../src/doctor/database-checks.ts'
import { deleteOldRevocations, sweep } from '../../src/sessions/sweeper.ts'
import { seal, verify } from '../../src/staff/audit/chain.ts'
import { carryOut } from '../../src/staff/incidents/runner.ts'
import { applicationDatabase } from '../authjs/application.ts'
import { testDatabase } from '../support/database.ts'
import { begin } from '../support/incidents.ts'
import { login } from '../support/logins.ts'
import { admin, databaseUrl } from '../support/server.ts'
import { json, startService } from '../support/service.ts'

const owner = await testDatabase()
const { psql } = owner
const mallory = await login(owner)
const application = await login(owner, 'global_logout_application')

/** Types that are used in place of one another. */
const FAMILIES = [
  ['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'],
  ['text', 'character varying', 'name'],
  ['timestamp without time zone', 'timestamp with time zone', 'date'],
  [
    'oid',
    'regclass',
    'regrole',
    'xid',
    'xid8',
    'pg_snapshot',
    'uuid',
    'inet',
    'bytea',
    'jsonb',
    'interval',
    'boolean',
  ],
  ['text[]', 'uuid[]'],
]
const TYPES = FAMILIES.flat()
const OPERATORS = ['=', '<>', '<', '>', '<=', '>=', '+', '-', '*', '/', '||', '~~', '@>', '->>', '->', '<<=']
/** Calls of variadic functions, as we make them. */
const VARIADIC: [name: string, types: string][] = [
  ['jsonb_build_object', 'text text'],
  ['jsonb_build_object', 'text jsonb'],
  ['jsonb_build_object', 'text text text text'],
  ['jsonb_build_object', 'text integer text integer'],
  ['jsonb_build_object', 'text uuid text text text text[] text text'],
  ['jsonb_build_object', 'text uuid text text text text text text text text'],
  ['jsonb_build_array', 'uuid text text text text uuid text text inet text text numeric integer jsonb jsonb'],
  ['concat_ws', 'text bigint text xid timestamptz integer'],
  ['concat_ws', 'text bigint oid text'],
]
const quote = (type: string) => (type === 'name' ? 'pg_catalog.name' : type)

/** The names that our functions and the service's SQL call. */
async function called(): Promise<Set<string>> {
  const bodies = await psql<{ body: string }>(
    `select pg_get_functiondef(oid) as body from pg_proc where pronamespace = 'global_logout'::regnamespace`,
  )
  const folder = new URL('../../src/', import.meta.url)
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'))
  const sources = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')))
  const text = [...bodies.map(({ body }) => body), ...sources].join('\n')
  return new Set([...text.matchAll(/\b([a-z_]+)\(/g)].map(([, name = '']) => name))
}

/** Creates the traps, as a login that owns nothing here. Each raises a sequence, which no rollback resets. */
async function setTraps(): Promise<number> {
  await psql('grant create on schema public to public')
  await mallory.psql('create sequence public.trapped; grant usage on sequence public.trapped to public')
  const existing = await psql<{ name: string; types: string[]; names: string[] | null }>(
    `select proname as name, proargnames as names,
      array(select format_type(type, null) from unnest(proargtypes) with ordinality as a (type, n) order by n) as types
      from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname = any ($1) and prokind <> 'p' and pronargs between 1 and 4`,
    [[...(await called())]],
  )
  const body = (what: string) =>
    `language plpgsql as $$ begin perform pg_catalog.nextval('public.trapped'); raise exception 'trapped: ${what}'; end $$`
  const traps = new Set<string>()
  const add = (name: string, types: string[]) =>
    traps.add(`create function public.${name}(${types.map(quote).join(', ')}) returns text ${body(name)}`)
  for (const { name, types } of existing) {
    const loose = types.every((type) => /^(any|"any")/.test(type))
    if (loose)
      for (const type of TYPES)
        add(
          name,
          types.map(() => type),
        )
    types.forEach((type, i) => {
      const family = FAMILIES.find((family) => family.includes(type)) ?? (/any/.test(type) ? TYPES : [])
      for (const other of family) if (other !== type) add(name, types.with(i, other))
    })
  }
  for (const type of ['smallint', 'integer', 'bigint', 'numeric', 'real', 'text'])
    traps.add(`create function public.make_interval(secs ${type}) returns interval ${body('make_interval')}`)
  for (const [name, types] of VARIADIC) add(name, types.split(' '))
  for (const [i, left] of TYPES.entries())
    for (const [j, right] of TYPES.entries()) {
      const maker = `trap_${i}_${j}`
      traps.add(
        `create function public.${maker}(${quote(left)}, ${quote(right)}) returns boolean ${body(`${left} and ${right}`)}`,
      )
      for (const operator of OPERATORS)
        traps.add(
          `create operator public.${operator} (leftarg = ${quote(left)}, rightarg = ${quote(right)}, function = public.${maker})`,
        )
    }
  // Functions in PL/pgSQL cannot have arguments of some types.
  await mallory.psql(
    `do $do$ declare trap text; begin
      foreach trap in array string_to_array($traps$${[...traps].join('\u0001')}$traps$, chr(1)) loop
        begin execute trap; exception when others then null; end;
      end loop; end $do$`,
  )
  const [{ count = 0 } = {}] = await psql<{ count: number }>(
    `select ((select count(*) from pg_proc where proowner = $1::regrole::oid)
      + (select count(*) from pg_operator where oprowner = $1::regrole::oid))::integer as count`,
    [mallory.name],
  )
  return count
}

const service = await startService({ database: owner })
const ada = await service.addUser('ada')
const eve = await service.addUser('eve')
const made = await setTraps()
const trapped = async () =>
  (
    await psql<{ times: number }>(
      'select case when is_called then last_value else 0 end::integer as times from public.trapped',
    )
  )[0]?.times

t.test('the traps are in place, and work', async (t) => {
  t.ok(made > 3_000, `${made} traps`)
  await t.rejects(mallory.psql('select make_interval(secs => 1)'), /trapped: make_interval/)
  t.equal(await trapped(), 1)
  await mallory.psql(`select setval('public.trapped', 1, false)`)
})

t.test('no function of ours calls a trap', async (t) => {
  const insert = `insert into session ("sessionToken", "userId", expires) values ($1, 'ada', now() + interval '1 day')`
  const token = async () => {
    const value = crypto.randomUUID()
    await psql(insert, [value])
    return value
  }
  const act = async (sql: string, values: unknown[] = []) => {
    await t.resolves(psql(sql, values), sql)
    t.equal(await trapped(), 0, sql)
  }
  await act('delete from session where "sessionToken" = $1', [await token()])
  await act(`update session set expires = now() + interval '2 days' where "sessionToken" = $1`, [
    await token(),
  ])
  await act(`update session set expires = now() where "sessionToken" = $1`, [await token()])
  await token()
  await act('truncate session')
  await act(`insert into user_lock (user_id, reason) values ('ada', 'x')`)
  await t.rejects(psql(insert, ['y']), { code: 'GL001' })
  await t.rejects(psql(`update "user" set id = 'x' where id = 'ada'`), { code: '23001' })
  await act(`update user_lock set until = now() + interval '1 hour'`)
  await act('delete from user_lock')
  await act(`insert into user_lock (user_id, reason) values ('nobody', 'x')`)
  await act('truncate user_lock')
  await act(`insert into staff (user_id, role) values ('eve', 'auditor')`)
  await act(`update staff set role = 'security'`)
  await act(`insert into service_key (name, key_hash, scopes) values ('x', 'x', '{events}')`)
  await act(`update service_key set expires_at = now() + interval '1 day'`)
  await act(`update service_key set revoked_at = now()`)
  await act('truncate service_key')
  await act(`update session_policy set max_age_seconds = max_age_seconds + 1::integer`)
  await act('select global_logout.seal_operations(1000)')
  await act('select global_logout.prune_feed(86400::bigint, 100)')
  await act('select global_logout.restored_elsewhere()')
  await act('select global_logout.settle_restored()')
  await act('select global_logout.grant_roles()')
  await act(`select global_logout.operation_digest(o) from global_logout.operation o`)
  t.equal(await trapped(), 0)
})

t.test('no statement of the service calls a trap', async (t) => {
  for (const CHECK_MODE of ['database', 'leased']) {
    const running = await startService({ database: owner, env: { CHECK_MODE } })
    if (CHECK_MODE === 'leased') await running.answersFromMemory()
    const [one, two] = [await running.signIn(ada), await running.signIn(ada)]
    t.equal(await running.check(one.token), 200)
    await psql(`update session set "lastSeenAt" = now() - interval '10 minutes'`)
    t.equal(await running.check(two.token), 200)
    await running.lastSeen.flush()
    t.equal((await running.as(one.token, '/api/logout', json({ scope: 'local' }))).status, 200)
    t.equal(await running.check(one.token), 401)
    await running.replays.flush()
    const { headers } = await running.keyFor('security', 'events')
    const path = '/api/admin/users/ada'
    const revoke = json({ reason: 'stolen', lockFor: '1h' })
    const as = (init: RequestInit) => ({ ...init, headers: { ...headers, ...(init.headers as object) } })
    t.equal((await running.http(`${path}/revoke`, as(revoke))).status, 200)
    t.equal((await running.http(`${path}/lock`, { method: 'DELETE', headers })).status, 200)
    for (const read of ['users?q=a', 'users/ada/sessions', 'audit', 'incidents'])
      t.equal((await running.http(`/api/admin/${read}`, { headers })).status, 200, read)
    t.equal((await running.http('/events?limit=1', { headers })).status, 200)
    const staff = await running.signIn(eve)
    t.equal((await running.as(staff.token, '/admin')).status, 200)
    t.equal((await running.as(staff.token, '/api/sessions')).status, 200)
  }
  await sweep(owner)
  await deleteOldRevocations(owner, 86_400)
  for (const who of [ada, eve, ada]) await service.signIn(who, 'hit')
  t.ok(await carryOut(owner, service.barrier, await begin(service, { userAgent: 'hit' }), { batch: 2 }))
  await seal(owner)
  t.match(await verify(owner), { findings: [] })
  t.equal(await trapped(), 0)
})

t.test('no statement of an application calls one, even if its search path has them', async (t) => {
  for (const given of [
    { db: applicationDatabase(application) },
    { connectionString: application.url },
    {
      db: applicationDatabase(application),
      directConnectionString: application.url,
      checks: 'leased' as const,
      timeoutMs: 30_000,
    },
  ]) {
    const sessions = createDatabaseSessions(given)
    t.teardown(sessions.close)
    const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
    const one = await sessions.create({ user: { id: 'ada', name: 'Ada' } })
    const two = await sessions.create({ user: { id: 'ada' }, replaces: one.token })
    t.match(await sessions.check(as(two.token)), { userId: 'ada' })
    await sessions.logout(as(two.token), { scope: 'global' })
    t.equal(await sessions.check(as(two.token)), null)
    await sessions.removeUser('ada')
  }
  t.equal(await trapped(), 0)
})

t.test('doctor names logins that can create in our schema, and its advice works', async (t) => {
  const policy = { idleTimeoutSeconds: 604_800, maxAgeSeconds: 2_592_000 }
  const look = async () =>
    (await checkDatabase({ url: owner.url }, { workers: 1, policy, checkMode: 'database' })).find(
      ({ what }) => what === 'schema',
    )
  t.match(await look(), { level: 'ok' })
  await psql(`grant create on schema global_logout to ${mallory.name}`)
  t.match(await look(), { level: 'warning', detail: mallory.name })
  await owner.run(readRights)
  t.equal(await trapped(), 0, 'doctor and the table of rights call none themselves')
  await psql(`revoke create on schema global_logout from ${mallory.name}`)
})

t.test('a migration runs nothing that others have created', async (t) => {
  const name = `gl_test_traps_${process.pid}`
  await psql(`create database ${name}`)
  const url = databaseUrl(owner.url, name)
  t.teardown(() => psql(`drop database ${name} with (force)`))
  const there = (sql: string) => admin(url, async (client) => (await client.query(sql)).rows)
  await there(`grant create on schema public to public; grant create on database ${name} to ${mallory.name}`)
  const mallorys = new URL(mallory.url)
  mallorys.pathname = `/${name}`
  await admin(mallorys.href, async (client) => {
    for (const args of ['text', 'text, text', 'text, text, text', 'text, text, text, text, text, text'])
      for (const trap of [
        'format',
        'string_agg',
        'quote_ident',
        'unnest',
        'lower',
        'sha256',
        'nextval',
        'set_config',
      ])
        await client.query(
          `create function public.${trap}(${args}) returns text language plpgsql as $$ begin raise exception 'trapped: ${trap}'; end $$`,
        )
    await client.query('create schema global_logout')
  })
  await t.rejects(migrate(url), new RegExp(`DATABASE_SCHEMA belongs to ${mallory.name}, who could change`))
  await there('drop schema global_logout')
  await t.resolves(migrate(url))
})
