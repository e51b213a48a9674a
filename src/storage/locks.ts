/** The named queries on `user_lock`: who may not sign in. The trigger on `session` enforces it for whoever writes there. */
import { and, eq, isNull, or, sql } from 'drizzle-orm'
import type { Executor } from './database.ts'
import { userLock } from './staff-schema.ts'

export type Lock = typeof userLock.$inferSelect

/** The lock in force, or null. */
export async function findLock(db: Executor, userId: string): Promise<Lock | null> {
  const inForce = or(isNull(userLock.until), sql`${userLock.until} > clock_timestamp()`)
  const [lock] = await db
    .select()
    .from(userLock)
    .where(and(eq(userLock.userId, userId), inForce))
  return lock ?? null
}
