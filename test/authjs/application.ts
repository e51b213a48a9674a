/**
 * An application on the same database: drizzle databases by driver, and a transaction that the test holds
 * open.
 */
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres'
import { drizzle as postgresJs } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import type { Executor } from '../../src/database/database.ts'
import { SEARCH_PATH } from '../support/server.ts'
import { waitFor } from '../support/within.ts'

/** Drizzle databases without any setting for this service, by driver. Closed when the test file ends. */
export const DRIVERS = {
  'a pool of node-postgres': (url: string, options: string): Executor => {
    const pool = new pg.Pool({ connectionString: url, max: 10, options })
    pool.on('error', () => {})
    t.teardown(() => pool.end())
    return nodePostgres(pool)
  },
  'one client of node-postgres': (url: string, options: string): Executor => {
    const client = new pg.Client({ connectionString: url, options })
    client.on('error', () => {})
    // Queries wait for the connection. If it fails, node-postgres keeps them waiting until the client is
    // ended.
    client.connect().catch(() => client.end())
    t.teardown(() => client.end())
    return nodePostgres(client)
  },
  'postgres-js': (url: string, options: string): Executor => {
    const client = postgres(url, { max: 10, connection: { options }, onnotice: () => {} })
    t.teardown(() => client.end())
    return postgresJs(client)
  },
}
/**
 * The application's drizzle database, on a pool of node-postgres.
 * @param options server settings of its connections, e.g. `-c default_transaction_isolation=serializable`
 */
export function applicationDatabase({ url }: { url: string }, options = ''): Executor {
  return DRIVERS['a pool of node-postgres'](url, options)
}

/** A transaction that the test holds open. */
export async function openTransaction({ url }: { url: string }) {
  const [client, observer] = [1, 2].map(
    () => new pg.Client({ connectionString: url, options: SEARCH_PATH }),
  ) as [pg.Client, pg.Client]
  await Promise.all([client.connect(), observer.connect()])
  await client.query('begin isolation level read committed')
  const { rows } = await client.query('select pg_backend_pid() as pid')
  const waiting = () =>
    observer.query('select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))', [rows[0].pid])
  return {
    query: (sql: string, values: unknown[] = []) => client.query(sql, values),
    /** Resolves once a statement waits for this transaction. */
    async blocksAStatement() {
      await waitFor(
        'a statement that waits for this transaction',
        async () => (await waiting()).rowCount !== 0,
      )
    },
    async commit() {
      await client.query('commit')
      await Promise.all([client.end(), observer.end()])
    },
  }
}
