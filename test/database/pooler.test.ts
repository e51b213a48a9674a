/**
 * Poolers in transaction mode: what `start` and `doctor` accept, refuse and report, without leaving settings
 * behind.
 */
import pg from 'pg'
import t from 'tap'
import { verifyForCommand, verifyUrls } from '../../src/database/pooler.ts'
import { run, runHere } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { ownServer } from '../support/own-server.ts'
import { noPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'

const { url } = await testDatabase()
const other = await testDatabase()

/** The exit code of `doctor`, and its finding on the pooler. */
async function doctorOf(env: Record<string, string>) {
  const doctor = runHere(['doctor', '--json'], { env })
  const code = await doctor.ended
  const findings = JSON.parse(doctor.stdout()) as { what: string }[]
  return { code, pooler: findings.find(({ what }) => what === 'pooler') }
}

t.test('a direct connection to PostgreSQL is accepted', async () => {
  await verifyUrls({ url })
  await verifyUrls({ url, directUrl: url })
})

t.test('PgBouncer', { skip: noPgbouncer }, async (t) => {
  const pgbouncer = await startPgbouncer(url, { default_pool_size: '2', min_pool_size: '2' })

  /** What another client of the pooler finds in each of its server connections. */
  async function left(): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: pgbouncer.url })
    await client.connect()
    const found: unknown[] = []
    for (let i = 0; i < 4; i++)
      found.push(
        ...(
          await client.query(
            `select current_setting('search_path') as path, current_setting('statement_timeout') as ms, current_setting('row_security') as rls`,
          )
        ).rows,
      )
    await client.end()
    return found
  }
  const before = await left()

  t.test('alone is refused, and other clients keep their settings', async (t) => {
    const env = { DATABASE_URL: pgbouncer.url }
    const message = /is a pooler in transaction mode.*Set DATABASE_DIRECT_URL/
    // LISTEN and incidents need a session as leases do: no mode makes up for it.
    for (const more of [{}, { CHECK_MODE: 'database' }]) {
      const started = run(['start'], { env: { ...env, ...more } })
      t.equal(await started.ended, 1)
      t.match(started.output(), message)
    }
    t.same(await left(), before)
    t.match(await doctorOf(env), { code: 1, pooler: { level: 'problem', detail: message } })
    t.same(await left(), before)
  })

  t.test('is accepted with a direct connection, and other clients keep their settings', async (t) => {
    const env = { DATABASE_URL: pgbouncer.url, DATABASE_DIRECT_URL: url }
    const detail = 'any at DATABASE_URL; DATABASE_DIRECT_URL leads past it to the same database'
    t.match(await doctorOf(env), { pooler: { level: 'ok', detail } })
    t.same(await left(), before)
  })

  t.test('is refused by a command, too', async (t) => {
    const command = runHere(['sweep'], { env: { DATABASE_URL: pgbouncer.url } })
    t.equal(await command.ended, 1)
    t.match(command.output(), /is a pooler in transaction mode.*Set DATABASE_DIRECT_URL/)
    t.same(await left(), before)
    const past = runHere(['sweep'], { env: { DATABASE_URL: pgbouncer.url, DATABASE_DIRECT_URL: url } })
    t.equal(await past.ended, 0, past.output())
  })

  t.test('is refused with a single server connection, too', async (t) => {
    const single = await startPgbouncer(url, { default_pool_size: '1', min_pool_size: '1' })
    await t.rejects(verifyUrls({ url: single.url }), { message: /is a pooler in transaction mode/ })
  })

  t.test('is accepted in session mode', async () => {
    const inSession = await startPgbouncer(url, { pool_mode: 'session' })
    await verifyUrls({ url: inSession.url })
    await verifyForCommand({ url: inSession.url })
  })

  t.test('is refused as its own direct connection', async (t) => {
    await t.rejects(verifyUrls({ url: pgbouncer.url, directUrl: pgbouncer.url }), {
      message: /is a pooler in transaction mode.*DATABASE_DIRECT_URL must lead to PostgreSQL itself/,
    })
  })

  t.test('is refused with a direct connection to another database of the server', async (t) => {
    await t.rejects(verifyUrls({ url: pgbouncer.url, directUrl: other.url }), {
      message: /is not where DATABASE_URL leads: its database is gl_test_\w+, not gl_test_\w+/,
    })
  })

  t.test('is refused with a direct connection to another server', async (t) => {
    const { url: elsewhere } = await ownServer()
    await t.rejects(verifyUrls({ url: pgbouncer.url, directUrl: elsewhere }), {
      message: /is not where DATABASE_URL leads: its system identifier is another/,
    })
  })
})
