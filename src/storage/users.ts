/** The named queries that find a user, and tell what became of their sessions. For staff; nobody else may ask. */
import { and, desc, eq, inArray, isNull, or, sql } from 'drizzle-orm'
import { type AnyPgColumn, union } from 'drizzle-orm/pg-core'
import type { Executor } from './database.ts'
import { type RevokedSession, revokedSession, user } from './schema.ts'
import { type Operation, operation, type StaffRole, staff, userLock } from './staff-schema.ts'

const lockInForce = and(
  eq(userLock.userId, user.id),
  or(isNull(userLock.until), sql`${userLock.until} > clock_timestamp()`),
)

const found = {
  id: user.id,
  name: user.name,
  email: user.email,
  role: staff.role,
  // Drizzle takes the whole for absent when the first column is null: `until` may be.
  lock: { reason: userLock.reason, until: userLock.until, lockedAt: userLock.lockedAt },
}

export interface FoundUser {
  id: string
  name: string | null
  email: string | null
  role: StaffRole | null
  /** The lock in force. */
  lock: { until: Date | null; reason: string; lockedAt: Date } | null
}

const select = (db: Executor) =>
  db
    .select(found)
    .from(user)
    .leftJoin(staff, eq(staff.userId, user.id))
    .leftJoin(userLock, lockInForce)
    .$dynamic()

/**
 * Users whose id, email or name begins with `prefix`, in any case; whoever's id or email it is comes first. Each of the
 * three is a walk along an index that ends after `limit` rows, however many begin alike.
 */
export function findUsers(db: Executor, prefix: string, limit: number): Promise<FoundUser[]> {
  return select(db)
    .where(inArray(user.id, matching(db, prefix, limit)))
    .orderBy(
      sql`coalesce(lower(${prefix}) in (lower(${user.id}), lower(${user.email})), false) desc`,
      sql`lower(coalesce(${user.email}, ${user.name}, ${user.id}))`,
      user.id,
    )
    .limit(limit)
}

/** The ids of `findUsers`, for it and for whoever explains its plan. */
export function matching(db: Executor, prefix: string, limit: number) {
  const pattern = `${prefix.replace(/[\\%_]/g, '\\$&')}%`
  const by = (column: AnyPgColumn) =>
    db
      .select({ id: user.id })
      .from(user)
      .where(sql`lower(${column}) like lower(${pattern})`)
      .orderBy(sql`lower(${column}) using ~<~`)
      .limit(limit)
  return union(by(user.id), by(user.email), by(user.name))
}

/** One user, or null. */
export async function findUser(db: Executor, id: string): Promise<FoundUser | null> {
  const [one] = await select(db).where(eq(user.id, id))
  return one ?? null
}

export interface Revocation {
  session: RevokedSession
  /** Null for what was ended behind the service's back. */
  operation: Operation | null
}

/** Which of a user's sessions were ended, by whom and why, newest first. */
export function listRevocations(db: Executor, userId: string, limit: number): Promise<Revocation[]> {
  return db
    .select({ session: revokedSession, operation })
    .from(revokedSession)
    .leftJoin(operation, eq(operation.id, revokedSession.operationId))
    .where(eq(revokedSession.userId, userId))
    .orderBy(desc(revokedSession.revokedAt), desc(revokedSession.id))
    .limit(limit)
}
