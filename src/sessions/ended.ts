/** Queries for what became of a token or a session that has ended. */
import { and, desc, eq, sql } from 'drizzle-orm'
import { union } from 'drizzle-orm/pg-core'
import type { Executor } from '../database/database.ts'
import { type Operation, operation, revokedSession } from '../operations/schema.ts'
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
