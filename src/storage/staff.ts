/** The named queries on `staff`: who may see and end other people's sessions. */
import { eq } from 'drizzle-orm'
import type { Executor } from './database.ts'
import { type StaffRole, staff } from './staff-schema.ts'

/** The role of a user, or null for everybody else. */
export async function findRole(db: Executor, userId: string): Promise<StaffRole | null> {
  const [found] = await db.select({ role: staff.role }).from(staff).where(eq(staff.userId, userId))
  return found?.role ?? null
}

/** Gives a user a role, or takes it away. */
export async function setRole(db: Executor, userId: string, role: StaffRole | null): Promise<void> {
  if (role === null) await db.delete(staff).where(eq(staff.userId, userId))
  else
    await db
      .insert(staff)
      .values({ userId, role })
      .onConflictDoUpdate({ target: staff.userId, set: { role } })
}
