/**
 * Applies database migrations. Several instances may start at once: one locks the journal and migrates, the others wait and then
 * find nothing pending. With nothing pending, a role without the right to create tables is enough. Also settles a database that
 * was restored from the dump of another server.
 */
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { type Client, createConnector } from './connection.ts'
import type { Executor } from './database.ts'
import { sqlState } from './failures.ts'
import { fetchRows } from './rows.ts'

const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url))
/** Which migrations ran. In our schema: an application on drizzle-kit has a journal of its own in the same database. */
const JOURNAL = 'global_logout.migration'
const migrations = readMigrationFiles({ migrationsFolder })
/**
 * Also finds a table in a schema without our journal: it is not ours, and `drop schema … cascade` would
 * remove it.
 */
const SCHEMA_FOUND = `select nspowner::regrole::text as owner, r.oid = nspowner or (not r.rolsuper and pg_catalog.pg_has_role(nspowner, 'usage'::text)) as ours,
    case when pg_catalog.to_regclass('${JOURNAL}') is null then
      (select relname::text from pg_class where relnamespace = n.oid order by oid limit 1) end as stranger
  from pg_namespace n, pg_roles r where n.oid = to_regnamespace('global_logout')::oid and r.rolname = current_user`
/** Errors when two instances create the journal at once: unique_violation, duplicate_schema, duplicate_table, duplicate_object (its row type). */
const CONCURRENT_CREATION = ['23505', '42P06', '42P07', '42710']

/** Longest wait for a connection, in milliseconds. */
const CONNECT_MS = 5_000
const NO_TIMEOUTS = { statementMs: 0, lockMs: 0, idleInTransactionMs: 0 }

/**
 * Applies pending migrations.
 * @param onRestored called after a database from another server was settled.
 * @returns how many migrations this call applied.
 */
export async function migrate(url: string, onRestored: () => void = () => {}): Promise<number> {
  return connected(url, async (client) => {
    const applied = await applyPending(drizzle(client))
    const { rows } = await client.query<{ settled: boolean }>(
      'select global_logout.settle_restored() as settled',
    )
    if (rows[0]?.settled) onRestored()
    return applied
  })
}

/** Makes the index for the search by any part of a name, where it can be made at once. Only the owner of the tables may. */
export async function indexUsers(url: string): Promise<void> {
  await connected(url, async (client) => {
    const { rows } = await client.query<{ may: boolean }>(
      `select pg_catalog.has_function_privilege('global_logout.index_users()', 'execute') as may`,
    )
    if (rows[0]?.may) await client.query('select global_logout.index_users()')
  })
}

/** Runs `work` on a connection without time limits. */
async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await createConnector(url, {
    name: 'global-logout migrate',
    connectMs: CONNECT_MS,
    timeouts: NO_TIMEOUTS,
  }).connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Not drizzle's own migrator: its transaction reads the journal before a lock could be taken. */
async function applyPending(db: NodePgDatabase): Promise<number> {
  if ((await pendingMigrations(db)) === 0) return 0
  await createJournal(db)
  return db.transaction(
    async (tx) => {
      // Locked before the journal is read, in a transaction whose statements see what was committed before them.
      await tx.execute(`lock table ${JOURNAL} in share row exclusive mode`)
      const pending = pendingAfter(await lastApplied(tx))
      for (const { sql: statements, hash, folderMillis } of pending) {
        for (const statement of statements) await tx.execute(statement)
        await tx.execute(
          sql`insert into ${sql.raw(JOURNAL)} (hash, created_at) values (${hash}, ${folderMillis})`,
        )
      }
      return pending.length
    },
    { isolationLevel: 'read committed' },
  )
}

/**
 * Creates our schema with the journal. A concurrent creation fails after a wait; the retry finds the journal.
 * @throws Error when the schema is not ours alone.
 */
async function createJournal(db: NodePgDatabase): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      // Looked for first: an owner who was given the schema may lack the right to create one, which "if not exists" takes.
      const [found] = await fetchRows<{ owner: string; ours: boolean; stranger: string | null }>(
        db,
        SCHEMA_FOUND,
      )
      if (!found) await db.execute('create schema global_logout')
      else requireOwnSchema(found)
      return void (await db.execute(
        `create table if not exists ${JOURNAL} (id serial primary key, hash text not null, created_at bigint)`,
      ))
    } catch (error) {
      if (tries === 10 || !CONCURRENT_CREATION.includes(sqlState(error) ?? '')) throw error
    }
  }
}

/** @throws Error when another role owns the schema and could change what is in it, or when it holds tables of others. */
function requireOwnSchema({
  owner,
  ours,
  stranger,
}: {
  owner: string
  ours: boolean
  stranger: string | null
}) {
  if (!ours)
    throw new Error(
      `the schema of DATABASE_SCHEMA belongs to ${owner}, who could change what is in it: migrate as that role, or name another schema.`,
    )
  if (stranger !== null)
    throw new Error(
      `the schema of DATABASE_SCHEMA holds "${stranger}", which is not of global-logout: name a schema that does not exist yet.`,
    )
}

const pendingAfter = (last: number) => migrations.filter(({ folderMillis }) => folderMillis > last)

async function lastApplied(db: Executor): Promise<number> {
  const [newest] = await fetchRows<{ last: string }>(
    db,
    `select coalesce(max(created_at), 0)::text as last from ${JOURNAL}`,
  )
  return Number(newest?.last ?? 0)
}

/** How many of this version's migrations the database lacks. */
export async function pendingMigrations(db: Executor): Promise<number> {
  try {
    return pendingAfter(await lastApplied(db)).length
  } catch (error) {
    const missing = ['42P01', '3F000'] // undefined table, undefined schema: no migration has run yet
    if (missing.includes(sqlState(error) ?? '')) return migrations.length
    throw error
  }
}
