/** Distinguishes "no session" from "no session visible to the application's database role". */
import { sql } from 'drizzle-orm'
import { type Executor, fetchRows, Problem } from './service.ts'

/** The tables that decide whether a session is found. */
const SESSION_TABLES = ['public.session', 'public."user"', 'public.session_policy']

/**
 * Call it when a query found no session, or before reading instances. An application's connection may set `row_security`.
 * @throws Problem `unavailable` when row level security may hide rows of the tables.
 */
export async function assertRowsVisible(db: Executor, tables = SESSION_TABLES): Promise<void> {
  const active = tables.map((table) => sql`pg_catalog.row_security_active(${table}::text)`)
  const query = sql`select ${sql.join(active, sql` or `)} as hidden`
  const [found] = await fetchRows<{ hidden: boolean }>(db, query)
  if (found?.hidden)
    throw new Problem(
      'unavailable',
      'Row level security may hide rows from the application: exempt its database role (bypassrls).',
    )
}
