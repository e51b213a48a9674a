/** The named queries on `user_lock`: users who may not sign in. A trigger on `session` enforces the lock for every writer. */
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

/** Removes a lock. @returns the lock that was in force, or null. */
export async function deleteLock(tx: Executor, userId: string): Promise<Lock | null> {
  const lock = await findLock(tx, userId)
  await tx.delete(userLock).where(eq(userLock.userId, userId))
  return lock
}
