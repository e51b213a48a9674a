/**
 * The queries that execute an incident, on a dedicated connection (`Database.withOwnConnection`). Each transaction counts the
 * rows that the trigger wrote for the sessions it ended, so that the count stays right after a crash.
 */
import { and, eq, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { session } from '../../sessions/schema.ts'
import { matching } from './counts.ts'
import { lockUsers, usersOfSessions } from './locking.ts'
import { NOT_KEPT } from './queries.ts'
import { type IncidentOutcome, incident, incidentPlanned, type ShownSelection } from './schema.ts'
import { wholeSelection } from './selection.ts'
import type { Selection } from './selector-values.ts'

/** A running incident, as its runner needs it. */
export interface Running {
  id: string
  operationId: string
  reason: string
  selection: Selection
  /** The epoch that it began, if it is for everyone. */
  epoch: number | null
  /** Whether it locks its users. */
  locks: boolean
  planned: number
  /** Whether the plan was estimated, without a list of sessions. */
  estimated: boolean
  ended: number
}

/** Names the connection for operators, and has PostgreSQL close it half a minute after its process disappeared. */
export async function nameConnection(db: Executor): Promise<void> {
  await db.execute(sql`select set_config('application_name', 'global-logout incident', false),
    set_config('idle_session_timeout', '30s', false)`)
}

/** Null when it is not running. */
export async function readRunning(db: Executor, id: string): Promise<Running | null> {
  const [row] = await db.select().from(incident).where(eq(incident.id, id))
  if (row?.state !== 'running' || !row.operationId) return null
  const { operationId, reason, plannedSessions: planned, estimated, ended, epoch, locks } = row
  const selection = wholeSelection(row)
  return { id, operationId, reason, epoch, locks, planned, estimated, ended, selection }
}

/**
 * Opens a cursor over the sessions left to end, for `nextSessions`. Sign-ins after the start of the execution are excluded, unless
 * it locks its users: then none may follow. A session dated in the future is included, because its start is unknown. What ended
 * with its epoch is over, and left to delete.
 */
export async function openPass(tx: Executor, { id, selection, epoch, locks }: Running): Promise<void> {
  const startedAt = sql`(select started_at from ${incident} where id = ${id})`
  const left =
    epoch === null
      ? locks
        ? matching(selection)
        : sql`${matching(selection)} and (${session.createdAt} <= ${startedAt} or ${session.createdAt} > statement_timestamp())`
      : eq(session.epoch, epoch - 1)
  await tx.execute(sql`declare incident_pass no scroll cursor with hold for
    select ${session.id} from ${session} where ${left}`)
}

/** The next ids of the pass in storage order; empty at its end. */
export async function nextSessions(db: Executor, most: number): Promise<string[]> {
  const rows = await fetchRows<{ id: string }>(db, `fetch ${most} from incident_pass`)
  return rows.map(({ id }) => id)
}

export async function closePass(db: Executor): Promise<void> {
  await db.execute(sql`close incident_pass`)
}

/**
 * Ends the sessions whose rows are not locked, and locks their users where the incident does so. It waits for no sign-in, activity
 * update or logout, so it cannot deadlock.
 * @returns how many of these it deleted, and how many the incident has ended in total.
 */
export async function endSessions(
  tx: Executor,
  running: Running,
  sessionIds: string[],
): Promise<{ deleted: number; ended: number }> {
  const { id, operationId } = running
  const ids = sql`${session.id} = any (${sql.param(sessionIds)}::uuid[])`
  const locked = running.locks ? await lockUsers(tx, running, await usersOfSessions(tx, sessionIds)) : null
  // Also what a user has begun since the pass did: no later pass may come.
  const chosen = locked
    ? sql`${session.userId} = any (${sql.param(locked)}::text[]) and (${ids} or ${matching(running.selection)})`
    : ids
  await tx.execute(sql`select set_config('global_logout.operation_id', ${operationId}, true)`)
  const deleted = await tx
    .delete(session)
    .where(
      sql`id = any (array(
        select id from ${session} where ${chosen} for update skip locked))`,
    )
    .returning({ id: session.id })
  const [counted] = await fetchRows<{ ended: number }>(
    tx,
    sql`
    update ${incident} set ended = ended + (select count(*) from global_logout.revoked_session
      where xid = pg_current_xact_id() and operation_id = ${operationId}::uuid)
    where id = ${id} and state = 'running' returning ended`,
  )
  // A finished incident must not change.
  if (!counted) throw new Error('the incident is no longer running')
  const asked = new Set(sessionIds)
  return { deleted: deleted.filter((one) => asked.has(one.id)).length, ended: counted.ended }
}

/** Another transaction in this database, by its virtual id; `writing` once it has changed or locked something. */
export interface OpenTransaction {
  id: string
  writing: boolean
}

/**
 * Open transactions: one of them may hold an uncommitted sign-in from before. Read from locks, which every role may see.
 * Processes without a user are PostgreSQL's own workers. A prepared transaction has no process and may be of any database.
 */
export async function openTransactions(db: Executor): Promise<OpenTransaction[]> {
  return fetchRows<OpenTransaction>(
    db,
    sql`
    select virtualtransaction as id, bool_or(locktype = 'transactionid') as writing
    from pg_locks left join pg_stat_activity activity using (pid)
    where locktype in ('virtualxid', 'transactionid') and mode = 'ExclusiveLock' and granted
      and (pid is null or (activity.datname = current_database() and usesysid is not null and pid <> pg_backend_pid()))
    group by 1`,
  )
}

/** Of an incident for everyone or so many that they were estimated: its plan kept no list. */
const NOT_COMPARED = { endedPlanned: null, endedLater: null, goneMeanwhile: null }

type Counts = Pick<
  IncidentOutcome,
  'endedPlanned' | 'endedLater' | 'goneMeanwhile' | 'users' | 'staffSessions'
>

/**
 * The outcome by the recorded revocations, and the incident's own count in the same snapshot. Holds the incident's row, so that
 * no session is recorded under it any more, and no user is erased from its selection.
 */
export async function readOutcome(
  tx: Executor,
  { id, operationId, planned, estimated, epoch }: Running,
): Promise<{ ended: number; counts: Counts; counted: number; selection: ShownSelection }> {
  const [held] = await tx
    .select({ selection: incident.selection })
    .from(incident)
    .where(eq(incident.id, id))
    .for('update')
  const [found] = await fetchRows<{
    ended: number
    counted: number
    endedPlanned: number
    users: number
    staffSessions: number
  }>(
    tx,
    sql`
    with ended as materialized (
      select session_id, user_id from global_logout.revoked_session where of_many and operation_id = ${operationId}
    ), planned as (
      select pg_catalog.unnest(session_ids) as session_id from ${incidentPlanned} where incident_id = ${id}
    )
    select (select count(*)::int from ended) as ended, (select ended from ${incident} where id = ${id}) as counted,
      (select count(*)::int from ended join planned using (session_id)) as "endedPlanned",
      (select count(*)::int from (select from ended group by user_id) as users) as users,
      (select count(*)::int from ended where user_id in (select user_id from global_logout.staff)) as "staffSessions"`,
  )
  if (!found || !held) throw new Error('the count returned no row')
  const { ended, counted, endedPlanned, ...rest } = found
  const compared = epoch === null &&
    !estimated && {
      endedPlanned,
      endedLater: ended - endedPlanned,
      goneMeanwhile: planned - endedPlanned,
    }
  return { ended, counts: { ...(compared || NOT_COMPARED), ...rest }, counted, ...held }
}

/**
 * Writes the outcome, unless another runner has raised the count since `counted`, or has finished the incident. What ended with its
 * epoch may have been deleted by others, and is counted only now.
 * @returns whether it was written.
 */
export async function finishIncident(
  tx: Executor,
  { id, epoch }: Running,
  { counted, ended }: { counted: number; ended: number },
  outcome: IncidentOutcome,
): Promise<boolean> {
  const done = await tx
    .update(incident)
    .set({
      state: 'done',
      finishedAt: sql`statement_timestamp()`,
      outcome,
      ...NOT_KEPT,
      ...(epoch !== null && { ended }),
    })
    .where(and(eq(incident.id, id), eq(incident.state, 'running'), eq(incident.ended, counted)))
    .returning({ id: incident.id })
  if (done.length === 0) return false
  await tx.delete(incidentPlanned).where(eq(incidentPlanned.incidentId, id))
  return true
}
