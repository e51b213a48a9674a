/** Tells "no session" from "no session that the application's database role may see". */
import { sql } from 'drizzle-orm'
import { type Executor, fetchRows, Problem } from './service.ts'

/** What decides whether a session is found. */
const DECISIVE = ['public.session', 'public."user"', 'public.session_policy']

/**
 * For an application's connection, which keeps its own `row_security`: that found no session, or that asks for instances.
 * @throws Problem `unavailable` when a policy may have hidden rows of the tables.
 */
export async function demandSight(db: Executor, tables = DECISIVE): Promise<void> {
  const active = tables.map((table) => sql`pg_catalog.row_security_active(${table}::text)`)
  const query = sql`select ${sql.join(active, sql` or `)} as hidden`
  const [found] = await fetchRows<{ hidden: boolean }>(db, query)
  if (found?.hidden)
    throw new Problem(
      'unavailable',
      'Row level security may hide rows from the application: exempt its database role (bypassrls).',
    )
}
