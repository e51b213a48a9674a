/** The named queries on `staff`: who may see and end other people's sessions. */
import { and, eq } from 'drizzle-orm'
import type { Executor } from '../database/database.ts'
import { isActive } from '../service-api/queries.ts'
import { serviceKey } from '../service-api/schema.ts'
import type { Session } from '../sessions/schema.ts'
import type { StaffRole } from './role-names.ts'
import { staff } from './schema.ts'

/** The role of a user, or null for everybody else. */
export async function findRole(db: Executor, userId: string): Promise<StaffRole | null> {
  const [found] = await db.select({ role: staff.role }).from(staff).where(eq(staff.userId, userId))
  return found?.role ?? null
}

/** Whether the user has any role. */
export async function isStaff(db: Executor, userId: string): Promise<boolean> {
  return (await findRole(db, userId)) !== null
}

/**
 * The role that a session may act in: its user's, unless a key made it that has no say in that: one without the scope
 * `security`, or one that is over. The role may have come after the session.
 */
export async function findRoleOf(
  db: Executor,
  { userId, keyId }: Pick<Session, 'userId' | 'keyId'>,
): Promise<StaffRole | null> {
  if (keyId === null) return findRole(db, userId)
  const [key] = await db
    .select({ scopes: serviceKey.scopes })
    .from(serviceKey)
    .where(and(eq(serviceKey.id, keyId), isActive))
  return key?.scopes.includes('security') ? findRole(db, userId) : null
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
