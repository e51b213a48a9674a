/**
 * THE RULE. A session is valid when `expires` lies ahead, it is younger than the maximum age, and it was used within the idle
 * timeout. The SQL function `session_ends_at` (migrations/0001_sessions.sql) decides it, and every query calls that function.
 */
import { not, sql } from 'drizzle-orm'
import { dateOf, representableDates } from '../database/columns.ts'
import type { Executor } from '../database/database.ts'
import { session, sessionPolicy } from './schema.ts'

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

/** The policy in force, in any query. */
const IDLE_TIMEOUT = '(select idle_timeout_seconds from session_policy)'
const MAX_AGE = '(select max_age_seconds from session_policy)'
export const policyNow = { idleTimeoutSeconds: sql.raw(IDLE_TIMEOUT), maxAgeSeconds: sql.raw(MAX_AGE) }

/**
 * A call of `session_ends_at` (migrations), which holds the rule: when a session is over unless it is used again. The result is
 * in the calendar, also where `expires` is not.
 * @param row the name of the session's row, the rest expressions in seconds
 */
export const endOf = (
  row: string,
  { idleTimeout, maxAge }: { idleTimeout: string; maxAge: string },
): string =>
  `public.session_ends_at(${row}.expires, ${row}."createdAt", ${row}."lastSeenAt", ${idleTimeout}, ${maxAge})`

/** Between two records of a session's use: a minute, or less where the idle timeout is short. */
export const lastSeenInterval = (idleTimeoutSeconds: string): string =>
  `pg_catalog.make_interval(secs => least(60::double precision, ${idleTimeoutSeconds}::double precision / 4::double precision))`

const end = sql.raw(endOf('session', { idleTimeout: IDLE_TIMEOUT, maxAge: MAX_AGE }))

/** When a session is over unless it is used again. */
export const endsAt = dateOf(end)

/** True for the rows of active sessions, by the database's clock. Null, hence true of no row, where the lifetimes cannot be read. */
export const isValid = sql<boolean>`statement_timestamp() < ${end}`

/** The state of a session's row now: why it is over. Where only validity counts, `isValid` costs a tenth. */
export const stateNow = sql<RowState>`public.session_state(${session.expires}, ${session.createdAt}, ${session.lastSeenAt},
  ${policyNow.idleTimeoutSeconds}, ${policyNow.maxAgeSeconds}, statement_timestamp())`

/** `expires` as Auth.js has to see it: the end of the session where it is no date that JavaScript and ISO 8601 know. */
export const expiresAsDate = dateOf(
  sql`case when ${representableDates(session.expires)} then ${session.expires} at time zone 'utc' else ${end} end`,
)

/**
 * Writes the settings as the policy of all instances. Sessions that are over under the old policy are deleted
 * first, so that a longer lifetime revives none of them. Run it in a transaction.
 * @returns the policy that was replaced, or null when nothing changed.
 */
export async function writePolicy(db: Executor, policy: SessionPolicy): Promise<SessionPolicy | null> {
  const [row] = await db.select().from(sessionPolicy).for('update')
  if (!row) throw new Error('session_policy has no row')
  const { singleton: _, ...old } = row
  if (old.idleTimeoutSeconds === policy.idleTimeoutSeconds && old.maxAgeSeconds === policy.maxAgeSeconds)
    return null
  await db.delete(session).where(not(isValid))
  await db.update(sessionPolicy).set(policy)
  return old
}
