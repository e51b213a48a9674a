/** The queries that find users and list their revoked sessions, for staff only. */
import { and, desc, eq, isNull, or, type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, union } from 'drizzle-orm/pg-core'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { type Operation, operation, type RevokedSession, revokedSession } from '../../operations/schema.ts'
import { user, userLock } from '../../sessions/schema.ts'
import type { StaffRole } from '../role-names.ts'
import { staff } from '../schema.ts'

export const lockInForce = or(isNull(userLock.until), sql`${userLock.until} > clock_timestamp()`)

export interface FoundUser {
  id: string
  name: string | null
  email: string | null
  role: StaffRole | null
  /** The lock in force. */
  lock: { until: Date | null; reason: string; lockedAt: Date } | null
  /** Whether the user's row is gone. A lock and a role outlive it. */
  deleted: boolean
}

/** What is selected of a user, joined with `user`, `staff` and `user_lock` by this id. */
export const describedUser = <Id extends SQL.Aliased<string> | AnyPgColumn<{ data: string; notNull: true }>>(
  id: Id,
) => ({
  id,
  name: user.name,
  email: user.email,
  role: staff.role,
  // Drizzle takes an object for absent when its first column is null, as `until` may be.
  lock: { reason: userLock.reason, until: userLock.until, lockedAt: userLock.lockedAt },
  deleted: sql<boolean>`${user.id} is null`,
})

/** Joins ids with the details of their users, if any. */
function describe(db: Executor, ids: ReturnType<typeof matching>) {
  const known = ids.as('known')
  return {
    known,
    query: db
      .select(describedUser(known.id))
      .from(known)
      .leftJoin(user, eq(user.id, known.id))
      .leftJoin(staff, eq(staff.userId, known.id))
      .leftJoin(userLock, and(eq(userLock.userId, known.id), lockInForce)),
  }
}

/** Characters from which on a part is looked for: the index is made of three at a time. */
export const LEAST_PART = 3

/** Whether there is the index that finds parts: see `index_users()` in migrations/0007_find.sql. */
export async function findsParts(db: Executor): Promise<boolean> {
  const [found] = await fetchRows<{ usable: boolean }>(
    db,
    sql`select exists (select from pg_index where indexrelid = pg_catalog.to_regclass('global_logout.user_part_idx')::oid and indisvalid) as usable`,
  )
  return found?.usable === true
}

/**
 * Users whose id, email or name begins with `text`, in any case, and deleted ones with a lock or a role whose id does; with `parts`,
 * also those in whose name or email it is found anywhere. An equal id or email comes first, then what begins so. Each of the five is a
 * walk along an index that ends after `limit` rows, however many begin alike.
 */
export function findUsers(db: Executor, text: string, limit: number, parts = false): Promise<FoundUser[]> {
  const { known, query } = describe(db, matching(db, text, limit, parts))
  const beginning = sql`pg_catalog.lower(${beginsWith(text)}::text)`
  return query
    .orderBy(
      sql`coalesce(pg_catalog.lower(${text}::text) in (pg_catalog.lower(${known.id}), pg_catalog.lower(${user.email})), false) desc`,
      sql`coalesce(pg_catalog.lower(${user.email}) like ${beginning} or pg_catalog.lower(${user.name}) like ${beginning}
        or pg_catalog.lower(${known.id}) like ${beginning}, false) desc`,
      sql`pg_catalog.lower(coalesce(${user.email}, ${user.name}, ${known.id}))`,
      known.id,
    )
    .limit(limit)
}

/** The ids that `findUsers` joins. Exported for a test that explains its plan. */
export function matching(db: Executor, text: string, limit: number, parts = false) {
  const pattern = beginsWith(text)
  const by = (id: UserId, text: AnyPgColumn | SQL = id, condition?: SQL) =>
    idsIn(db, id)
      .where(and(sql`pg_catalog.lower(${text}) like pg_catalog.lower(${pattern}::text)`, condition))
      .orderBy(sql`pg_catalog.lower(${text}) using ~<~`)
      .limit(limit)
  const beginning = union(
    by(user.id),
    by(user.id, sql`pg_catalog.left(${user.email}, 600)`),
    by(user.id, sql`pg_catalog.left(${user.name}, 600)`),
    by(staff.userId),
    by(userLock.userId, userLock.userId, lockInForce),
  )
  if (!parts) return beginning
  // The expression of the index. Without an order, which would take all that match, and may be every user.
  const anywhere = idsIn(db, user.id)
    .where(
      sql`pg_catalog.lower(coalesce(pg_catalog.left(${user.name}, 600), '') || ' ' || coalesce(pg_catalog.left(${user.email}, 600), ''))
        like pg_catalog.lower(${`%${pattern}`}::text)`,
    )
    .limit(limit)
  return beginning.union(anywhere)
}

/** A pattern for LIKE. */
const beginsWith = (text: string): string => `${text.replace(/[\\%_]/g, '\\$&')}%`

/** The columns that hold the id of a user. */
type UserId = typeof user.id | typeof staff.userId | typeof userLock.userId

const idsIn = (db: Executor, id: UserId) => db.select({ id }).from(id.table)

/** One user; null without a row, a lock in force and a role. */
export async function findUser(db: Executor, id: string): Promise<FoundUser | null> {
  const by = (column: UserId, condition?: SQL) => idsIn(db, column).where(and(eq(column, id), condition))
  const ids = union(by(user.id), by(staff.userId), by(userLock.userId, lockInForce))
  const [one] = await describe(db, ids).query
  return one ?? null
}

export interface Revocation {
  session: RevokedSession
  /** Null: ended outside the service. */
  operation: Operation | null
}

/** A user's revoked sessions with their operations, newest first. */
export function listRevocations(db: Executor, userId: string, limit: number): Promise<Revocation[]> {
  return db
    .select({ session: revokedSession, operation })
    .from(revokedSession)
    .leftJoin(operation, eq(operation.id, revokedSession.operationId))
    .where(eq(revokedSession.userId, userId))
    .orderBy(desc(revokedSession.id))
    .limit(limit)
}

/** What staff wrote on a user, the newest first: operations whose reason is the text. */
export function listNotes(db: Executor, userId: string, limit: number): Promise<Operation[]> {
  return db
    .select()
    .from(operation)
    .where(and(eq(operation.userId, userId), eq(operation.kind, 'user.note')))
    .orderBy(desc(operation.at), desc(operation.id))
    .limit(limit)
}
