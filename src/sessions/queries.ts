/**
 * The named queries on `session`. Each takes the executor it runs in, and the column type hashes every raw token. No query
 * can revive an ended session: an activity update is a conditional update, never an upsert (express-session #632,
 * connect-redis #328, Keycloak #51127).
 */
import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import type { Executor } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import { type Session, session, type User, user } from './schema.ts'
import { endsAt, isValid, lastSeenIntervalNow } from './validity.ts'

const now = sql`statement_timestamp()`
/** A one-row source for queries without a table: drizzle then names the columns, whatever the application's driver would call them. */
const oneRow = sql`(select) as one_row`
/** Whether the last recorded activity is old enough to need an update. */
const lastSeenIsStale = sql<boolean>`${session.lastSeenAt} < ${now} - ${lastSeenIntervalNow}`
/** When a session was last seen, activity or not. */
export const lastSeenAt = sql<Date>`greatest(${session.lastSeenAt}, ${session.passiveAt})`.mapWith(
  session.lastSeenAt,
)
const unseen = sql<boolean>`${lastSeenAt} < ${now} - ${lastSeenIntervalNow}`

export interface ActiveSession {
  session: Session
  user: User
  /** Whether the last recorded activity is old enough to need an update. */
  stale: boolean
  /** Seconds since the session was made. */
  ageSeconds: number
  /** The same as the age of the sign-in. Null when a service key created the session: that does not prove that the user was present. */
  authAgeSeconds: number | null
}

const { expires: _, passiveAt: __, epoch: ___, ...stored } = getTableColumns(session)
/** A session as `Session` has it. */
export const sessionColumns = { ...stored, lastSeenAt, endsAt }
const ageSeconds = sql<number>`extract(epoch from ${now} - ${session.createdAt})::float8`
const authAgeSeconds = sql<number | null>`case when ${session.keyId} is null then ${ageSeconds} end`

/** The active session of a token, with its user. */
export async function findSession(db: Executor, token: string): Promise<ActiveSession | null> {
  const [found] = await db
    .select({ session: sessionColumns, user, stale: lastSeenIsStale, ageSeconds, authAgeSeconds })
    .from(session)
    .innerJoin(user, eq(user.id, session.userId))
    .where(and(eq(session.sessionToken, token), isValid))
  return found ?? null
}

/**
 * Records that sessions were seen, at most once per session and update interval. Only an activity of the user extends them.
 * Skips ended sessions and locked rows, so it never waits.
 */
export async function updateLastSeen(
  db: Executor,
  sessionIds: readonly string[],
  { activity = true } = {},
): Promise<void> {
  const due = db
    .select({ id: session.id })
    .from(session)
    .where(and(inArray(session.id, [...sessionIds]), isValid, activity ? lastSeenIsStale : unseen))
    .for('update', { skipLocked: true })
  const seen = activity ? { lastSeenAt: now } : { passiveAt: now }
  await db.update(session).set(seen).where(inArray(session.id, due))
}

/** Gives a device of a user a name, or takes it away. @returns whether the user has such an active session. */
export async function nameDevice(
  db: Executor,
  userId: string,
  sessionId: string,
  deviceName: string | null,
): Promise<boolean> {
  const named = await db
    .update(session)
    .set({ deviceName })
    .where(and(eq(session.id, sessionId), eq(session.userId, userId), isValid))
    .returning({ id: session.id })
  return named.length > 0
}

/** Waits until the user's logins in progress have committed, and blocks new ones until the transaction ends. */
export async function lockUserForLogout(tx: Executor, userId: string): Promise<void> {
  await tx.select({ id: user.id }).from(user).where(eq(user.id, userId)).for('update')
}

/** What is mirrored of a user. Null removes a value. */
export interface UserProfile {
  name?: string | null | undefined
  email?: string | null | undefined
  image?: string | null | undefined
}

/** The id of the current transaction. A snapshot that sees it as finished also sees everything that was committed before it. */
export async function currentXid(tx: Executor): Promise<string> {
  const [row] = await tx.select({ xid: sql<string>`pg_current_xact_id()::text` }).from(oneRow)
  if (!row) throw new Error('the query for the transaction id returned no row')
  return row.xid
}

/** The number of a user's rows, including expired sessions. */
export function countSessions(tx: Executor, userId: string): Promise<number> {
  return tx.$count(session, eq(session.userId, userId))
}

/** Rows of each table that one step of retention deletes at most. */
const STEP = 1_000

/**
 * One step of retention: deletes revocations and replays older than `retentionSeconds`, oldest first. A database function
 * does it, because the service's role must not delete from the audit log. The oldest valid feed cursor moves up.
 * @returns the number of deleted rows, and whether there may be more.
 */
export async function sweepRecord(
  tx: Executor,
  retentionSeconds: number,
): Promise<{ deleted: number; mayBeMore: boolean }> {
  const [step] = await fetchRows<{ deleted: number }>(
    tx,
    sql`select global_logout.prune_feed(${retentionSeconds}::bigint, ${STEP}::integer) as deleted`,
  )
  const deleted = step?.deleted ?? 0
  return { deleted, mayBeMore: deleted >= STEP }
}

/**
 * One step of the retention of addresses, oldest first: they go, what they were recorded with stays, and so does the chain over it.
 * @returns how many rows lost theirs; 0 when none is left that is older than `retentionSeconds`.
 */
export async function sweepAddresses(tx: Executor, retentionSeconds: number): Promise<number> {
  const [step] = await fetchRows<{ deleted: number }>(
    tx,
    sql`select global_logout.delete_addresses(${retentionSeconds}::bigint, ${STEP}::integer) as deleted`,
  )
  return step?.deleted ?? 0
}
