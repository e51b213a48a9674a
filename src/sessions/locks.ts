/** The named queries on `user_lock`: who may not sign in. The trigger on `session` enforces it for whoever writes there. */
import { and, eq, isNull, or, sql } from 'drizzle-orm'
import type { Executor } from '../database/database.ts'
import { userLock } from './schema.ts'

export type Lock = typeof userLock.$inferSelect

const inForce = or(isNull(userLock.until), sql`${userLock.until} > clock_timestamp()`)

/** The lock in force, or null. */
export async function findLock(db: Executor, userId: string): Promise<Lock | null> {
  const [lock] = await db
    .select()
    .from(userLock)
    .where(and(eq(userLock.userId, userId), inForce))
  return lock ?? null
}

/**
 * Locks a user for so many seconds, or until somebody lifts it (null). A longer lock that is in force stays as it is.
 * @returns the lock in force.
 */
export async function putLock(
  tx: Executor,
  userId: string,
  seconds: number | null,
  reason: string,
): Promise<Lock> {
  const until =
    seconds === null
      ? null
      : sql`clock_timestamp() + pg_catalog.make_interval(secs => ${seconds}::double precision)`
  await tx
    .insert(userLock)
    .values({ userId, until, reason })
    .onConflictDoUpdate({
      target: userLock.userId,
      set: { until: sql`excluded.until`, reason: sql`excluded.reason`, lockedAt: sql`excluded.locked_at` },
      setWhere: sql`${userLock.until} < coalesce(excluded.until, 'infinity')`,
    })
  const lock = await findLock(tx, userId)
  if (!lock) throw new Error('the lock that was written is not there')
  return lock
}

/** Lifts a lock. @returns the one that was in force, or null. */
export async function deleteLock(tx: Executor, userId: string): Promise<Lock | null> {
  const lock = await findLock(tx, userId)
  await tx.delete(userLock).where(eq(userLock.userId, userId))
  return lock
}
