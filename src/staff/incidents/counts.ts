/**
 * Counts the sessions that a selection matches, within seconds. What takes longer, or is too many to list, is estimated from a sample
 * of blocks, and says so: everyone, more than a million sessions, and what no index finds among many millions.
 */
import { and, type SQL, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { sqlState } from '../../database/failures.ts'
import { fetchRows } from '../../database/rows.ts'
import { session } from '../../sessions/schema.ts'
import { isValid } from '../../sessions/validity.ts'
import { createSample, type Estimate } from './sampling.ts'
import { type IncidentSample, incidentPlanned } from './schema.ts'
import { conditionsOf, isForEveryone, type Selection } from './selector-values.ts'

/** The sessions that a selection matches, in one snapshot. */
export interface Counted {
  sessions: number
  users: number
  /** How many of the sessions belong to staff. */
  staffSessions: number
  /** Whether sessions and users are estimated. */
  estimated: boolean
  /** The newest few; of an estimate, of those that it saw. */
  sample: IncidentSample[]
}

/** Sessions of a plan whose ids are stored at most. */
const MAX_LISTED = 1_000_000
/** Blocks of a sample: 32 MiB, some 80,000 sessions. A smaller table is counted. */
const SAMPLED_BLOCKS = 4_096
/** So many times as large is the sample of what could not be counted: few of its sessions may match. */
const LARGER_SAMPLE = 4
/** The blocks of a sample, divided by this, tell whether there are too many to list. */
const FIRST_SAMPLE = 8
/** How long each step of a plan may take, in milliseconds; 4.3 s altogether. Only the number of staff's sessions has no limit. */
const FIRST_SAMPLE_MS = 300
const COUNT_MS = 2_000
const LIST_MS = 500
const SAMPLE_MS = 1_000
const USERS_MS = 500
/** Processes that scan at once, if the server allows as many. */
const WORKERS = 8

export interface CountOptions {
  /** For tests: the blocks of a sample, the sessions that are listed, and the milliseconds to count. */
  sampledBlocks?: number
  maxListed?: number
  countMs?: number
}

/** Active sessions that match every part of the selection. @throws Error as `conditionsOf`. */
export function matching(selection: Selection): SQL {
  return and(isValid, ...conditionsOf(selection)) as SQL
}

/**
 * For the rest of the transaction: an index where one helps, because the planner takes sessions of one day for scattered, and would read
 * all of 20 million in ten times the time; and several processes.
 */
export async function preferIndexes(tx: Executor): Promise<void> {
  await tx.execute(sql`select set_config('max_parallel_workers_per_gather', ${String(WORKERS)}::text, true),
    set_config('enable_seqscan', 'off', true)`)
}

/** Counts the sessions that a selection matches. With `planId`, stores their ids, unless the count is estimated. */
export async function countMatching(
  tx: Executor,
  selection: Selection,
  planId: string | null = null,
  { sampledBlocks = SAMPLED_BLOCKS, maxListed = MAX_LISTED, countMs = COUNT_MS }: CountOptions = {},
): Promise<Counted> {
  await preferIndexes(tx)
  const forEveryone = isForEveryone(selection)
  const blocks = await countBlocks(tx)
  const listed = forEveryone ? null : planId
  if (blocks <= sampledBlocks) return countEach(tx, selection, listed)
  const sample = createSample(tx, blocks, matching(selection))
  await sample.read(sampledBlocks / FIRST_SAMPLE, FIRST_SAMPLE_MS)
  if (!forEveryone && sample.sessions <= maxListed) {
    const counted = await within(tx, countMs, () => countEach(tx, selection, listed, countMs + LIST_MS))
    if (counted) return counted
  }
  await sample.read(LARGER_SAMPLE * sampledBlocks, SAMPLE_MS)
  return describe(tx, selection, await sample.estimate(USERS_MS))
}

/** Runs `work` with a limit for each statement. @returns null when one took longer: then nothing of it was done. */
export async function within<T>(tx: Executor, ms: number, work: () => Promise<T>): Promise<T | null> {
  const [before] = await fetchRows<{ ms: string }>(tx, `select current_setting('statement_timeout') as ms`)
  const limit = (ms: string) => tx.execute(sql`select set_config('statement_timeout', ${ms}::text, true)`)
  await tx.execute(sql`savepoint counting`)
  try {
    await limit(String(ms))
    const result = await work()
    await limit(before?.ms ?? '0')
    await tx.execute(sql`release savepoint counting`)
    return result
  } catch (error) {
    if (error !== TOO_LONG && sqlState(error) !== QUERY_CANCELED) throw error
    // Restores the limit, too.
    await tx.execute(sql`rollback to savepoint counting`)
    return null
  }
}

/** SQLSTATE of a statement that took too long. */
const QUERY_CANCELED = '57014'
/** Several statements took too long together. */
const TOO_LONG = new Error('listing takes too long')

const newestAsJson = sql`coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('sessionId', id, 'userId', "userId", 'ipAddress', host("ipAddress"),
  'userAgent', "userAgent", 'createdAt', to_char("createdAt" at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by "createdAt" desc, id), '[]')`

/** Counts and lists in one statement, which only reads: one that writes would use a single process. @throws TOO_LONG after `ms`. */
async function countEach(
  tx: Executor,
  selection: Selection,
  planId: string | null,
  ms = Number.POSITIVE_INFINITY,
): Promise<Counted> {
  const deadline = performance.now() + ms
  const [first, ...more] = await fetchRows<
    Omit<Counted, 'estimated'> & { part: number | null; ids: string | null }
  >(
    tx,
    sql`
    with matching as materialized (
      select ${session.id} as id, ${session.userId} as user_id, ${session.createdAt} as created_at
      from ${session} where ${matching(selection)}
    ), newest as (
      select id from matching order by created_at desc, id limit 10
    ), counted as (
      select (select count(*)::int from matching) as sessions,
        (select count(*)::int from (select from matching group by user_id) as users) as users,
        (select count(*)::int from matching where user_id in (select user_id from global_logout.staff)) as "staffSessions",
        (select ${newestAsJson} from ${session} join newest using (id)) as sample
    )
    select counted.*, parts.* from counted left join (
      select get_byte(uuid_send(id), 0) as part, pg_catalog.array_agg(id)::text as ids from matching group by 1
    ) parts on ${planId !== null}::boolean`,
  )
  if (!first) throw new Error('the count returned no row')
  const { part: _, ids: __, ...counted } = first
  for (const { part, ids } of [first, ...more]) {
    if (planId === null || part === null) continue
    if (performance.now() > deadline) throw TOO_LONG
    const sessionIds = sql`${ids}::text::uuid[]`
    await tx.insert(incidentPlanned).values({ incidentId: planId, part, sessionIds })
  }
  return { ...counted, estimated: false }
}

/** An estimate with what is counted of it: the sessions of staff, which are few. */
async function describe(
  tx: Executor,
  selection: Selection,
  { newest, ...estimate }: Estimate,
): Promise<Counted> {
  const [found] = await fetchRows<Pick<Counted, 'staffSessions' | 'sample'>>(
    tx,
    sql`
    select (select count(*)::int from ${session} where ${matching(selection)}
        and ${session.userId} = any (array(select user_id from global_logout.staff))) as "staffSessions",
      (select ${newestAsJson} from ${session} where id = any (${sql.param(newest)}::uuid[])) as sample`,
  )
  if (!found) throw new Error('the estimate returned no row')
  return { ...estimate, ...found, estimated: true }
}

/** The size of the table of sessions, in blocks. */
async function countBlocks(tx: Executor): Promise<number> {
  const [size] = await fetchRows<{ blocks: number }>(
    tx,
    sql`select (pg_catalog.pg_relation_size('global_logout.session'::regclass) / current_setting('block_size')::bigint)::int as blocks`,
  )
  return size?.blocks ?? 0
}
