/** A database login without our roles cannot block the service, whatever locks it takes. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { migrate } from '../../src/database/migrate.ts'
import { sweep } from '../../src/sessions/sweeper.ts'
import { carryOut } from '../../src/staff/incidents/runner.ts'
import { addSessions, begin } from '../support/incidents.ts'
import { MIGRATIONS } from '../support/migrations.ts'
import { admin, databaseUrl, SEARCH_PATH } from '../support/server.ts'
import { json, startService } from '../support/service.ts'

const service = await startService({ except: ['sweeper'] })
const { database, incidents, barrier } = service
const NAMES = ['stranger', 'application', 'checker'] as const
/** How long each step of the service may take; unblocked it takes a moment. */
const PATIENCE_MS = 20_000
/** The advisory locks that any version has taken (migrations, sweep, the demo's folder, replays), and some more. */
const LOCKS = Array.from({ length: 20 }, (_, i) => String(7_161_970_000n + BigInt(i)))

const password = randomBytes(12).toString('hex')
const nameOf = (who: string) => `gl_test_${who}_${process.pid}`
for (const who of NAMES) await database.psql(`create role ${nameOf(who)} login password '${password}'`)
await database.psql(`grant global_logout_checker to ${nameOf('checker')}`)
for (const who of NAMES) await database.psql(`grant usage on schema global_logout to ${nameOf(who)}`)
await database.psql(`grant select, insert, update, delete on "user", session to ${nameOf('application')}`)
await database.psql(`grant insert on operation to ${nameOf('application')}`)
await database.psql(`grant select on session_policy, instance to ${nameOf('application')}`)

const open = new Set<pg.Client>()
t.teardown(async () => {
  await Promise.all([...open].map((client) => client.end()))
  for (const who of NAMES) await database.psql(`drop owned by ${nameOf(who)}`)
  for (const who of NAMES) await database.psql(`drop role ${nameOf(who)}`)
})

async function connect(who: (typeof NAMES)[number], to = database.url) {
  const url = new URL(to)
  url.username = nameOf(who)
  url.password = password
  const client = new pg.Client({ connectionString: url.href, options: SEARCH_PATH })
  await client.connect()
  open.add(client)
  return client
}

/** Holds every advisory lock that the service might take, until the file ends. */
async function holdAll(client: pg.Client, incidentIds: string[] = []) {
  await client.query('select pg_advisory_lock(key) from unnest($1::bigint[]) as key', [LOCKS])
  await client.query(
    `select pg_advisory_lock(hashtextextended('global-logout incident ' || id, 0)) from unnest($1::text[]) as id`,
    [incidentIds],
  )
}

function inTime<T>(work: Promise<T>): Promise<T | 'never'> {
  const { promise, resolve } = Promise.withResolvers<'never'>()
  const timer = setTimeout(resolve, PATIENCE_MS, 'never')
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

t.test('while a foreign login holds every advisory lock', async (t) => {
  const ada = await service.addUser()
  await addSessions(service, 'leak', { users: 3, each: 4 })
  const id = await begin(service, { userAgent: 'leak' })
  const stranger = await connect('stranger')
  await holdAll(stranger, [id])

  await t.test('the reuse of a revoked token is recorded', async (t) => {
    const { token } = await service.signIn(ada)
    await service.as(token, '/api/logout', json({}))
    t.equal(await service.check(token), 401)
    await service.replays.flush()
    t.match(await database.psql('select count from replay where user_id = $1', [ada]), [{ count: 1 }])
  })

  await t.test('expired sessions are swept', async (t) => {
    const expired = await service.signIn(ada)
    await database.psql(`update session set expires = now() - interval '1 day' where id = $1`, [expired.id])
    t.equal(await sweep(database), 1)
  })

  await t.test('an incident is executed', async (t) => {
    t.ok(await carryOut(database, barrier, id, { signal: AbortSignal.timeout(PATIENCE_MS) }))
    t.match(await incidents.get(id), { state: 'done', ended: 12 })
  })

  await t.test('a new version migrates its database', async (t) => {
    const name = `gl_test_${process.pid}_hostile`
    const server = process.env.TEST_SERVER_URL ?? ''
    await admin(server, (client) => client.query(`create database ${name}`))
    const url = databaseUrl(server, name)
    t.teardown(() => admin(server, (client) => client.query(`drop database ${name} with (force)`)))
    const there = await connect('stranger', url)
    there.on('error', () => open.delete(there))
    await holdAll(there)
    const started = await inTime(Promise.all([migrate(url), migrate(url), migrate(url)]))
    t.same(started !== 'never' && started.sort(), [0, 0, MIGRATIONS], 'one of three concurrent migrations')
    await there.end()
    open.delete(there)
  })

  t.same(
    await database.psql(`select from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and datname = current_database() and usename not like 'gl_test_stranger%'`),
    [],
    'the service itself holds none',
  )
})

t.test('no other login can hold a lock that the service waits for', async (t) => {
  const tables = [
    'global_logout.job',
    'global_logout.incident_runner',
    'global_logout.incident',
    'global_logout.incident_planned',
  ]
  for (const who of NAMES) {
    const client = await connect(who)
    for (const table of [...tables, 'global_logout.migration']) {
      for (const mode of ['access share', 'row share', 'exclusive', 'access exclusive']) {
        await client.query('begin')
        const locking = client.query(`lock table ${table} in ${mode} mode nowait`)
        await t.rejects(locking, { code: '42501' }, `${who}: ${mode} on ${table}`)
        await client.query('rollback')
      }
      for (const strength of ['update', 'share', 'key share'])
        await t.rejects(client.query(`select from ${table} for ${strength} nowait`), { code: '42501' })
    }
  }
})
