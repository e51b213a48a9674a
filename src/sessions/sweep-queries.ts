/**
 * The queries of the sweep. It reads the table of sessions by ranges of pages (TID range scans), because no index finds the sessions
 * that are over: idleness counts from `lastSeenAt`, and with an index on that column no activity update would stay heap-only.
 */
import { eq, sql } from 'drizzle-orm'
import type { Executor } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import { job } from '../database/schema.ts'
import { session } from './schema.ts'
import { isValid } from './validity.ts'

/** Pages of one transaction. */
export const PAGES_PER_STEP = 500

/** Seconds in which the whole table is read once. Below a day, which is the promise: the table may grow by 40 % meanwhile. */
const PASS_SECONDS = 20 * 3_600
/** Pages a second that are read at least: 8 MB a minute. Tables below 9 GB are read more often than once in a pass. */
const MIN_PAGES_PER_SECOND = 1_000 / 60

const tablePages = sql<number>`pg_catalog.pg_relation_size('global_logout.session'::regclass)
  / pg_catalog.current_setting('block_size')::bigint`.mapWith(Number)

/** The size of the table of sessions, in pages. */
export async function countSessionPages(tx: Executor): Promise<number> {
  const [size] = await tx.select({ pages: tablePages }).from(job).where(eq(job.name, 'sweep'))
  return size?.pages ?? 0
}

/** Deletes ended sessions in `pages` pages from `firstPage` on, and skips locked rows. @returns the number of deleted rows. */
export async function sweepPages(tx: Executor, firstPage: number, pages: number): Promise<number> {
  const from = `(${firstPage},0)`
  const to = `(${firstPage + pages},0)`
  const ended = sql`select ctid from ${session} where ctid >= ${from}::tid and ctid < ${to}::tid
    and not ${isValid} for update skip locked`
  // An array, because only `ctid = any (array)` guarantees a TID scan.
  const deleting = sql`delete from ${session} where ctid = any (array(${ended})) returning 1`
  const [step] = await fetchRows<{ deleted: number }>(
    tx,
    sql`with deleted as (${deleting}) select count(*)::integer as deleted from deleted`,
  )
  return step?.deleted ?? 0
}

/** The number of pages to read after `seconds` in a table of `total` pages: at most all of them, as after a long pause. */
export function pagesDue(seconds: number, total: number): number {
  // The clock of the database was set back: it is not known for how long.
  if (seconds < 0) return total
  return Math.min(total, seconds * pagesPerSecond(total))
}

const pagesPerSecond = (total: number): number => Math.max(total / PASS_SECONDS, MIN_PAGES_PER_SECOND)

/**
 * One step of the pages that are due by now, however many processes take turns. To be called under the claim of the job.
 * @returns the number of deleted rows, and whether another full step is due.
 */
export async function sweepDuePages(tx: Executor): Promise<{ deleted: number; more: boolean }> {
  const seconds = sql<number>`extract(epoch from now() - ${job.doneUntil})::float8`
  const [state] = await tx
    .select({ page: job.page, seconds, total: tablePages })
    .from(job)
    .where(eq(job.name, 'sweep'))
  const due = state ? pagesDue(state.seconds, state.total) : 0
  if (!state || due < 1) return { deleted: 0, more: false }
  const page = state.page < state.total ? state.page : 0
  const pages = Math.min(Math.floor(due), PAGES_PER_STEP, state.total - page)
  const deleted = await sweepPages(tx, page, pages)
  const left = due - pages
  await tx
    .update(job)
    .set({
      page: page + pages,
      doneUntil: sql`now() - pg_catalog.make_interval(secs => ${left / pagesPerSecond(state.total)}::double precision)`,
    })
    .where(eq(job.name, 'sweep'))
  return { deleted, more: left >= PAGES_PER_STEP }
}
