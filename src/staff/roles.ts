/** The queries on `staff`: the roles of users and sessions. */
import { and, eq } from 'drizzle-orm'
import type { Executor } from '../database/database.ts'
import { isActive } from '../service-api/queries.ts'
import { serviceKey } from '../service-api/schema.ts'
import type { Session } from '../sessions/schema.ts'
import type { StaffRole } from './role-names.ts'
import { staff } from './schema.ts'

/** The role of a user; null for all who are not staff. */
export async function findRole(db: Executor, userId: string): Promise<StaffRole | null> {
  const [found] = await db.select({ role: staff.role }).from(staff).where(eq(staff.userId, userId))
  return found?.role ?? null
}

/** Whether the user has any role. */
export async function isStaff(db: Executor, userId: string): Promise<boolean> {
  return (await findRole(db, userId)) !== null
}

/**
 * The role in which a session acts: its user's role. A session that a key made has none if the key lacks the scope `security`,
 * is revoked or has expired, even if the user got the role later. Nor has one of an application that may not sign staff in:
 * `refuse_staff()` in migrations/0003_applications.sql gives it the id of no key.
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
