/** The Drizzle adapter of Auth.js with sessions of global-logout in the same database. */
import type { Adapter } from '@auth/core/adapters'
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { createDatabaseSessions } from '@global-logout/postgres'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { type GlobalLogoutOptions, withGlobalLogout } from './adapter.ts'

// biome-ignore lint/suspicious/noExplicitAny: any schema
type Database = PgDatabase<PgQueryResultHKT, any>
type Tables = Parameters<typeof DrizzleAdapter<Database>>[1]

export interface DrizzleOptions extends GlobalLogoutOptions {
  /** The service's DATABASE_SCHEMA: `global_logout` by default. */
  schema?: string
  /** Limit of each act in milliseconds, 2000 by default. */
  timeoutMs?: number
}

/**
 * `withGlobalLogout(DrizzleAdapter(db, tables), createDatabaseSessions({ db }))` in one call.
 * @param db a drizzle database of any PostgreSQL driver with transactions; of one with replicas, the primary is used.
 * @param tables the application's own tables of users and accounts, as for `DrizzleAdapter`.
 * @throws TypeError when the driver has no transactions.
 */
export function GlobalLogoutAdapter(
  db: Database & { $primary?: Database },
  tables?: Tables,
  { schema, timeoutMs, ...options }: DrizzleOptions = {},
): Adapter {
  const primary = db.$primary ?? db
  const sessions = createDatabaseSessions({
    db: primary,
    ...(schema !== undefined && { schema }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  })
  return withGlobalLogout(DrizzleAdapter(primary, tables), sessions, options)
}
