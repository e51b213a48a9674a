/** The named queries of the audit: operations, what was ended around this service, and the chain that seals operations. */
import { and, desc, eq, gte, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { union } from 'drizzle-orm/pg-core'
import type { Executor } from './database.ts'
import { revokedSession } from './schema.ts'
import { auditHead, type Operation, type OperationKind, operation } from './staff-schema.ts'

export interface AuditFilter {
  /** Operations on this user, or that ended a session of theirs. */
  userId?: string | undefined
  actorId?: string | undefined
  /** `around`: sessions deleted behind the service's back. */
  kind?: OperationKind | 'around' | undefined
  since?: Date | undefined
  until?: Date | undefined
}

/** A place in a list, from the newest on: what is told there, first of all an instant to the microsecond. */
export type OperationPlace = [at: string, id: string]
export type AroundPlace = [at: string, xid: string, userId: string]

/** A JavaScript date has milliseconds only: two rows within one would be one place. */
const exactly = (at: typeof operation.at | typeof revokedSession.revokedAt) =>
  sql<string>`to_char(${at} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** Operations that match, newest first, after a place. */
export function listOperations(
  db: Executor,
  { userId, actorId, kind, since, until }: AuditFilter,
  after: OperationPlace | null,
  limit: number,
): Promise<{ operation: Operation; place: string }[]> {
  if (kind === 'around') return Promise.resolve([])
  return db
    .select({ operation, place: exactly(operation.at) })
    .from(operation)
    .where(
      and(
        userId === undefined ? undefined : inArray(operation.id, operationsOn(db, userId)),
        actorId === undefined ? undefined : eq(operation.actorId, actorId),
        kind === undefined ? undefined : eq(operation.kind, kind),
        since && gte(operation.at, since),
        until && lt(operation.at, until),
        after ? isBefore(after) : undefined,
      ),
    )
    .orderBy(desc(operation.at), desc(operation.id))
    .limit(limit)
}

function isBefore([at, id]: OperationPlace): SQL {
  return sql`(${operation.at}, ${operation.id}) < (${at}::timestamptz, ${id}::uuid)`
}

/** An incident names no user, and ends sessions of many. */
function operationsOn(db: Executor, userId: string) {
  const named = db.select({ id: operation.id }).from(operation).where(eq(operation.userId, userId))
  const ended = db
    .select({ id: sql<string>`${revokedSession.operationId}` })
    .from(revokedSession)
    .where(eq(revokedSession.userId, userId))
  return union(named, ended)
}

export interface Around {
  at: Date
  userId: string
  sessions: number
  place: string
  xid: string
}

/** Sessions ended without an operation, by statement and user, newest first, after a place. */
export function listAround(
  db: Executor,
  { userId, actorId, kind, since, until }: AuditFilter,
  after: AroundPlace | null,
  limit: number,
): Promise<Around[]> {
  if (actorId !== undefined || (kind !== undefined && kind !== 'around')) return Promise.resolve([])
  const { revokedAt, xid, userId: owner } = revokedSession
  const isAfter = (place: AroundPlace): SQL =>
    sql`(${revokedAt}, ${xid}, ${owner}) < (${place[0]}::timestamptz, ${place[1]}::xid8, ${place[2]})`
  return db
    .select({
      at: revokedAt,
      userId: owner,
      sessions: sql<number>`count(*)::integer`,
      place: exactly(revokedAt),
      xid: sql<string>`${xid}::text`,
    })
    .from(revokedSession)
    .where(
      and(
        isNull(revokedSession.operationId),
        userId === undefined ? undefined : eq(owner, userId),
        since && gte(revokedAt, since),
        until && lt(revokedAt, until),
        after ? isAfter(after) : undefined,
      ),
    )
    .groupBy(revokedAt, xid, owner)
    .orderBy(desc(revokedAt), desc(xid), desc(owner))
    .limit(limit)
}

/** Adds links for operations that have none, `most` at most. @returns how many; none, too, while another is at it. */
export async function sealOperations(tx: Executor, most: number): Promise<number> {
  const { rows } = (await tx.execute(sql`select seal_operations(${most}) as added`)) as unknown as {
    rows: { added: number }[]
  }
  return rows[0]?.added ?? 0
}

export interface Head {
  seq: number
  hash: Buffer
}

/** Where the chain ends. */
export async function readHead(db: Executor): Promise<Head | null> {
  const [head] = await db.select({ seq: auditHead.seq, hash: auditHead.hash }).from(auditHead)
  return head ?? null
}

export interface Link extends Head {
  operationId: string
  /** What the link says of its operation, and what the operation says now; null when it is gone. */
  digest: Buffer
  now: Buffer | null
}

/**
 * Links after `seq`, in order, each with what its operation is worth now. One index look-up each: asked for a join, the
 * planner would read the whole table for every few thousand.
 */
export async function readLinks(db: Executor, seq: number, limit: number): Promise<Link[]> {
  const { rows } = (await db.execute(sql`
    select seq::float8 as seq, hash, operation_id as "operationId", digest,
      (select operation_digest(o) from operation o where o.id = l.operation_id) as now
    from audit_link l where seq > ${seq} order by l.seq limit ${limit}`)) as unknown as { rows: Link[] }
  return rows
}

/** A page of operations, in the order of time, and those of it that no link covers. */
export async function readCover(
  db: Executor,
  after: OperationPlace,
  limit: number,
): Promise<{ count: number; uncovered: string[]; last: OperationPlace | null }> {
  const rows = await db
    .select({
      place: sql<string>`${operation.at}::text`,
      id: operation.id,
      covered: sql<boolean>`(select true from audit_link where operation_id = ${operation.id}) is not null
        or abs(extract(epoch from statement_timestamp() - ${operation.at})) < 60`,
    })
    .from(operation)
    .where(sql`(${operation.at}, ${operation.id}) > (${after[0]}::timestamptz, ${after[1]}::uuid)`)
    .orderBy(operation.at, operation.id)
    .limit(limit)
  const last = rows.at(-1)
  return {
    count: rows.length,
    uncovered: rows.filter(({ covered }) => !covered).map(({ id }) => id),
    last: last ? [last.place, last.id] : null,
  }
}
