/** Connections to the server of the test databases. */
import pg from 'pg'
import { PATIENCE_MS } from './within.ts'

/** For the connections of tests, whose SQL names no schema. */
export const SEARCH_PATH = '-c search_path=global_logout,public'

export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}

/** For connections on which our tables need no schema before their names. */
export const CLIENT = {
  options: SEARCH_PATH,
  connectionTimeoutMillis: PATIENCE_MS,
  query_timeout: 2 * PATIENCE_MS,
} satisfies pg.ClientConfig

/** Runs `work` on such a connection of its own. */
export async function admin<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...CLIENT, connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
