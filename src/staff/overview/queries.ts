/**
 * The queries of the console's overview. All read a bounded range of time, except the count of sessions by their start: no index covers
 * it, so it scans the table. `overview.ts` limits how often it runs.
 *
 * What an incident for everyone ended was over when it began. Its records follow, with the time at which each was written: here they
 * count from the beginning, and so do the rows that are still there.
 */
import { type AnyColumn, type SQL, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import type { OperationKind } from '../../operations/kinds.ts'
import { type Operation, operation, revokedSession } from '../../operations/schema.ts'
import { session } from '../../sessions/schema.ts'
import { isValid, wasValidAt } from '../../sessions/validity.ts'
import { incident } from '../incidents/schema.ts'
import { replay } from '../replays/schema.ts'

/** A range of time in equal steps; the last one is still running. */
export interface TimeRange {
  stepSeconds: number
  steps: number
}

/** One number per step in each list, oldest first. */
export interface Figures {
  /** Start of the first step in epoch seconds, and the time of the count. */
  from: number
  at: Date
  /** Active sessions at the end of each step, without those that expired since. */
  active: number[]
  /** Sign-ins. */
  logins: number[]
  /** Ended sessions, and how many of all of them outside the service. */
  revocations: number[]
  external: number
  /** Uses of revoked tokens. */
  replays: number[]
}

/** Ended sessions by the steps of their beginning and their end. */
interface Ended {
  began: number
  ended: number
  count: number
  external: number
}

/** Counts all figures: a second per million sessions. */
export async function countFigures(tx: Executor, { stepSeconds, steps }: TimeRange): Promise<Figures> {
  const [clock] = await fetchRows<{ now: number }>(
    tx,
    sql`select extract(epoch from statement_timestamp())::float8 as now`,
  )
  const now = clock?.now ?? 0
  const from = (Math.floor(now / stepSeconds) - steps + 1) * stepSeconds
  const start = sql`pg_catalog.to_timestamp(${from}::double precision)`
  /** The step of an instant; -1 before the first, capped at the last. */
  const step = (column: AnyColumn | SQL): SQL =>
    sql`case when ${column} < ${start} then -1
      else least(${steps - 1}, floor((extract(epoch from ${column})::float8 - ${from}) / ${stepSeconds}))::integer end`

  const alive = await fetchRows<{ began: number; count: number }>(
    tx,
    sql`select ${step(session.createdAt)} as began, count(*)::integer as count from ${session} where ${isValid} group by 1`,
  )
  const forEveryone = sql`${incident.epoch} is not null`
  const endedAt = sql`coalesce(${incident.startedAt}, ${revokedSession.revokedAt})`
  const recorded = await fetchRows<Ended>(
    tx,
    sql`select ${step(revokedSession.createdAt)} as began, ${step(endedAt)} as ended, count(*)::integer as count,
        count(*) filter (where ${revokedSession.operationId} is null)::integer as external
      from ${revokedSession} left join ${incident} on ${incident.operationId} = ${revokedSession.operationId} and ${forEveryone}
      where ${revokedSession.revokedAt} >= ${start} group by 1, 2`,
  )
  const unrecorded = await fetchRows<Ended>(
    tx,
    sql`select ${step(session.createdAt)} as began, ${step(incident.startedAt)} as ended, count(*)::integer as count, 0 as external
      from ${session} join ${incident} on ${incident.epoch} = ${session.epoch} + 1 and ${incident.state} = 'running'
      where ${wasValidAt(sql`${incident.startedAt}`)} group by 1, 2`,
  )
  const over = [...recorded, ...unrecorded]
  const again = await fetchRows<{ at: number; count: number }>(
    tx,
    sql`select ${step(replay.at)} as at, sum(count)::integer as count from ${replay} where at >= ${start} group by 1`,
  )
  const sum = <Row extends { count: number }>(counted: Row[], matches: (row: Row, i: number) => boolean) =>
    Array.from({ length: steps }, (_, i) =>
      counted.reduce((total, row) => total + (matches(row, i) ? row.count : 0), 0),
    )
  const add = (a: number[], b: number[]) => a.map((n, i) => n + (b[i] ?? 0))
  return {
    from,
    at: new Date(now * 1000),
    active: add(
      sum(alive, ({ began }, i) => began <= i),
      sum(over, ({ began, ended }, i) => began <= i && ended > i),
    ),
    logins: add(
      sum(alive, ({ began }, i) => began === i),
      sum(over, ({ began }, i) => began === i),
    ),
    revocations: sum(over, ({ ended }, i) => ended === i),
    external: over.reduce((total, { external }) => total + external, 0),
    replays: sum(again, ({ at }, i) => at === i),
  }
}

/** The newest operations of these kinds. Reads `limit` of each kind by its index. */
export async function listRecentOperations(
  db: Executor,
  kinds: readonly OperationKind[],
  limit: number,
): Promise<Operation[]> {
  const newest = (kind: OperationKind) =>
    sql`(select id, at from ${operation} where kind = ${kind} order by at desc limit ${limit})`
  const ids = sql`select id from (${sql.join(kinds.map(newest), sql` union all `)}) as newest order by at desc limit ${limit}`
  return db
    .select()
    .from(operation)
    .where(sql`${operation.id} in (${ids})`)
    .orderBy(sql`${operation.at} desc, ${operation.id} desc`)
}

/** Newest replays that are read at most. */
const MAX_REPLAYS = 2_000

export interface ReplayedUser {
  userId: string
  count: number
  last: Date
  /** Whether any use came from another address or program than the session's. */
  elsewhere: boolean
}

/** Users whose revoked tokens were reused within a day and not acknowledged, latest first. */
export async function listRecentReplays(db: Executor, limit: number): Promise<ReplayedUser[]> {
  const found = await fetchRows<Omit<ReplayedUser, 'last'> & { last: number }>(
    db,
    sql`select user_id as "userId", sum(count)::integer as count, extract(epoch from max(at))::float8 as last,
        coalesce(bool_or(not (same_address and same_program)), false) as elsewhere
      from (select user_id, count, at, same_address, same_program from ${replay} where at > statement_timestamp() - interval '1 day'
        and acknowledged_by is null order by at desc limit ${MAX_REPLAYS}) as seen
      group by 1 order by last desc limit ${limit}`,
  )
  return found.map((row) => ({ ...row, last: new Date(row.last * 1000) }))
}
