/**
 * PGlite is a PostgreSQL inside one process, which no other process can reach. So the service's own checkers
 * run next to the application, in both modes, with the queries that they send to a server.
 */
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { drizzle, type PgliteDatabase } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import t from 'tap'
import { createChecking } from '../../src/check/start.ts'
import type { Database } from '../../src/database/database.ts'
import { createLogger } from '../../src/observability/log.ts'
import { waitFor } from '../support/within.ts'

export async function startPglite() {
  const client = new PGlite()
  const db = drizzle(client)
  const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url))
  await migrate(db, { migrationsFolder, migrationsSchema: 'global_logout', migrationsTable: 'migration' })

  t.teardown(() => client.close())
  return {
    db,
    psql: async <Row>(sql: string, values: unknown[] = []) => (await client.query<Row>(sql, values)).rows,
    /** Runs several statements. */
    exec: (sql: string) => client.exec(sql),
    startCheckers: () => startCheckers(client, db),
  }
}

/** Checkers in both modes; the second answers from its cache. */
async function startCheckers(client: PGlite, db: PgliteDatabase) {
  /** The part of `openDatabase` that checkers use. */
  const database = {
    run: (work: (on: typeof db) => unknown) => work(db),
    transaction: (work: (tx: unknown) => Promise<unknown>) => db.transaction(work),
    query: async ({ text, values }: { text: string; values: unknown[] }) =>
      (await client.query(text, values, { rowMode: 'array' })).rows,
    tryOtherHost() {},
  } as unknown as Database
  // Notifications are only hints: instances poll without them.
  const listener = { subscribe: () => ({ close: async () => {} }) }
  const databases = { checks: database, lease: database, listener }
  const checkers = (['database', 'leased'] as const).map((checkMode) =>
    createChecking({ checkMode, checkCache: 1_000 }, databases, { record() {} }, createLogger('silent')),
  )
  const started = checkers.map((checking) => checking.start())
  t.teardown(async () => {
    for (const checker of started) await checker.close()
  })
  await waitFor('a lease', () => checkers[1]?.leased?.holdsLease())
  return checkers
}
