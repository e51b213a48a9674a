/**
 * The one rule of liveness. A session is valid when `expires` lies ahead, it is younger than the maximum
 * age, and it was used within the idle timeout. The SQL function `session_state` (migrations) is this
 * function's twin; `test/sessions/policy.test.ts` holds both to one table of cases.
 */

/** Both lifetimes, in seconds. The living copy is the one row of `session_policy`; every query reads it there. */
export interface SessionPolicy {
  /** Longest time since the session was last used. */
  idleTimeoutSeconds: number
  /** Longest time since the session was created; nothing extends it. */
  maxAgeSeconds: number
}

export interface SessionTimes {
  expires: Date
  createdAt: Date
  lastSeenAt: Date
}

/** What a row says of itself. Without a row a session is `revoked` (a tombstone stands) or `unknown`. */
export type RowState = 'valid' | 'expired' | 'idle'
export type SessionState = RowState | 'revoked' | 'unknown'

/** The state of a session's row at `now`. Every bound is exclusive: at the very instant of its end a session is over. */
export function sessionState(times: SessionTimes, policy: SessionPolicy, now: Date): RowState {
  if (now >= times.expires) return 'expired'
  if (now.getTime() >= times.createdAt.getTime() + policy.maxAgeSeconds * 1000) return 'expired'
  if (now.getTime() >= times.lastSeenAt.getTime() + policy.idleTimeoutSeconds * 1000) return 'idle'
  return 'valid'
}

/**
 * When the session ends if nobody uses it again: the earliest of its three bounds. An application may have written
 * `infinity` into `expires`, which is no date here, and no bound.
 */
export function expiresAt(times: SessionTimes, policy: SessionPolicy): Date {
  const bounds = [
    times.expires.getTime(),
    times.createdAt.getTime() + policy.maxAgeSeconds * 1000,
    times.lastSeenAt.getTime() + policy.idleTimeoutSeconds * 1000,
  ]
  return new Date(Math.min(...bounds.filter((bound) => !Number.isNaN(bound))))
}
