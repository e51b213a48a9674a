/** An application on the same database: with a pool of its own, or in the middle of a transaction. */
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import t from 'tap'

/**
 * A drizzle database without any setting of this service.
 * @param options server settings of its connections, e.g. `-c default_transaction_isolation=serializable`
 */
export function applicationDatabase({ url }: { url: string }, options = '') {
  const pool = new pg.Pool({ connectionString: url, max: 10, options })
  t.teardown(() => pool.end())
  return drizzle(pool)
}

/** A transaction that the test holds open. */
export async function openTransaction({ url }: { url: string }) {
  const [client, observer] = [1, 2].map(() => new pg.Client({ connectionString: url })) as [
    pg.Client,
    pg.Client,
  ]
  await Promise.all([client.connect(), observer.connect()])
  await client.query('begin isolation level read committed')
  const { rows } = await client.query('select pg_backend_pid() as pid')
  const waiting = () =>
    observer.query('select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))', [rows[0].pid])
  return {
    query: (sql: string, values: unknown[] = []) => client.query(sql, values),
    /** Returns when a statement waits for this transaction. */
    async keepsSomebodyWaiting() {
      while ((await waiting()).rowCount === 0) await new Promise((turn) => setImmediate(turn))
    },
    async commit() {
      await client.query('commit')
      await Promise.all([client.end(), observer.end()])
    },
  }
}
