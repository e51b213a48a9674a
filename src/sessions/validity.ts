/**
 * The validity rule. A session is valid while `expires` is in the future, it is younger than the maximum age, it was used
 * within the idle timeout, and no incident for everyone has begun a new epoch since its sign-in. The SQL function `session_ends_at` (migrations/0001_sessions.sql) implements the rule;
 * every query calls it.
 */
import { type SQL, sql } from 'drizzle-orm'
import { dateOf } from '../database/columns.ts'
import type { Executor } from '../database/database.ts'
import { session, sessionPolicy } from './schema.ts'

/** Both lifetimes, in seconds. The current policy is the single row of `session_policy`, which every query reads. */
export interface SessionPolicy {
  /** Longest time since the session was last used. */
  idleTimeoutSeconds: number
  /** Longest time since the session was created; nothing extends it. */
  maxAgeSeconds: number
}

/** The state of a stored session; `revoked` with its epoch. Without a row, it is `revoked` (a revocation exists) or `unknown`. */
export type RowState = 'valid' | 'expired' | 'idle' | 'revoked'
export type SessionState = RowState | 'unknown'

/** The current policy as SQL, for any query. */
const IDLE_TIMEOUT = '(select idle_timeout_seconds from global_logout.session_policy)'
const MAX_AGE = '(select max_age_seconds from global_logout.session_policy)'
const EPOCH = '(select epoch from global_logout.session_policy)'
const currentPolicy = { idleTimeoutSeconds: sql.raw(IDLE_TIMEOUT), maxAgeSeconds: sql.raw(MAX_AGE) }

/**
 * SQL for the end of a session that is not used again: a call of `session_ends_at` (migrations). The result is a date that
 * JavaScript can represent, even if `expires` is not.
 * @param row the alias of the session's row; the rest is SQL: the lifetimes in seconds, and the epoch
 */
export const endOf = (
  row: string,
  { idleTimeout, maxAge, epoch }: { idleTimeout: string; maxAge: string; epoch: string },
): string =>
  `global_logout.session_ends_at(${row}.expires, ${row}."createdAt", ${row}."lastSeenAt", ${row}.epoch, ${idleTimeout}, ${maxAge}, ${epoch})`

/** SQL for the time between two activity updates of a session: one minute, or a quarter of a shorter idle timeout. */
const lastSeenInterval = (idleTimeoutSeconds: string): string =>
  `pg_catalog.make_interval(secs => least(60::double precision, ${idleTimeoutSeconds}::double precision / 4::double precision))`

/** The same under the current policy, for any query. */
export const lastSeenIntervalNow = sql.raw(lastSeenInterval(IDLE_TIMEOUT))

const lifetimes = { idleTimeout: IDLE_TIMEOUT, maxAge: MAX_AGE }
const end = sql.raw(endOf('session', { ...lifetimes, epoch: EPOCH }))

/** When a session ends if it is not used again. */
export const endsAt = dateOf(end)

/** True for active sessions, by the database's clock. Null, which matches no row, when the lifetimes cannot be read. */
export const isValid = sql<boolean>`statement_timestamp() < ${end}`

/**
 * SQL that is true for sessions that an incident for everyone ended when it began, at `at`: valid then, but for their epoch.
 * `record_revocations()` decides the same when their rows are deleted.
 */
export const wasValidAt = (at: SQL): SQL<boolean> =>
  sql<boolean>`${at} < ${sql.raw(endOf('session', { ...lifetimes, epoch: 'session.epoch' }))}`

/** The state of a stored session: valid, expired or idle. When only validity matters, `isValid` costs a tenth. */
export const stateNow = sql<RowState>`global_logout.session_state(${session.expires}, ${session.createdAt}, ${session.lastSeenAt},
  ${session.epoch}, ${currentPolicy.idleTimeoutSeconds}, ${currentPolicy.maxAgeSeconds}, ${sql.raw(EPOCH)}, statement_timestamp())`

/** True for sessions that are over by a lifetime, whatever their epoch. */
const isOverByTime = sql<boolean>`statement_timestamp() >= ${sql.raw(endOf('session', { ...lifetimes, epoch: 'session.epoch' }))}`

/**
 * Makes the settings the policy of all instances. First deletes the sessions that have ended under the old policy, so that
 * a longer lifetime cannot revive them. It revives none that ended with their epoch: those are left to the incident, and
 * may be millions. Run it in a transaction.
 * @returns the previous policy, or null when nothing changed.
 */
export async function writePolicy(db: Executor, policy: SessionPolicy): Promise<SessionPolicy | null> {
  const [row] = await db.select().from(sessionPolicy).for('update')
  if (!row) throw new Error('session_policy has no row')
  const { singleton: _, epoch: __, ...old } = row
  if (old.idleTimeoutSeconds === policy.idleTimeoutSeconds && old.maxAgeSeconds === policy.maxAgeSeconds)
    return null
  await db.delete(session).where(isOverByTime)
  await db.update(sessionPolicy).set(policy)
  return old
}
