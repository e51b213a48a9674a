/**
 * Takes over the sessions of a table of the application, in batches of a few pages, each a transaction of its own. Tokens are hashed
 * in the database and never leave it. The table is only read. Whether a session may be taken over is decided by `take_over()`
 * alone, as at its first use: what has ended never comes back. So an import can be interrupted, and run again.
 */
import { type SQL, sql } from 'drizzle-orm'
import { UsageError } from '../cli/common.ts'
import type { Database, Executor } from '../database/database.ts'
import { sqlState } from '../database/failures.ts'
import { fetchRows } from '../database/rows.ts'
import {
  type ApplicationTable,
  type Column,
  findColumn,
  findTable,
  ID_TYPES,
  TEXT_TYPES,
  TIME_TYPES,
} from './application-tables.ts'

export interface ImportSource {
  table: string
  token: string
  user: string
  expires: string
  users?: string
  id?: string
  email?: string
  name?: string
  image?: string
}

/** `taken` and `known` (taken over before) have a session now. All others have none, for the reason that is named. */
const OUTCOMES = [
  'taken',
  'known',
  'expired',
  'ended',
  'locked',
  'signed_out',
  'no_user',
  'no_token',
] as const
export type Counts = Record<(typeof OUTCOMES)[number], number>

/** About 600 rows. The users of a batch cannot sign out until it commits: a fraction of a second. */
const PAGES = 8
/** Limit of one batch, in milliseconds. */
const BATCH_MS = 60_000
/** Serialization failure, deadlock, lock not available in time: another transaction works on the same users. */
const RETRIED = ['40001', '40P01', '55P03']
const TRIES = 10

/** As `hashToken()` in src/database/token-hash.ts. */
const hashed = (token: SQL) =>
  sql`pg_catalog.translate(pg_catalog.rtrim(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${token}, 'UTF8')), 'base64'), '='), '+/', '-_')`

/**
 * Functions keep the plans of their first call, when our tables may be empty and are read from end to end: 170 sessions a second
 * instead of thousands. Users are found by their index, too: a hash of the whole table for each batch would cost as much.
 * Before PostgreSQL 18, a plan without an index then seems so dear that each of its executions is compiled (JIT).
 */
const ALONG_INDEXES = `select pg_catalog.set_config(name, 'off', true)
  from pg_catalog.unnest('{enable_seqscan,enable_hashjoin,enable_mergejoin,jit}'::text[]) as name`

class DryRun extends Error {}

/**
 * Checks names and types.
 * @returns the query of one batch, and what of the users it does not take.
 * @throws UsageError naming the option that is wrong.
 */
export async function prepareImport(db: Executor, source: ImportSource) {
  const table = await findTable(db, 'table', source.table)
  const token = findColumn(table, 'token', source.token, TEXT_TYPES)
  const user = findColumn(table, 'user', source.user, ID_TYPES)
  const expires = findColumn(table, 'expires', source.expires, TIME_TYPES)
  const users = source.users === undefined ? null : await findUsers(db, source, user)
  const at = sql.raw(`s.${expires.quoted}${expires.type === TIME_TYPES[0] ? " at time zone 'utc'" : ''}`)
  const profile = users
    ? sql.raw(
        `pg_catalog.jsonb_build_object(${users.profile.map(([name, { quoted }]) => `'${name}', u.${quoted}::text`).join(', ')})`,
      )
    : sql.raw(`'{}'::jsonb`)
  const join = users
    ? sql.raw(`left join ${users.table.quoted} u on u.${users.id.quoted} = s.${user.quoted}`)
    : sql``
  const known = users ? sql.raw(`u.${users.id.quoted} is not null`) : sql`true`
  // In the order of users, so that two transactions with the same users do not wait for each other.
  const batch = (from: number) => sql`
    with source as materialized (
      select s.${sql.raw(token.quoted)}::text as token, s.${sql.raw(user.quoted)}::text as user_id, ${at} as expires,
        ${profile} as profile, ${known} as known
      from ${sql.raw(table.quoted)} s ${join}
      where s.ctid >= ${`(${from},0)`}::tid and s.ctid < ${`(${from + PAGES},0)`}::tid
      order by 2
    ), done as materialized (
      select case
        when token is null or token = '' then 'no_token'
        when user_id is null or not known then 'no_user'
        when (expires > statement_timestamp()) is not true then 'expired'
        else (global_logout.take_over(${hashed(sql`token`)}, user_id, expires, profile)).outcome end as outcome
      from source
    )
    select outcome, pg_catalog.count(*)::int as count from done group by outcome`
  return { table, batch, omitted: users?.omitted ?? [] }
}

/** The table of users, its columns for the mirror, and what it has none for. */
async function findUsers(db: Executor, source: ImportSource, user: Column) {
  const table = await findTable(db, 'users', source.users ?? '')
  const id = findColumn(table, 'id', source.id ?? 'id', ID_TYPES)
  if (familyOf(id) !== familyOf(user))
    throw new UsageError(
      `--id: "${id.name}" of ${table.quoted} is of type ${id.type}, and "${user.name}" of the sessions is of type ${user.type}.`,
    )
  if (!id.unique) throw new UsageError(`--id: "${id.name}" of ${table.quoted} is not unique.`)
  const profile: [string, Column][] = []
  const omitted: string[] = []
  for (const role of ['name', 'email', 'image'] as const) {
    const given = source[role]
    const usual = table.columns.find(({ name }) => name === role)
    if (given !== undefined) profile.push([role, findColumn(table, role, given, TEXT_TYPES)])
    else if (!usual) omitted.push(`${role} (no such column)`)
    else if ((TEXT_TYPES as readonly string[]).includes(usual.type)) profile.push([role, usual])
    else omitted.push(`${role} (of type ${usual.type})`)
  }
  return { table, id, profile, omitted }
}

/** Types of one family compare along an index. */
function familyOf({ type }: Column): string {
  if (/int|serial/.test(type)) return 'integer'
  return type === 'uuid' ? 'uuid' : 'text'
}

export interface ImportOptions {
  dryRun: boolean
  /** Called after each batch. */
  onProgress(progress: { page: number; pages: number; counts: Counts }): void
  /** Stops after the batch that runs. */
  signal: AbortSignal
}

/** @returns the counts, and whether the whole table was read. */
export async function importAll(
  database: Database,
  { table, batch }: Awaited<ReturnType<typeof prepareImport>>,
  { dryRun, onProgress, signal }: ImportOptions,
): Promise<{ counts: Counts; complete: boolean }> {
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Counts
  let pages = 0
  for (let page = 0; ; page += PAGES) {
    // Read again at the end: the table may have grown.
    if (page >= pages) pages = await database.run((db) => pagesOf(db, table))
    onProgress({ page: Math.min(page, pages), pages, counts })
    if (page >= pages) return { counts, complete: true }
    if (signal.aborted) return { counts, complete: false }
    for (const { outcome, count } of await runBatch(database, batch(page), dryRun)) counts[outcome] += count
  }
}

async function runBatch(database: Database, query: SQL, dryRun: boolean) {
  for (let tries = 1; ; tries++) {
    let done: { outcome: keyof Counts; count: number }[] = []
    try {
      await database.transaction(async (tx) => {
        await tx.extend(BATCH_MS)
        await tx.execute(ALONG_INDEXES)
        done = await fetchRows(tx, query)
        if (dryRun) throw new DryRun()
      })
      return done
    } catch (error) {
      if (error instanceof DryRun) return done
      const cause = error instanceof Error && error.cause ? error.cause : error
      if (tries === TRIES || !RETRIED.includes(sqlState(cause) ?? '')) throw error
    }
  }
}

async function pagesOf(db: Executor, { id }: ApplicationTable): Promise<number> {
  const [size] = await fetchRows<{ pages: number }>(
    db,
    sql`select (pg_catalog.pg_relation_size(${id}::oid) / pg_catalog.current_setting('block_size')::bigint)::int as pages`,
  )
  return size?.pages ?? 0
}
