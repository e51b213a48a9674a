/** Queries for what became of a token or a session that has ended, and of those of a user that ended lately. */
import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { union } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { Executor } from '../database/database.ts'
import { positionOf, readCursor, writeCursor } from '../http/cursor.ts'
import { type Operation, operation, type RevokedSession, revokedSession } from '../operations/schema.ts'
import { session } from './schema.ts'
import { type SessionState, stateNow } from './validity.ts'

export interface TokenStatus {
  state: SessionState
  /** The user; undefined for an unknown token. */
  userId?: string
  sessionId?: string
  /** For a revoked session: when it ended, and the operation that ended it. No operation: deleted outside the service. */
  revokedAt?: Date
  operation?: Operation
}

/** The operation of the incident that ended the session's epoch. */
const endedItsEpoch = sql`${operation.id} = (select operation_id from global_logout.incident where epoch = ${session.epoch} + 1)`

/** The status of a token: the state of its session or, without one, its latest revocation. */
export async function findTokenStatus(db: Executor, token: string): Promise<TokenStatus> {
  const [row] = await db
    .select({ state: stateNow, userId: session.userId, sessionId: session.id, operation })
    .from(session)
    .leftJoin(operation, endedItsEpoch)
    .where(eq(session.sessionToken, token))
  if (row) {
    const { operation, ...status } = row
    return operation ? { ...status, operation, revokedAt: operation.at } : status
  }
  const [ended] = await db
    .select({ revoked: revokedSession, operation })
    .from(revokedSession)
    .leftJoin(operation, eq(operation.id, revokedSession.operationId))
    .where(eq(revokedSession.sessionToken, token))
    .orderBy(desc(revokedSession.id))
    .limit(1)
  if (!ended) return { state: 'unknown' }
  return {
    state: 'revoked',
    userId: ended.revoked.userId,
    sessionId: ended.revoked.sessionId,
    revokedAt: ended.revoked.revokedAt,
    ...(ended.operation && { operation: ended.operation }),
  }
}

/** How long a user sees what ended, in days. The record may be kept for longer, or for less (REVOCATION_RETENTION). */
export const RECENT_DAYS = 28

/** Ended sessions of one page. */
const PAGE = 100

/**
 * Why a session ended. `signed_out`: on the device itself; `signed_out_elsewhere`: from another device of the user; `replaced`: the user
 * signed in again on the device; `security_team`; `other`: outside of this service, or by the application.
 */
export const END_REASONS = [
  'signed_out',
  'signed_out_elsewhere',
  'replaced',
  'security_team',
  'other',
] as const
export type EndReason = (typeof END_REASONS)[number]

export interface RecentlyEnded {
  session: RevokedSession
  reason: EndReason
  /** The user agent of the other device; null unless one asked for it. */
  endedFrom: string | null
}

export interface EndedPage {
  ended: RecentlyEnded[]
  /** The cursor of the next page; null after the last. */
  next: string | null
}

/**
 * A page of the sessions of a user that were ended in the last 28 days, while they were valid, newest first. It walks along an index
 * and stops at the first that is older, so that it reads no more than a page, whatever is kept.
 * @throws Problem `invalid_request` for an invalid cursor.
 */
export async function listRecentlyEnded(
  db: Executor,
  userId: string,
  { cursor, limit = PAGE }: { cursor?: string | undefined; limit?: number } = {},
): Promise<EndedPage> {
  const before = cursor ? readCursor(cursor, z.tuple([positionOf.number]))[0] : null
  const { id, revokedAt } = revokedSession
  const rows = await db
    .select({
      session: revokedSession,
      operation,
      recent: sql<boolean>`${revokedAt} > statement_timestamp() - pg_catalog.make_interval(days => ${RECENT_DAYS}::integer)`,
    })
    .from(revokedSession)
    .leftJoin(operation, eq(operation.id, revokedSession.operationId))
    .where(and(eq(revokedSession.userId, userId), before === null ? undefined : lt(id, BigInt(before))))
    .orderBy(desc(id))
    .limit(limit + 1)
  const older = rows.findIndex(({ recent }) => !recent)
  const recent = older === -1 ? rows : rows.slice(0, older)
  const page = recent.slice(0, limit)
  const last = recent.length > limit ? page.at(-1) : undefined
  return {
    ended: page.map(({ session, operation }) => ({ session, ...reasonOf(session, operation) })),
    next: last ? writeCursor([String(last.session.id)]) : null,
  }
}

/** Staff are never named to a user, nor what they wrote or where they were. */
function reasonOf(
  { sessionId }: RevokedSession,
  operation: Operation | null,
): Pick<RecentlyEnded, 'reason' | 'endedFrom'> {
  const because = (reason: EndReason) => ({ reason, endedFrom: null })
  switch (operation?.kind) {
    case 'session.replace':
      return because('replaced')
    case 'user.revoke':
    case 'session.revoke':
    case 'incident.execute':
      return because('security_team')
    case 'logout':
    case 'session.end':
      if (operation.actorSessionId === sessionId) return because('signed_out')
      return { reason: 'signed_out_elsewhere', endedFrom: operation.userAgent }
    default:
      return because('other')
  }
}

/** The token hashes of a user's session, active or ended. More than one only if an application reused the session id. */
export async function tokenHashesOf(db: Executor, userId: string, sessionId: string): Promise<string[]> {
  const current = db.select({ hash: session.sessionToken }).from(session).where(eq(session.id, sessionId))
  const ended = db
    .select({ hash: revokedSession.sessionToken })
    .from(revokedSession)
    // Found among those of its user: no index has session ids.
    .where(and(eq(revokedSession.userId, userId), eq(revokedSession.sessionId, sessionId)))
  return (await union(current, ended)).map(({ hash }) => hash)
}
