/**
 * What is kept of one person, in pages along an index. Never a token or its hash, and nothing of other persons: neither which member
 * of staff acted, nor from where, nor who else an incident names.
 */
import { and, asc, eq, getTableColumns, gt, inArray, ne, type SQL, sql } from 'drizzle-orm'
import { union } from 'drizzle-orm/pg-core'
import type { Executor } from '../../database/database.ts'
import { operation, revokedSession } from '../../operations/schema.ts'
import { session, user, userLock } from '../../sessions/schema.ts'
import { incident } from '../incidents/schema.ts'
import { replay } from '../replays/schema.ts'
import { staff } from '../schema.ts'

/** Rows of one query. */
const BATCH = 1_000

type Row = Record<string, unknown>

/** Rows of a table, each with the position after which the next page begins. */
type Page<Position> = (db: Executor, userId: string, after: Position) => Promise<Row[]>

export interface Section {
  name: string
  /** For the person to read. */
  is: string
  /** All rows. @param run one query. */
  rows(run: <T>(work: (db: Executor) => Promise<T>) => Promise<T>, userId: string): AsyncGenerator<Row>
}

/** A section whose rows have the column `key`, by which the pages are ordered; it is left out of the export where it is not `told`. */
function section<Position>(
  [name, is]: [name: string, is: string],
  { key, first, told = true }: { key: string; first: Position; told?: boolean },
  page: Page<Position>,
): Section {
  return {
    name,
    is,
    async *rows(run, userId) {
      for (let after = first; ; ) {
        const from = after
        const rows = await run((db) => page(db, userId, from))
        for (const { [key]: position, ...row } of rows) {
          after = position as Position
          yield told ? { [key]: position, ...row } : row
        }
        if (rows.length < BATCH) return
      }
    },
  }
}

/** A section of one row at most. */
const single = (name: string, is: string, read: (db: Executor, userId: string) => Promise<Row[]>): Section =>
  section([name, is], { key: '', first: null }, read)

const FIRST_ID = '00000000-0000-0000-0000-000000000000'

const { sessionToken: _, userId: __, epoch: ___, keyId: ____, ...ofSession } = getTableColumns(session)
const {
  sessionToken: _____,
  userId: ______,
  ofMany: _______,
  xid: ________,
  operationId: _________,
  ...ofRevocation
} = getTableColumns(revokedSession)
const ofReplay = {
  id: replay.id,
  sessionId: replay.sessionId,
  at: replay.at,
  count: replay.count,
  ipAddress: replay.ipAddress,
  userAgent: replay.userAgent,
  sameAddress: replay.sameAddress,
  sameProgram: replay.sameProgram,
}

/** Address and program are the person's where they acted themselves, or an application for them. */
const isOwn = (userId: string): SQL =>
  sql`(${operation.actorKind} = 'user' or (${operation.userId} is not distinct from ${userId} and ${operation.kind} in ('logout', 'session.end', 'session.replace')))`
const ifOwn = (userId: string, column: typeof operation.ipAddress | typeof operation.userAgent) =>
  sql<string | null>`case when ${isOwn(userId)} then ${column} end`

function operationsOn(db: Executor, userId: string) {
  const named = db.select({ id: operation.id }).from(operation).where(eq(operation.userId, userId))
  const acted = db
    .select({ id: operation.id })
    .from(operation)
    .where(and(eq(operation.actorId, userId), eq(operation.actorKind, 'user')))
  const ended = db
    .select({ id: sql<string>`${revokedSession.operationId}` })
    .from(revokedSession)
    .where(eq(revokedSession.userId, userId))
  return union(named, acted, ended)
}

/** Everything that is exported, in this order. */
export const SECTIONS: Section[] = [
  single('user', 'Who you are, as the application told it at your last sign-in.', (db, userId) =>
    db.select().from(user).where(eq(user.id, userId)),
  ),
  single('staff', 'Your role in the security console.', (db, userId) =>
    db.select({ role: staff.role, grantedAt: staff.grantedAt }).from(staff).where(eq(staff.userId, userId)),
  ),
  single(
    'lock',
    'Why and until when you could not sign in; without "until", until staff lift it.',
    (db, userId) =>
      db
        .select({ until: userLock.until, reason: userLock.reason, lockedAt: userLock.lockedAt })
        .from(userLock)
        .where(eq(userLock.userId, userId)),
  ),
  section(
    ['sessions', 'Where you are signed in: address and program of each sign-in, and when it was used last.'],
    { key: 'id', first: FIRST_ID },
    (db, userId, after) =>
      db
        .select(ofSession)
        .from(session)
        .where(and(eq(session.userId, userId), gt(session.id, after)))
        .orderBy(asc(session.id))
        .limit(BATCH),
  ),
  section(
    ['endedSessions', 'Sessions that were ended before their time, by you, by staff or by the application.'],
    { key: 'id', first: 0n, told: false },
    (db, userId, after) =>
      db
        .select(ofRevocation)
        .from(revokedSession)
        .where(and(eq(revokedSession.userId, userId), gt(revokedSession.id, after)))
        .orderBy(asc(revokedSession.id))
        .limit(BATCH),
  ),
  section(
    ['operations', 'What was done to your sessions and your account, when, by which kind of actor and why.'],
    { key: 'id', first: FIRST_ID },
    (db, userId, after) =>
      db
        .select({
          id: operation.id,
          at: operation.at,
          kind: operation.kind,
          scope: operation.scope,
          by: sql<string>`case when ${operation.actorKind} = 'user' then 'you' else ${operation.actorKind} end`,
          // That of an incident is about others, too.
          reason: sql<string | null>`case when ${operation.userId} = ${userId} then ${operation.reason} end`,
          ipAddress: ifOwn(userId, operation.ipAddress),
          userAgent: ifOwn(userId, operation.userAgent),
        })
        .from(operation)
        .where(and(inArray(operation.id, operationsOn(db, userId)), gt(operation.id, after)))
        .orderBy(asc(operation.id))
        .limit(BATCH),
  ),
  section(
    ['actsAsStaff', 'What you did as security staff, and from where. Whom it was done to is not told here.'],
    { key: 'id', first: FIRST_ID },
    (db, userId, after) =>
      db
        .select({
          id: operation.id,
          at: operation.at,
          kind: operation.kind,
          ipAddress: operation.ipAddress,
          userAgent: operation.userAgent,
        })
        .from(operation)
        .where(and(eq(operation.actorId, userId), ne(operation.actorKind, 'user'), gt(operation.id, after)))
        .orderBy(asc(operation.id))
        .limit(BATCH),
  ),
  section(
    [
      'reusedTokens',
      'Uses of a session after it had ended: address and program may be those of another person.',
    ],
    { key: 'id', first: 0n, told: false },
    (db, userId, after) =>
      db
        .select(ofReplay)
        .from(replay)
        .where(and(eq(replay.userId, userId), gt(replay.id, after)))
        .orderBy(asc(replay.id))
        .limit(BATCH),
  ),
  section(
    ['incidents', 'Incidents whose list of users, or whose sample of sessions, names you.'],
    { key: 'id', first: FIRST_ID },
    (db, userId, after) =>
      db
        .select({ id: incident.id, plannedAt: incident.plannedAt, state: incident.state })
        .from(incident)
        .where(
          and(
            sql`(${userId}::text = any (${incident.userIds}) or ${incident.selection} -> 'userIds' ? ${userId}
              or ${incident.sample} @> ${JSON.stringify([{ userId }])}::jsonb)`,
            gt(incident.id, after),
          ),
        )
        .orderBy(asc(incident.id))
        .limit(BATCH),
  ),
]
