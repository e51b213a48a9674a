/**
 * The sessions that an operation ended, in the order in which they were ended: in pages, because one operation may end millions. Those
 * that retention has deleted are missing.
 */
import { and, eq, gt, not, type SQL, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/pg-core'
import { type Database, type Executor, withoutDeadline } from '../database/database.ts'
import { type Column, csvLines } from '../lib/csv.ts'
import { operation, type RevokedSession, revokedSession } from './schema.ts'

/** Rows of one query when all are read. */
const BATCH = 2_000

/** At most `limit` of them after the row `after`. */
export function listEndedBy(
  db: Executor,
  operationId: string,
  after: bigint,
  limit: number,
): Promise<RevokedSession[]> {
  const { id, ofMany, userId } = revokedSession
  const page = (found: SQL | undefined) =>
    db
      .select()
      .from(revokedSession)
      .where(and(eq(revokedSession.operationId, operationId), gt(id, after), found))
      .orderBy(id)
      .limit(limit)
  const user = db.select({ id: operation.userId }).from(operation).where(eq(operation.id, operationId))
  // Each half is a walk along its index.
  return unionAll(page(ofMany.getSQL()), page(and(not(ofMany), eq(userId, user))))
    .orderBy(sql`id`)
    .limit(limit)
}

/** All of them. Throws in the middle when the database fails, so that no reader takes a part for the whole. */
export async function* allEndedBy(
  { run }: Pick<Database, 'run'>,
  operationId: string,
): AsyncGenerator<RevokedSession> {
  for (let after = 0n; ; ) {
    const from = after
    const page = await withoutDeadline(() => run((db) => listEndedBy(db, operationId, from, BATCH)))
    yield* page
    if (page.length < BATCH) return
    after = page.at(-1)?.id ?? after
  }
}

const COLUMNS: Column<RevokedSession>[] = [
  { header: 'sessionId', key: 'sessionId' },
  { header: 'userId', key: 'userId' },
  { header: 'endedAt', key: 'revokedAt' },
  { header: 'createdAt', key: 'createdAt' },
  { header: 'lastSeenAt', key: 'lastSeenAt' },
  { header: 'ipAddress', key: 'ipAddress' },
  { header: 'userAgent', key: 'userAgent' },
]

/** As CSV: the lines of the file; the first holds the column names. */
export function endedCsv(sessions: AsyncIterable<RevokedSession>): AsyncGenerator<string> {
  return csvLines(COLUMNS, sessions)
}
