/**
 * The terms of the validity rule. A session is valid when `expires` lies ahead, it is younger than the maximum age, and it was
 * used within the idle timeout. The SQL function `session_ends_at` (migrations) is the rule, and everything else calls it;
 * `test/sessions/policy.test.ts` holds its table of cases.
 */

/** Both lifetimes, in seconds. The policy in force is the one row of `session_policy`; every query reads it there. */
export interface SessionPolicy {
  /** Longest time since the session was last used. */
  idleTimeoutSeconds: number
  /** Longest time since the session was created; nothing extends it. */
  maxAgeSeconds: number
}

/** What a row says of itself. Without a row a session is `revoked` (a tombstone stands) or `unknown`. */
export type RowState = 'valid' | 'expired' | 'idle'
export type SessionState = RowState | 'revoked' | 'unknown'
