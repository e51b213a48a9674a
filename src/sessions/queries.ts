/**
 * The named queries on `session`. Each takes the executor it runs in; a raw token passed to any of them is
 * hashed by the column's type. No query revives: a touch is an update with a condition, never an upsert
 * (express-session #632, connect-redis #328, Keycloak #51127).
 */
import { and, desc, eq, getTableColumns, inArray, ne, type SQL, sql } from 'drizzle-orm'
import { union } from 'drizzle-orm/pg-core'
import type { Executor } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import { type Operation, operation, revokedSession } from '../operations/schema.ts'
import { type Session, session, sessionPolicy, type User, user } from './schema.ts'
import type { SessionState } from './validity.ts'
import { endsAt, expiresAsDate, isValid, lastSeenInterval, policyNow, stateNow } from './validity.ts'

const now = sql`statement_timestamp()`
/** For queries without a table: drizzle names their columns itself, whatever names an application's driver gives them. */
const oneRow = sql`(select) as one_row`
/** Whether the last recorded use is old enough to be touched. */
export const lastSeenIsStale = sql<boolean>`${session.lastSeenAt} < ${now} - ${sql.raw(lastSeenInterval('(select idle_timeout_seconds from session_policy)'))}`

export interface ActiveSession {
  session: Session
  user: User
  /** Whether the last recorded use is old enough to be touched. */
  stale: boolean
  /** How long ago the user signed in; null when a service key made the session, which does not show that the user was present. */
  authAgeSeconds: number | null
}

const { expires: _, ...stored } = getTableColumns(session)
const columns = { ...stored, endsAt }
const authAgeSeconds = sql<number | null>`case when ${session.keyId} is null
  then extract(epoch from ${now} - ${session.createdAt})::float8 end`

/** A living session, and whose it is. */
export async function findSession(db: Executor, token: string): Promise<ActiveSession | null> {
  const [found] = await db
    .select({ session: columns, user, stale: lastSeenIsStale, authAgeSeconds })
    .from(session)
    .innerJoin(user, eq(user.id, session.userId))
    .where(and(eq(session.sessionToken, token), isValid))
  return found ?? null
}

/** A user's living sessions, last seen first; all of them, or `limit` at most. */
export function listSessions(db: Executor, userId: string, limit?: number): Promise<Session[]> {
  const living = db
    .select(columns)
    .from(session)
    .where(and(eq(session.userId, userId), isValid))
    .orderBy(desc(session.lastSeenAt), session.id)
  return limit === undefined ? living : living.limit(limit)
}

/** How many living sessions a user has. */
export function countActiveSessions(db: Executor, userId: string): Promise<number> {
  return db.$count(session, and(eq(session.userId, userId), isValid))
}

export interface NewSession {
  token: string
  userId: string
  userAgent: string | null
  ipAddress: string | null
  /** The service key that makes it. */
  keyId: string | null
}

/** A session that was just made, and how long it may live if it is used. */
export type CreatedSession = Session & { expires: Date }

/** Inserts a session that may live for the policy's maximum age. */
export async function insertSession(db: Executor, { token, ...rest }: NewSession): Promise<CreatedSession> {
  const expires = sql`(${now} + pg_catalog.make_interval(secs => ${policyNow.maxAgeSeconds}::double precision)) at time zone 'utc'`
  const [created] = await db
    .insert(session)
    .values({ ...rest, sessionToken: token, expires })
    .returning({ ...columns, expires: expiresAsDate })
  if (!created) throw new Error('the insert returned no row')
  return created
}

/**
 * Records use, at most once per session and the touch interval. Only living rows, and none that somebody
 * else holds: a touch waits for nobody.
 */
export async function updateLastSeen(db: Executor, sessionIds: readonly string[]): Promise<void> {
  const due = db
    .select({ id: session.id })
    .from(session)
    .where(and(inArray(session.id, [...sessionIds]), isValid, lastSeenIsStale))
    .for('update', { skipLocked: true })
  await db.update(session).set({ lastSeenAt: now }).where(inArray(session.id, due))
}

/** Holds off every login of the user until the transaction ends, after those in flight have committed. */
export async function lockUserForLogout(tx: Executor, userId: string): Promise<void> {
  await tx.select({ id: user.id }).from(user).where(eq(user.id, userId)).for('update')
}

/**
 * Keeps a logout of the user waiting until this transaction ends. Taken before any row of `session` is locked, as
 * a logout does: the same order everywhere, hence no deadlock. The insert's foreign key alone would take a KEY
 * SHARE lock, which later logins could share past a waiting logout for ever; this one queues in turn.
 * @returns whether the user exists.
 */
export async function lockUserForLogin(tx: Executor, userId: string): Promise<boolean> {
  const rows = await tx.select({ id: user.id }).from(user).where(eq(user.id, userId)).for('no key update')
  return rows.length > 0
}

/** Which sessions a deletion names. */
export const sessionFilter = {
  withToken: (token: string) => eq(session.sessionToken, token),
  ofUser: (userId: string) => eq(session.userId, userId),
  ofUserExcept: (userId: string, id: string) => sql`${eq(session.userId, userId)} and ${ne(session.id, id)}`,
  ofUserWithId: (userId: string, id: string) => sql`${eq(session.userId, userId)} and ${eq(session.id, id)}`,
}

/** The id of the transaction under way. A snapshot that shows it as over shows all that was committed before it, too. */
export async function currentXid(tx: Executor): Promise<string> {
  const [row] = await tx.select({ xid: sql<string>`pg_current_xact_id()::text` }).from(oneRow)
  if (!row) throw new Error('a transaction told no id')
  return row.xid
}

/** How many rows a deletion names, living or dead. */
export function countSessions(tx: Executor, named: SQL): Promise<number> {
  return tx.$count(session, named)
}

/**
 * Deletes sessions and returns the living among them. To end all of a user's, run it as a statement of its own
 * after `lockUserForLogout`: only then does its snapshot see the logins that were in flight.
 */
export async function deleteSessions(tx: Executor, named: SQL): Promise<Session[]> {
  const deleted = await tx
    .delete(session)
    .where(named)
    .returning({ ...columns, isValid })
  return deleted.filter((row) => row.isValid).map(({ isValid: _, ...row }) => row)
}

export interface TokenStatus {
  state: SessionState
  /** Whose it was, unless unknown. */
  userId?: string
  sessionId?: string
  /** When a revoked session was ended, and by which operation, unless it was deleted outside this service. */
  revokedAt?: Date
  operation?: Operation
}

/** What is known of a token: the state of its row or, where none stands, its latest revocation. */
export async function findTokenStatus(db: Executor, token: string): Promise<TokenStatus> {
  const [row] = await db
    .select({ state: stateNow, userId: session.userId, sessionId: session.id })
    .from(session)
    .where(eq(session.sessionToken, token))
  if (row) return row
  const [tombstone] = await db
    .select({ revoked: revokedSession, operation })
    .from(revokedSession)
    .leftJoin(operation, eq(operation.id, revokedSession.operationId))
    .where(eq(revokedSession.sessionToken, token))
    .orderBy(desc(revokedSession.id))
    .limit(1)
  if (!tombstone) return { state: 'unknown' }
  return {
    state: 'revoked',
    userId: tombstone.revoked.userId,
    sessionId: tombstone.revoked.sessionId,
    revokedAt: tombstone.revoked.revokedAt,
    ...(tombstone.operation && { operation: tombstone.operation }),
  }
}

/** The hashes of the tokens that a session had, living or ended. More than one only where an application reused its id. */
export async function tokenHashesOf(db: Executor, sessionId: string): Promise<string[]> {
  const living = db.select({ hash: session.sessionToken }).from(session).where(eq(session.id, sessionId))
  const ended = db
    .select({ hash: revokedSession.sessionToken })
    .from(revokedSession)
    .where(eq(revokedSession.sessionId, sessionId))
  return (await union(living, ended)).map(({ hash }) => hash)
}

/** The operation that ended a session of the user, or null when none of theirs with this id was ended. */
export async function findRevocation(
  db: Executor,
  userId: string,
  sessionId: string,
): Promise<{ operationId: string | null } | null> {
  const [found] = await db
    .select({ operationId: revokedSession.operationId })
    .from(revokedSession)
    .where(and(eq(revokedSession.sessionId, sessionId), eq(revokedSession.userId, userId)))
  return found ?? null
}

/**
 * One step of the sweep: deletes dead rows among `pages` heap pages from `firstPage` on, skipping what others
 * hold. It walks the table itself (a TID range scan), because no index can know every way to die.
 * @returns how many were deleted, and whether the table ends here.
 */
export async function sweepPages(
  tx: Executor,
  firstPage: number,
  pages: number,
): Promise<{ deleted: number; atEnd: boolean }> {
  const from = `(${firstPage},0)`
  const to = `(${firstPage + pages},0)`
  const dead = sql`select ctid from ${session} where ctid >= ${from}::tid and ctid < ${to}::tid
    and not ${isValid} for update skip locked`
  // An array, because only `ctid = any (array)` is sure to be a TID scan.
  const deleted = await tx
    .delete(session)
    .where(sql`ctid = any (array(${dead}))`)
    .returning({ id: session.id })
  const lastPage = sql<number>`pg_catalog.pg_relation_size('public.session'::regclass) / current_setting('block_size')::bigint`
  const [table] = await tx.select({ pages: lastPage.mapWith(Number) }).from(sessionPolicy)
  return { deleted: deleted.length, atEnd: firstPage + pages >= (table?.pages ?? 0) }
}

/** Rows of each table that one step of the sweep looks at. */
const STEP = 1_000

/**
 * One step of retention, by a function of the database, because the service itself may delete nothing of the record: of the
 * oldest revocations and replays those that are older than `retentionSeconds`. The horizon of the feed rises with them.
 * @returns how many were deleted, and whether there may be more.
 */
export async function sweepRecord(
  tx: Executor,
  retentionSeconds: number,
): Promise<{ deleted: number; mayBeMore: boolean }> {
  const [step] = await fetchRows<{ deleted: number }>(
    tx,
    sql`select public.prune_feed(${retentionSeconds}::bigint, ${STEP}::integer) as deleted`,
  )
  const deleted = step?.deleted ?? 0
  return { deleted, mayBeMore: deleted >= STEP }
}
