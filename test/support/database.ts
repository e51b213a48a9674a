/** Creates a database for a test file, cloned from the migrated template. It is kept if a test fails. */
import pg from 'pg'
import t from 'tap'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { admin, CLIENT, databaseUrl } from './server.ts'

export interface TestDatabase extends Database {
  url: string
  /** Runs one query on its own, like psql: its settings do not affect the next one. */
  psql<Row extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>
}

let made = 0

/**
 * Clones the template and opens it. Closed, and dropped unless a test failed, when the file ends.
 * @param options.dump SQL that fills an empty database, instead of the template.
 */
export async function testDatabase({ max = 10, dump = '' } = {}): Promise<TestDatabase> {
  const serverUrl = process.env.TEST_SERVER_URL
  const template = process.env.TEST_TEMPLATE
  if (!serverUrl || !template)
    throw new Error('Run the tests with "npm test", or "npm test -- FILE" for one file.')
  const name = `gl_test_${process.pid}_${++made}`
  await admin(serverUrl, (client) =>
    client.query(`create database ${name} template ${dump ? 'template0' : template} strategy file_copy`),
  )
  const url = databaseUrl(serverUrl, name)
  if (dump) await admin(url, (client) => client.query(dump))
  // Teardown runs in reverse order: the connections close before the drop.
  t.teardown(async () => {
    if (t.passing()) await admin(serverUrl, (client) => client.query(`drop database ${name} with (force)`))
    else t.comment(`kept, because a test failed: ${url}`)
  })
  return openTestDatabase(url, { max })
}

/** Opens an existing database. Closed when the test file ends. */
export function openTestDatabase(url: string, { max = 10 } = {}): TestDatabase {
  const database = openDatabase(url, { max })
  t.teardown(database.close)
  // Connections cost more than most queries of a test.
  const clients = new pg.Pool({ ...CLIENT, connectionString: url, max: 50, idleTimeoutMillis: 0 })
  clients.on('error', () => {})
  t.teardown(() => clients.end())
  return {
    ...database,
    url,
    async psql(sql, values) {
      const client = await clients.connect()
      let reusable = false
      try {
        const { rows } = await client.query(sql, values)
        // This fails in a transaction that was left open.
        reusable = await client.query('discard all').then(
          () => true,
          () => false,
        )
        return rows
      } finally {
        client.release(!reusable)
      }
    },
  }
}
