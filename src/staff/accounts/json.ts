/**
 * An account as JSON, the same in the API and on the command line. Never holds a token or its hash.
 */

import type { RevokedSession } from '../../operations/schema.ts'
import type { PlaceOf } from '../../sessions/places.ts'
import { toActiveSession, toEndedSessions, toUsed } from '../../sessions/schemas.ts'
import { toOperationJson } from '../operation-json.ts'
import type { Account, Revoked } from './accounts.ts'
import type { RevokedSessions } from './chosen-sessions.ts'
import type { Found } from './find.ts'
import type { StaffMember } from './lists.ts'
import type { FoundUser } from './queries.ts'

/** A user in search results. */
export function toUser({ id, name, email, role, lock, deleted }: FoundUser) {
  return {
    ...{ id, name, email, role, deleted },
    lock: lock && {
      until: lock.until?.toISOString() ?? null,
      reason: lock.reason,
      lockedAt: lock.lockedAt.toISOString(),
    },
  }
}

/** Search results. */
export function toFound({ users, parts, session, operation, address }: Found, placeOf: PlaceOf) {
  return {
    users: users.map(toUser),
    parts,
    session: session && { userId: session.userId, ...toActiveSession(session, placeOf) },
    operation: operation && toOperationJson(operation),
    address,
  }
}

/** A user with sessions, revocations and replays. */
export function toAccount(
  { user, sessions, sessionCount, next, revocations, replays, notes }: Account,
  placeOf: PlaceOf,
) {
  return {
    user: toUser(user),
    sessionCount,
    sessions: sessions.map((session) => toActiveSession(session, placeOf)),
    next,
    revocations: revocations.map(({ session, operation }) => ({
      ...toEndedSession(session),
      operation: operation && toOperationJson(operation),
    })),
    replays: replays.map(
      ({ sessionId, count, at, ipAddress, userAgent, sameAddress, sameProgram, acknowledged }) => ({
        ...{ sessionId, count, ipAddress, userAgent, sameAddress, sameProgram },
        at: at.toISOString(),
        acknowledged: acknowledged && toOperationJson(acknowledged),
      }),
    ),
    notes: notes.map(({ id, at, actorKind, actorId, reason }) => ({
      ...{ operationId: id, actorKind, actorId, text: reason ?? '' },
      at: at.toISOString(),
    })),
  }
}

/** A user with a role. */
export function toStaff({ grantedAt, ...found }: StaffMember) {
  return { ...toUser(found), grantedAt: grantedAt.toISOString() }
}

/** A session that was ended while it was valid. */
export function toEndedSession(session: RevokedSession) {
  const { sessionId, userId, revokedAt } = session
  return { sessionId, userId, ...toUsed(session), revokedAt: revokedAt.toISOString() }
}

/** Compares the sender of a replay with the session's device, in words. */
export function compareWithSession({
  sameAddress,
  sameProgram,
}: Pick<Account['replays'][number], 'sameAddress' | 'sameProgram'>): string {
  if (sameAddress === sameProgram && sameAddress !== null)
    return sameAddress ? "the session's own address and program" : 'another address and program'
  const compared = (same: boolean | null, what: string) =>
    same === null ? null : same ? `the session's own ${what}` : `another ${what}`
  const parts = [compared(sameAddress, 'address'), compared(sameProgram, 'program')].filter(
    (part) => part !== null,
  )
  return parts.join(', ') || "the session's own device is unknown"
}

/** What `Accounts.revoke` did. `lockedUntil` is null for a lock without an end, and absent where no lock was requested. */
export function toRevoked({ operationId, revokedCount, revoked, lock }: Revoked) {
  return {
    operationId,
    revokedCount,
    revoked: toEndedSessions(revoked),
    ...(lock && { lockedUntil: lock.until?.toISOString() ?? null }),
  }
}

/** What `Accounts.revokeSession` did. */
export function toRevokedSessions({ userId, operationId, revokedCount, revoked }: RevokedSessions) {
  return { userId, operationId, revokedCount, revoked: toEndedSessions(revoked) }
}
