/**
 * The active sessions of a user, in pages, and a summary of all of them. No answer grows with their number: some users, such as a
 * test account or a kiosk, have 100,000.
 *
 * A page is found by the position of the last session of the page before. Last seen first is no order that stands still: a session that
 * is used while its user turns pages moves to the first page.
 */
import { and, desc, eq, ne, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Executor } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import { positionOf, readCursor, writeCursor } from '../http/cursor.ts'
import { lastSeenAt, sessionColumns } from './queries.ts'
import { type Session, session } from './schema.ts'
import { isValid } from './validity.ts'

/** Sessions of one page. */
const PAGE = 100

export interface SessionPage {
  sessions: Session[]
  /** The cursor of the next page; null after the last. */
  next: string | null
}

export interface PageOptions {
  /** From the page before; null for the first. */
  cursor?: string | null | undefined
  /** A session to leave out, by id. */
  except?: string | undefined
  limit?: number
}

const position = z.tuple([positionOf.instant, positionOf.id])

/** To the microsecond, as PostgreSQL has it: with the milliseconds of a JavaScript date, two rows could share a position. */
const seen = sql<string>`pg_catalog.to_char(${lastSeenAt} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** A page of a user's active sessions, most recently seen first. @throws Problem `invalid_request` for an invalid cursor. */
export async function listSessions(
  db: Executor,
  userId: string,
  { cursor, except, limit = PAGE }: PageOptions = {},
): Promise<SessionPage> {
  const after = cursor ? readCursor(cursor, position) : null
  const rows = await db
    .select({ session: sessionColumns, seen })
    .from(session)
    .where(
      and(
        eq(session.userId, userId),
        isValid,
        except === undefined ? undefined : ne(session.id, except),
        after ? isAfter(after) : undefined,
      ),
    )
    .orderBy(desc(lastSeenAt), desc(session.id))
    .limit(limit + 1)
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    sessions: rows.slice(0, limit).map(({ session }) => session),
    next: last ? writeCursor([last.seen, last.session.id] satisfies z.infer<typeof position>) : null,
  }
}

function isAfter([at, id]: z.infer<typeof position>): SQL {
  return sql`(${lastSeenAt}, ${session.id}) < (${at}::timestamptz, ${id}::uuid)`
}

/** One active session of a user; null where there is none with this id. */
export async function findOwnSession(db: Executor, userId: string, id: string): Promise<Session | null> {
  const [found] = await db
    .select(sessionColumns)
    .from(session)
    .where(and(eq(session.id, id), eq(session.userId, userId), isValid))
  return found ?? null
}

/** The number of active sessions of a user. */
export function countActiveSessions(db: Executor, userId: string): Promise<number> {
  return db.$count(session, and(eq(session.userId, userId), isValid))
}

export interface SessionSummary {
  /** The number of active sessions. */
  total: number
  /** A hash of their ids, by which the service sees that a page shows an outdated list. */
  hash: string
  /** Their ids, unless there are more than were asked for. */
  ids: string[] | null
}

/**
 * What is common to all pages of the list, in one snapshot. A page that is drawn reads it before the list: what changes in between is
 * then in the list and not in the hash, and the page is drawn again.
 */
export async function summarizeSessions(
  db: Executor,
  userId: string,
  mostIds: number,
): Promise<SessionSummary> {
  const ids = db
    .select({ id: session.id })
    .from(session)
    .where(and(eq(session.userId, userId), isValid))
  const [summary] = await fetchRows<SessionSummary>(
    db,
    sql`select count(*)::integer as total,
        pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
          coalesce(pg_catalog.string_agg(id::text, ',' order by id), ''), 'UTF8')), 'hex'), 32) as hash,
        case when count(*) <= ${mostIds}::integer then coalesce(pg_catalog.array_agg(id::text), '{}') end as ids
      from (${ids}) as active`,
  )
  if (!summary) throw new Error('the summary of sessions returned no row')
  return summary
}
