/** Who is signed in: the active sessions that a selection matches, without a plan. */
import { and, desc, eq, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Executor } from '../../database/database.ts'
import { positionOf, readCursor, writeCursor } from '../../http/cursor.ts'
import { sessionColumns } from '../../sessions/queries.ts'
import { type Session, session, user } from '../../sessions/schema.ts'
import { matching, preferIndexes } from './counts.ts'
import type { Selection } from './selector-values.ts'

/** Sessions of a page. */
const PAGE = 100

export interface SignedIn {
  session: Session
  name: string | null
  email: string | null
}

export interface SignedInPage {
  /** The latest sign-in first. */
  sessions: SignedIn[]
  /** The cursor of the next page; null after the last. */
  next: string | null
}

const position = z.tuple([positionOf.instant, positionOf.id])

/** A page of them. Each page reads all that match. @throws Problem `invalid_request` for an invalid cursor. */
export async function listSignedIn(
  tx: Executor,
  selection: Selection,
  cursor: string | null,
  limit = PAGE,
): Promise<SignedInPage> {
  const after = cursor === null ? undefined : isAfter(readCursor(cursor, position))
  const at = sql<string>`pg_catalog.to_char(${session.createdAt} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
  await preferIndexes(tx)
  const rows = await tx
    .select({ session: sessionColumns, name: user.name, email: user.email, at })
    .from(session)
    .innerJoin(user, eq(user.id, session.userId))
    .where(and(matching(selection), after))
    .orderBy(desc(session.createdAt), desc(session.id))
    .limit(limit + 1)
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    sessions: rows.slice(0, limit).map(({ at: _, ...one }) => one),
    next: last ? writeCursor([last.at, last.session.id] satisfies z.infer<typeof position>) : null,
  }
}

function isAfter([at, id]: z.infer<typeof position>): SQL {
  return sql`(${session.createdAt}, ${session.id}) < (${at}::timestamptz, ${id}::uuid)`
}
