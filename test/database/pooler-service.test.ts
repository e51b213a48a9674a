/** The service behind a real PgBouncer in transaction mode, with DATABASE_DIRECT_URL for what needs a session. */
import pg from 'pg'
import t, { type Test } from 'tap'
import { SERVER_ID } from '../../src/database/connection-settings.ts'
import { openDatabase } from '../../src/database/database.ts'
import { sqlState } from '../../src/database/failures.ts'
import type { Problem } from '../../src/errors.ts'
import { openTestDatabase, testDatabase } from '../support/database.ts'
import { hold } from '../support/hold.ts'
import { ownServer } from '../support/own-server.ts'
import { noPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'
import { json, type Service, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

if (noPgbouncer) {
  t.plan(0, noPgbouncer)
  process.exit()
}
const SERVER_CONNECTIONS = 3
const database = await testDatabase()
const pgbouncer = await startPgbouncer(database.url)
const behind = { DATABASE_URL: pgbouncer.url, DATABASE_DIRECT_URL: database.url }

/**
 * What another client of the pooler leaves in its server connections; `alter role … set` would have the same
 * effect.
 */
const HOSTILE: Record<string, string> = {
  search_path: 'trap, public',
  datestyle: 'SQL, DMY',
  intervalstyle: 'sql_standard',
  timezone: 'Pacific/Chatham',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  transform_null_equals: 'on',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  row_security: 'on',
  synchronous_commit: 'off',
  statement_timeout: '5s',
  lock_timeout: '50ms',
  idle_in_transaction_session_timeout: '900ms',
  'global_logout.operation_id': '00000000-0000-0000-0000-000000000000',
}

/** Runs a statement in every server connection of the pooler. @returns the first row of each. */
async function everywhere(statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: pgbouncer.url })
  await client.connect()
  const found: Record<string, unknown>[] = []
  const seen = new Set<number>()
  await waitFor('every server connection', async () => {
    const all = (await client.query(
      `select pg_backend_pid() as pid; ${statement}`,
    )) as unknown as pg.QueryResult[]
    const [pid, ...rest] = all.flatMap(({ rows }) => rows)
    if (!seen.has(pid.pid)) found.push(rest[0])
    return seen.add(pid.pid).size >= SERVER_CONNECTIONS
  })
  await client.end()
  return found
}

/** Reads the settings of `HOSTILE` as another client finds them. */
const LEFT = `select ${Object.keys(HOSTILE)
  .map((name) => `current_setting('${name}') as "${name}"`)
  .join(', ')}`

/** Signs in, checks, signs out, by every kind of route. */
async function livesThrough(t: Test, service: Service) {
  const { headers } = await service.keyFor('introspect', 'sessions:create', 'events', 'security')
  const withKey = (body: unknown) => {
    const init = json(body)
    return { ...init, headers: { ...init.headers, ...headers } }
  }
  const id = crypto.randomUUID()
  const signIn = async () => {
    const answer = await service.http('/api/sessions', withKey({ user: { id, name: 'Ädä' } }))
    t.equal(answer.status, 201)
    return ((await answer.json()) as { token: string }).token
  }
  const [phone, laptop, tablet] = [await signIn(), await signIn(), await signIn()]
  for (let checks = 0; checks < 6; checks++) t.equal(await service.check(phone), 200)
  const begun = Number((await service.as(phone, '/check')).headers.get('x-session-created'))
  t.ok(Math.abs(begun - Date.now() / 1_000) < 120, 'begun now, in seconds')
  const list = await service.as(phone, '/api/sessions')
  const { sessions } = (await list.json()) as { sessions: { createdAt: string }[] }
  t.equal(sessions.length, 3)
  t.ok(
    sessions.every(({ createdAt }) => Math.abs(Date.parse(createdAt) - Date.now()) < 120_000),
    'begun now',
  )
  t.match(await (await service.as(phone, '/api/session')).json(), { user: { name: 'Ädä' } })
  t.equal((await service.as(phone, '/')).status, 200)

  t.equal((await service.as(phone, '/api/logout', json({ scope: 'others' }))).status, 200)
  t.equal(await service.check(laptop), 401)
  t.equal(await service.check(phone), 200)
  const locked = await service.http(
    `/api/admin/users/${id}/revoke`,
    withKey({ reason: 'stolen', lockFor: '2h' }),
  )
  t.equal(locked.status, 200)
  for (let checks = 0; checks < 6; checks++) {
    t.equal(await service.check(phone), 401)
    t.equal(await service.check(tablet), 401)
  }
  const audit = await service.http(`/api/admin/audit?user=${id}`, { headers })
  t.equal(((await audit.json()) as { entries: unknown[] }).entries.length, 2)
  t.equal((await service.http('/readyz')).status, 200)

  let { cursor } = (await (await service.http('/events', { headers })).json()) as { cursor: string }
  const victim = await service.signIn(await service.addUser(), 'victim', '198.51.100.7')
  const planned = await service.http(
    '/api/admin/incidents',
    withKey({ reason: 'a leak', select: { ipRange: '198.51.100.7' } }),
  )
  t.equal(planned.status, 201)
  const { planId } = (await planned.json()) as { planId: string }
  t.equal((await service.http(`/api/admin/incidents/${planId}/execute`, withKey({}))).status, 202)
  await waitFor('the event of the incident', async () => {
    const followed = await service.http(`/events?since=${cursor}&wait=1`, { headers })
    const { events, ...next } = (await followed.json()) as { events: { sessionId: string }[]; cursor: string }
    cursor = next.cursor
    return events.some(({ sessionId }) => sessionId === victim.id)
  })
  await waitFor('the incident to end every session', async () => (await service.check(victim.token)) === 401)
}

t.test('signs in and out whatever other clients have set, and leaves their settings', async (t) => {
  await database.psql('create schema trap')
  await database.psql('create table trap.session (like global_logout.session)')
  const set = Object.entries(HOSTILE).map(([name, value]) =>
    name === 'search_path' ? `set search_path = ${value}` : `set ${name} = '${value}'`,
  )
  await everywhere(set.join('; '))
  const before = await everywhere(LEFT)
  const service = await startService({ database, env: behind })
  await livesThrough(t, service)
  t.same(await everywhere(LEFT), before, 'left as they were')
  t.equal(before[0]?.search_path, 'trap, public')
})

t.test('answers from the cache under a lease, until a logout has answered', async (t) => {
  const service = await startService({ database, env: { ...behind, CHECK_MODE: 'leased' } })
  await service.answersFromMemory()
  await livesThrough(t, service)
  const [phone, laptop] = [await service.signIn('ada'), await service.signIn('ada')]
  for (const hits = service.hits(); service.hits() === hits; ) t.equal(await service.check(phone.token), 200)
  t.equal((await service.as(laptop.token, '/api/logout', json({ scope: 'global' }))).status, 200)
  t.equal(await service.check(phone.token), 401)
})

t.test('sets its limits and formats in each transaction', async (t) => {
  const pooled = openDatabase(pgbouncer.url, { pooled: true, deadlineMs: 1234 })
  t.teardown(pooled.close)
  const settings = [
    'search_path',
    'statement_timeout',
    'lock_timeout',
    'row_security',
    'transaction_isolation',
  ]
  const text = `select ${settings.map((name) => `current_setting('${name}')`)}`
  const ours = ['pg_catalog, pg_temp', '1234ms', '1234ms', 'off', 'read committed']
  for (let i = 0; i < SERVER_CONNECTIONS; i++) {
    t.same(await pooled.query({ name: 'settings', text, values: [] }), [ours])
    const { rows } = await pooled.run((db) => db.execute(text))
    t.equal((rows[0] as { current_setting: string }).current_setting, 'read committed')
    await pooled.transaction(async (tx) => {
      const { rows } = await tx.execute(
        `select current_setting('synchronous_commit') as commit, ${text.slice(7)}`,
      )
      t.match(rows[0], { commit: 'on', current_setting: 'read committed' })
    })
  }
  await t.rejects(
    pooled.run((db) => db.transaction(async () => {})),
    { cause: { message: /needs a transaction/ } },
    'statements of `run` have a transaction each',
  )
})

t.test('a server process whose triggers do not run gets no answer, and no change', async (t) => {
  const service = await startService({ database, env: behind })
  const { token } = await service.signIn('ben')
  await everywhere('set session_replication_role = replica')
  for (let i = 0; i < SERVER_CONNECTIONS; i++) {
    t.equal(await service.check(token), 503)
    t.equal((await service.as(token, '/api/logout', json({ scope: 'global' }))).status, 503)
  }
  t.match(await (await service.http('/readyz')).json(), { detail: /session_replication_role is replica/ })
  await everywhere('set session_replication_role = origin')
  t.equal(await service.check(token), 200, 'still signed in')
})

t.test('a read-only server behind the pooler gets no answer', async (t) => {
  const service = await startService({ database, env: behind })
  const { token } = await service.signIn('cy')
  await everywhere('set default_transaction_read_only = on')
  for (let i = 0; i < SERVER_CONNECTIONS; i++) t.equal(await service.check(token), 503)
  t.equal((await service.as(token, '/api/logout', json({ scope: 'global' }))).status, 503)
  await everywhere('set default_transaction_read_only = off')
  t.equal(await service.check(token), 200, 'still signed in')
})

t.test('colliding statement names in the pooler cause 503, never 500 or 401', async (t) => {
  // As if the pooler had not been recognised.
  const service = await startService({ database, env: { DATABASE_URL: pgbouncer.url } })
  const direct = await startService({ database })
  const { token } = await direct.signIn('dee')
  const { headers } = await direct.keyFor('events')
  const statuses = new Set<number>()
  await waitFor('statements to meet', async () => {
    const all = Array.from({ length: 8 }, () => [
      service.check(token),
      service.as(token, '/api/sessions').then(({ status }) => status),
      service.http('/events', { headers }).then(({ status }) => status),
    ])
    for (const status of await Promise.all(all.flat())) statuses.add(status)
    return statuses.has(503)
  })
  t.same(
    [...statuses].filter((status) => ![200, 503].includes(status)),
    [401].filter(() => false),
  )
})

t.test('both errors of named statements are 503', async (t) => {
  /** Runs a named statement several times on one new connection. @returns whether this error came. */
  const meets = async (state: string, name: string, times: number) => {
    const named = openDatabase(pgbouncer.url, { max: 1 })
    const statuses: number[] = []
    for (let each = 0; each < times; each++)
      await named.query({ name, text: 'select 1', values: [] }).catch((error: Problem) => {
        if (sqlState(error.cause) === state) statuses.push(error.status)
      })
    await named.close()
    return statuses.length > 0 && t.same([...new Set(statuses)], [503])
  }
  // The next server connection in turn does not have it.
  await waitFor('no such statement', () => meets('26000', crypto.randomUUID(), SERVER_CONNECTIONS))
  await waitFor('a statement that exists', () => meets('42P05', 'one', 1))
})

t.test('a check that waits for a lock ends at its limit, and so does its statement', async (t) => {
  const service = await startService({ database, env: behind })
  const { token } = await service.signIn('eve')
  await everywhere('set lock_timeout = 0; set statement_timeout = 0')
  const holder = await hold(database, 'lock table session in access exclusive mode')
  t.equal(await service.check(token), 503)
  await waitFor('the end of the statement', async () => {
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%check_tokens%'`
    return (await database.psql(waiting)).length === 0
  })
  await holder.end()
  t.equal(await service.check(token), 200)
})

t.test('when PostgreSQL stops behind the pooler, checks get 503, and recover by themselves', async (t) => {
  const server = await ownServer()
  const between = await startPgbouncer(server.url)
  const own = openTestDatabase(server.url)
  const env = { DATABASE_URL: between.url, DATABASE_DIRECT_URL: server.url }
  const service = await startService({ database: own, env })
  const { token } = await service.signIn('ada')
  t.equal(await service.check(token), 200)
  await server.stop()
  for (let i = 0; i < 3; i++) {
    t.equal(await service.check(token), 503)
    t.equal((await service.as(token, '/api/logout', json({ scope: 'global' }))).status, 503)
  }
  await server.start()
  await waitFor('a check that is decided', async () => (await service.check(token)) !== 503)
  t.equal(await service.check(token), 200)
  t.equal((await service.as(token, '/api/logout', json({ scope: 'global' }))).status, 200)
  t.equal(await service.check(token), 401)
})

t.test('through the pooler, nothing is read or done on another server than that of the lease', async (t) => {
  const idBy = async (expression: string) =>
    (await database.psql<{ id: string }>(`select ${expression} as id`))[0]?.id ?? ''
  const id = await idBy(SERVER_ID)
  // Another cluster, a promoted standby, a restart.
  const others = [
    await idBy(
      SERVER_ID.replace('pg_catalog.pg_control_system()', '(values (7)) as other (system_identifier)'),
    ),
    await idBy(
      SERVER_ID.replace('pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn())', "'0000000F'"),
    ),
    await idBy(SERVER_ID.replace('pg_catalog.pg_postmaster_start_time()', 'to_timestamp(1.5)')),
  ]
  t.equal(new Set([id, ...others]).size, 4)
  t.match(id, /^[0-9a-f]{64}$/, 'callers of leases learn nothing else about it')
  const met: string[] = []
  let server = id
  const fence = {
    get server() {
      return server
    },
    enter: async () => server,
    met: (other: string) => void met.push(other),
  }
  const pooled = openDatabase(pgbouncer.url, { pooled: true, fence })
  t.teardown(pooled.close)
  const calls = (n: string) => ({
    statement: () =>
      pooled.run((db) => db.execute(`insert into global_logout."user" (id) values ('run ${n}')`)),
    transaction: () =>
      pooled.transaction((tx) =>
        tx.execute(`insert into global_logout."user" (id) values ('transaction ${n}')`),
      ),
    query: () =>
      pooled.query({
        name: 'one',
        text: 'insert into global_logout."user" (id) values ($1) returning id',
        values: [`query ${n}`],
      }),
    'call of a function': () =>
      pooled.act({
        name: 'act',
        text: 'select xid from global_logout.log_in($1::text, $1::text, null, null, null, null, null, true, null)',
        values: [`act ${n}`],
      }),
  })
  for (const [n, other] of others.entries()) {
    server = other
    for (const [kind, call] of Object.entries(calls(`${n}`)))
      await t.rejects(async () => void (await call()), { name: 'Problem', status: 503 }, `${kind}: ${other}`)
  }
  t.same(await database.psql(`select id from "user" where id ~ '^(run|transaction|query|act) '`), [])
  t.same([...new Set(met)], [id], 'the fence hears which server it is')
  server = id
  for (const [kind, call] of Object.entries(calls('right'))) t.ok(await call(), kind)
  t.equal(
    (await database.psql(`select from "user" where id ~ '^(run|transaction|query|act) right'`)).length,
    4,
  )
})
