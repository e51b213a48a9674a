/** Who is locked, and who is staff. */
import { and, desc, eq, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from '../../database/database.ts'
import { positionOf, readCursor, writeCursor } from '../../http/cursor.ts'
import { user, userLock } from '../../sessions/schema.ts'
import { staff } from '../schema.ts'
import { describedUser, type FoundUser, lockInForce } from './queries.ts'

/** Users of a page. */
const PAGE = 100
/** Staff that are listed at most. */
const MAX_STAFF = 1_000

export interface LockPage {
  users: FoundUser[]
  /** The cursor of the next page; null after the last. */
  next: string | null
}

export interface StaffMember extends FoundUser {
  grantedAt: Date
}

const position = z.tuple([positionOf.instant, positionOf.text])

export function createLists({ run }: Pick<Database, 'run'>) {
  return {
    /** Users whose lock is in force, the latest lock first. @throws Problem `invalid_request` for an invalid cursor. */
    locks: (cursor: string | null = null): Promise<LockPage> =>
      run(async (db) => {
        const after = cursor === null ? undefined : isAfter(readCursor(cursor, position))
        const at = sql<string>`pg_catalog.to_char(${userLock.lockedAt} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
        const rows = await db
          .select({ ...describedUser(userLock.userId), at })
          .from(userLock)
          .leftJoin(user, eq(user.id, userLock.userId))
          .leftJoin(staff, eq(staff.userId, userLock.userId))
          .where(and(lockInForce, after))
          .orderBy(desc(userLock.lockedAt), desc(userLock.userId))
          .limit(PAGE + 1)
        const last = rows.length > PAGE ? rows[PAGE - 1] : undefined
        return {
          users: rows.slice(0, PAGE).map(({ at: _, ...one }) => one),
          next: last ? writeCursor([last.at, last.id] satisfies z.infer<typeof position>) : null,
        }
      }),

    /** Everyone with a role, the latest first. */
    staff: (): Promise<StaffMember[]> =>
      run((db) =>
        db
          .select({ ...describedUser(staff.userId), grantedAt: staff.grantedAt })
          .from(staff)
          .leftJoin(user, eq(user.id, staff.userId))
          .leftJoin(userLock, and(eq(userLock.userId, staff.userId), lockInForce))
          .orderBy(desc(staff.grantedAt), staff.userId)
          .limit(MAX_STAFF),
      ),
  }
}

function isAfter([at, id]: z.infer<typeof position>): SQL {
  return sql`(${userLock.lockedAt}, ${userLock.userId}) < (${at}::timestamptz, ${id})`
}
