/** The one row that holds both lifetimes of the validity rule. */
import { not, sql } from 'drizzle-orm'
import type { RowState, SessionPolicy } from '../sessions/policy.ts'
import type { Executor } from './database.ts'
import { session, sessionPolicy } from './schema.ts'

/** The policy in force, as two columns of any query. */
export const policyNow = {
  idleTimeoutSeconds: sql<number>`(select idle_timeout_seconds from session_policy)`,
  maxAgeSeconds: sql<number>`(select max_age_seconds from session_policy)`,
}

/** The state of a session's row now, by the database's clock: the SQL twin of `sessionState`. */
export const stateNow = sql<RowState>`session_state(${session.expires}, ${session.createdAt}, ${session.lastSeenAt},
  ${policyNow.idleTimeoutSeconds}, ${policyNow.maxAgeSeconds}, statement_timestamp())`

/** True for the rows of living sessions. */
export const isValid = sql<boolean>`${stateNow} = 'valid'`

/** The policy in force. */
export async function readPolicy(db: Executor): Promise<SessionPolicy> {
  const [policy] = await db.select(policyNow).from(sessionPolicy)
  if (!policy) throw new Error('session_policy has no row')
  return policy
}

/**
 * Writes the settings as the policy of all instances. Sessions that are over under the old policy are deleted
 * first, so that a longer lifetime revives none of them. Run it in a transaction.
 * @returns the policy that was replaced, or null when nothing changed.
 */
export async function writePolicy(db: Executor, policy: SessionPolicy): Promise<SessionPolicy | null> {
  const [old] = await db.select().from(sessionPolicy).for('update')
  if (old?.idleTimeoutSeconds === policy.idleTimeoutSeconds && old.maxAgeSeconds === policy.maxAgeSeconds)
    return null
  await db.delete(session).where(not(isValid))
  await db
    .insert(sessionPolicy)
    .values(policy)
    .onConflictDoUpdate({ target: sessionPolicy.singleton, set: policy })
  return old ?? null
}
