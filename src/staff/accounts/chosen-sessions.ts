/**
 * Ends sessions of one user that staff choose, as one operation. When it resolves, no instance accepts any of them, whatever ended
 * it. The others of the user stay. Callers check permissions.
 */
import { and, desc, eq, inArray } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { Problem } from '../../errors.ts'
import type { AfterCommit } from '../../leases/after-commit.ts'
import { actsOf } from '../../operations/acknowledged.ts'
import { type Actor, operationRow } from '../../operations/record.ts'
import { lastSeenAt, sessionColumns } from '../../sessions/queries.ts'
import { type Dated, type Ended, endedOf, MOST_LISTED } from '../../sessions/revoke.ts'
import { type Session, session } from '../../sessions/schema.ts'
import { isValid } from '../../sessions/validity.ts'

/** Sessions that one call may name: a page of a user's sessions. */
export const MAX_CHOSEN = 200

export interface RevokedSessions {
  userId: string
  /** Null where all of them were over before. */
  operationId: string | null
  /** How many active sessions this call ended, and the last seen of them: 100 at most. */
  revokedCount: number
  revoked: Ended[]
  waitedMs: number | null
}

const REVOKE_SESSIONS = {
  name: 'revoke-sessions',
  text: `select xid, outcome, operation_id, ended, revoked, acts
    from global_logout.revoke_sessions($1::jsonb, $2::uuid[], ${MOST_LISTED})`,
}
type Row = [
  xid: string,
  outcome: 'done' | 'repeated' | 'not_found',
  operationId: string | null,
  ended: number,
  revoked: Dated[],
  acts: string,
]

export function createChosenSessions({ run, act }: Pick<Database, 'run' | 'act'>, afterCommit: AfterCommit) {
  /** Ends some sessions of a user. @throws Problem `session_not_found` where the user has had none of them. */
  async function revokeSessions(
    userId: string,
    sessionIds: readonly string[],
    reason: string,
    by: Actor,
  ): Promise<RevokedSessions> {
    const what = JSON.stringify(operationRow({ ...by, kind: 'session.revoke', userId, reason }))
    const [xid, outcome, operationId, ended, revoked, acts] = await act<Row>({
      ...REVOKE_SESSIONS,
      values: [what, sessionIds],
    })
    if (outcome === 'not_found') throw notFound()
    // Also for sessions that another call ended a moment ago: its own answer may still wait.
    const waitedMs = await afterCommit(xid, outcome === 'done' ? operationId : null, actsOf(acts))
    return {
      userId,
      operationId: outcome === 'done' ? operationId : null,
      revokedCount: ended,
      revoked: revoked.map(endedOf),
      waitedMs,
    }
  }

  return {
    revokeSessions,

    /** Ends one session, by its id. @throws Problem `session_not_found`. */
    async revokeSession(sessionId: string, reason: string, by: Actor): Promise<RevokedSessions> {
      const [found] = await run((db) =>
        db.select({ userId: session.userId }).from(session).where(eq(session.id, sessionId)),
      )
      if (!found) throw notFound()
      return revokeSessions(found.userId, [sessionId], reason, by)
    },

    /** Those of the sessions that are active, and the user's; the last seen first. */
    chosen: (userId: string, sessionIds: readonly string[]): Promise<Session[]> =>
      run((db) =>
        db
          .select(sessionColumns)
          .from(session)
          .where(and(eq(session.userId, userId), inArray(session.id, [...sessionIds]), isValid))
          .orderBy(desc(lastSeenAt)),
      ),
  }
}

function notFound(): Problem {
  return new Problem('session_not_found', 'No session has this id: it may have ended before.')
}
