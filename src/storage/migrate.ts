/**
 * Brings the database to the shape this version needs. Several instances may start at once: an advisory lock
 * lets one migrate while the others wait, then find nothing to do. A role without the right to create tables
 * is enough when nothing is pending. A database that was dumped on another server is settled in this one.
 */
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'
import type { Executor } from './database.ts'
import { sqlState } from './failures.ts'
import { fetchRows } from './rows.ts'

const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url))
/** A journal of our own: an application on drizzle-kit keeps its own in `__drizzle_migrations` of the same database. */
const migrationsTable = '__global_logout_migrations'
const migrations = readMigrationFiles({ migrationsFolder })
/** Any constant that no other program on the same database picks. */
const MIGRATION_LOCK = 7_161_970_001n

/** Longest wait for a connection, in milliseconds. */
const CONNECT_MS = 5_000

/**
 * Applies what is pending.
 * @param onRestored is called when the database came from another server, and is settled now.
 * @returns how many migrations it applied itself.
 */
export async function migrate(url: string, onRestored: () => void = () => {}): Promise<number> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'global-logout migrate',
    connectionTimeoutMillis: CONNECT_MS,
  })
  client.on('error', () => {})
  await client.connect()
  try {
    const db = drizzle(client)
    const applied = await applyPending(client, db)
    const { rows } = await client.query<{ settled: boolean }>('select settle_restored() as settled')
    if (rows[0]?.settled) onRestored()
    return applied
  } finally {
    await client.end()
  }
}

async function applyPending(client: pg.Client, db: NodePgDatabase): Promise<number> {
  if ((await pendingMigrations(db)) === 0) return 0
  await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
  const pending = await pendingMigrations(db)
  await applyMigrations(db, { migrationsFolder, migrationsTable })
  return pending
}

/** How many of this version's migrations the database lacks. */
export async function pendingMigrations(db: Executor): Promise<number> {
  try {
    const [newest] = await fetchRows<{ last: string }>(
      db,
      `select coalesce(max(created_at), 0)::text as last from drizzle.${migrationsTable}`,
    )
    const last = Number(newest?.last ?? 0)
    return migrations.filter(({ folderMillis }) => folderMillis > last).length
  } catch (error) {
    const missing = ['42P01', '3F000'] // undefined table, undefined schema: no migration has run yet
    if (missing.includes(sqlState(error) ?? '')) return migrations.length
    throw error
  }
}
