/** The queries of the audit log: operations, external revocations, and the chain over operations. */
import { and, desc, eq, gte, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { union } from 'drizzle-orm/pg-core'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import type { AuditKind } from '../../operations/kinds.ts'
import { type Operation, operation, revokedSession } from '../../operations/schema.ts'
import { auditHead, auditLink } from './schema.ts'

export interface AuditFilter {
  /** Operations on this user, or that ended a session of theirs. */
  userId?: string | undefined
  actorId?: string | undefined
  /** `external`: sessions deleted outside the service. */
  kind?: AuditKind | undefined
  since?: Date | undefined
  until?: Date | undefined
}

/** The position of an entry in the list, newest first; `at` has microseconds. */
export type OperationPosition = [at: string, id: string]
export type ExternalPosition = [at: string, xid: string, userId: string]

/** To the microsecond: a JavaScript date has milliseconds, so two rows could share a position. */
const microseconds = (at: typeof operation.at | typeof revokedSession.revokedAt) =>
  sql<string>`to_char(${at} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** Matching operations, newest first, after a position. */
export function listOperations(
  db: Executor,
  { userId, actorId, kind, since, until }: AuditFilter,
  after: OperationPosition | null,
  limit: number,
): Promise<{ operation: Operation; place: string }[]> {
  if (kind === 'external') return Promise.resolve([])
  return db
    .select({ operation, place: microseconds(operation.at) })
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

function isBefore([at, id]: OperationPosition): SQL {
  return sql`(${operation.at}, ${operation.id}) < (${at}::timestamptz, ${id}::uuid)`
}

/** Operations on a user, and those that ended a session of theirs, as incidents do. */
function operationsOn(db: Executor, userId: string) {
  const named = db.select({ id: operation.id }).from(operation).where(eq(operation.userId, userId))
  const ended = db
    .select({ id: sql<string>`${revokedSession.operationId}` })
    .from(revokedSession)
    .where(eq(revokedSession.userId, userId))
  return union(named, ended)
}

export interface ExternalRevocation {
  at: Date
  userId: string
  sessions: number
  place: string
  xid: string
}

/** Sessions ended without an operation, by statement and user, newest first, after a position. */
export function listExternalRevocations(
  db: Executor,
  { userId, actorId, kind, since, until }: AuditFilter,
  after: ExternalPosition | null,
  limit: number,
): Promise<ExternalRevocation[]> {
  if (actorId !== undefined || (kind !== undefined && kind !== 'external')) return Promise.resolve([])
  const { revokedAt, xid, userId: owner } = revokedSession
  const isAfter = (place: ExternalPosition): SQL =>
    sql`(${revokedAt}, ${xid}, ${owner}) < (${place[0]}::timestamptz, ${place[1]}::xid8, ${place[2]})`
  return db
    .select({
      at: revokedAt,
      userId: owner,
      sessions: sql<number>`count(*)::integer`,
      place: microseconds(revokedAt),
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

/**
 * Adds at most `most` links for operations that have none. New operations are found by transaction ids, which are valid only on
 * the server that assigned them.
 * @returns the number of links; 0 also while another process seals.
 * @throws Error while the database is in the state after a restore from another server.
 */
export async function sealOperations(tx: Executor, most: number): Promise<number> {
  const [sealed] = await fetchRows<{ added: number | null }>(
    tx,
    sql`select case when global_logout.restored_elsewhere() then null else global_logout.seal_operations(${most}::integer) end as added`,
  )
  const added = sealed?.added ?? null
  if (added === null) throw new Error(`cannot seal operations: ${RESTORED}`)
  return added
}

/** What `restored_elsewhere()` means, and what to do about it. */
export const RESTORED =
  'the database was restored from another server. Run "global-logout migrate", or restart the service.'

export interface Head {
  seq: number
  hash: Buffer
}

/** Reads the chain head. */
export async function readHead(db: Executor): Promise<Head> {
  const [head] = await db.select({ seq: auditHead.seq, hash: auditHead.hash }).from(auditHead)
  if (!head) throw missingHead()
  return head
}

/** Whether the chain has this link. */
export async function hasLink(db: Executor, seq: number, hash: Buffer): Promise<boolean> {
  const link = and(eq(auditLink.seq, seq), eq(auditLink.hash, hash))
  return (await db.$count(auditLink, link)) > 0
}

const missingHead = () => new Error('audit_head has no row')

export interface Link extends Head {
  operationId: string
  /** The digest in the link, and that of the operation now; null if the operation is missing. */
  digest: Buffer
  now: Buffer | null
  /** Whether an erasure has taken a person out of the operation. */
  erased: boolean
  /** Whether fields are gone that no erasure names, or that retention had not reached. */
  emptied: boolean
}

/**
 * Links after `seq`, in order, each with the current digest of its operation, and the chain head in the same snapshot. A
 * subquery with a limit does one index look-up per link; for a join, the planner would scan the whole table for every batch.
 */
export async function readLinks(
  db: Executor,
  seq: number,
  limit: number,
): Promise<{ head: Head; links: Link[] }> {
  const rows = await fetchRows<{ headSeq: number; headHash: Buffer } & (Link | { seq: null })>(
    db,
    sql`
    select h.seq::float8 as "headSeq", h.hash as "headHash",
      l.seq::float8 as seq, l.hash, l.operation_id as "operationId", l.digest, now.digest as now,
      coalesce(now.erased, false) as erased, coalesce(now.emptied, false) as emptied
    from global_logout.audit_head h left join (
      select * from global_logout.audit_link where seq > ${seq} order by seq limit ${limit}
    ) l on true left join lateral (
      select global_logout.operation_digest(o, l) as digest, o.erased_by is not null as erased,
        (o.erased_by is null and num_nonnulls(l.subject_hash, l.selection_hash, l.actor_hash) > 0)
          or (l.origin_hash is not null and l.actor_hash is null and coalesce(o.at >= (select max((d.result ->> 'before'::text)::timestamptz)
            from global_logout.operation d where d.kind = 'addresses.delete'), true)) as emptied
      from global_logout.operation o where o.id = l.operation_id limit 1
    ) now on true order by l.seq`,
  )
  if (!rows[0]) throw missingHead()
  const { headSeq, headHash } = rows[0]
  return { head: { seq: headSeq, hash: headHash }, links: rows.filter((row) => row.seq !== null) }
}

/** A page of operations in the order of time, and those of them without a link. */
export async function readCoverage(
  db: Executor,
  after: OperationPosition,
  limit: number,
): Promise<{ count: number; uncovered: string[]; last: OperationPosition | null }> {
  const rows = await db
    .select({
      place: sql<string>`${operation.at}::text`,
      id: operation.id,
      covered: sql<boolean>`(select true from global_logout.audit_link where operation_id = ${operation.id}) is not null
        or abs(extract(epoch from statement_timestamp() - ${operation.at})) < 60::numeric`,
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
