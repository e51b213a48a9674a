/** A transaction that stays open until the test ends it, without the time limit of the service's own transactions. */
import pg from 'pg'
import t from 'tap'
import { SEARCH_PATH } from './server.ts'

/** Begins one and runs a statement in it; rolled back when the test file ends. */
export async function hold({ url }: { url: string }, sql: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: url, options: SEARCH_PATH })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.end())
  await client.query('begin')
  await client.query(sql, values)
  return {
    query: (sql: string, values: unknown[] = []) => client.query(sql, values),
    async end(how: 'commit' | 'rollback' = 'rollback'): Promise<void> {
      await client.query(how)
      await client.end()
    },
  }
}
