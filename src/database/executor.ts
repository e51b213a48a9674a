/** The executor of queries, for any driver. This module loads no driver, because the Auth.js adapter ships it. */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'

/** A connection, a transaction, or an application's own drizzle database. */
// biome-ignore lint/suspicious/noExplicitAny: the schema parameter is of no interest to an executor
export type Executor = PgDatabase<PgQueryResultHKT, any>

/** Makes the commit wait for the disk and for synchronous replicas, unless the default is at least as strict. */
export async function requireDurableCommit(tx: Executor): Promise<void> {
  await tx.execute(
    `select set_config('synchronous_commit', 'on', true)
      where current_setting('synchronous_commit') in ('off', 'local', 'remote_write')`,
  )
}
