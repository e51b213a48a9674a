/**
 * The query of the feed. A page holds the rows that a later snapshot shows and the cursor's does not: those committed between
 * the two, in whatever order their transactions began. A cursor from before a deletion by retention is reported as too old, in
 * the same statement that reads the rows.
 */
import { hash } from 'node:crypto'
import type { Database } from '../database/database.ts'
import { formatSnapshot, parseSnapshot, type Snapshot } from '../database/snapshots.ts'
import type { LogoutScope, OperationKind } from '../operations/kinds.ts'
import { type Cursor, DATABASE_ID_LENGTH, type Position } from './cursor.ts'

/** Most events of a page. */
export const PAGE = 1_000

interface EventRow extends Position {
  sessionId: string
  userId: string
  /** The operation that ended the session; null, like its kind and scope, when it was ended outside this service. */
  operationId: string | null
  at: Date
}

/** A valid session was ended. */
export interface RevocationRow extends EventRow {
  type: 'session.revoked'
  kind: OperationKind | null
  scope: LogoutScope | null
}

/** The token of an ended session was used again. */
export interface ReplayRow extends EventRow {
  type: 'session.replayed'
  /** How often, since the last record. */
  count: number
  ipAddress: string | null
  userAgent: string | null
  /** Whether they equal those of the session; null when either is unknown. */
  sameAddress: boolean | null
  sameProgram: boolean | null
}

export type FeedRow = RevocationRow | ReplayRow

export interface FeedRead {
  /** The history of the database: cluster, database, timeline. */
  databaseId: string
  /** The snapshot that bounds this read. */
  upper: Snapshot
  /** Whether rows after the cursor may have been deleted. */
  tooOld: boolean
  /** In order; one more than a page when there are more. */
  rows: FeedRow[]
}

const LIMIT = PAGE + 1

/**
 * Reads the transactions that were in progress in `last` ($1), one by one, and those that began after it, as one range. Neither
 * part reads delivered rows again, even while a long transaction holds `xmin` back. $3 and $4 are the last delivered row; $5 and
 * $6 the same for the range, which begins at `xmax` of `last` at the earliest. One sequence numbers the rows of both tables, so
 * the query merges them along their indexes.
 */
export const READ_FEED = {
  name: 'read-feed',
  text: `with feed as not materialized (
    select xid, id, session_id, user_id, operation_id, revoked_at as at,
      null::integer as count, null::inet as ip_address, null::text as user_agent,
      null::boolean as same_address, null::boolean as same_program from global_logout.revoked_session
    union all
    select xid, id, session_id, user_id, operation_id, at, count, ip_address, user_agent, same_address, same_program from global_logout.replay
  ), bounds as materialized (
    select coalesce($2::pg_snapshot, pg_current_snapshot()) as upper,
      pg_catalog.concat_ws('/', (select system_identifier from pg_control_system()),
        (select oid from pg_database where datname = current_database()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8)) as database_id,
      coalesce(pg_snapshot_xmin($1::pg_snapshot) <= (select xid from global_logout.feed_horizon), false) as too_old
  ), page as (
    select * from (
      (select next.* from pg_snapshot_xip($1::pg_snapshot) as open (xid)
        cross join lateral (
          select * from feed r
          where r.xid = open.xid and (r.xid, r.id) > ($3::xid8, $4::bigint) order by r.xid, r.id limit ${LIMIT}
        ) next
        where pg_visible_in_snapshot(open.xid, (select upper from bounds)))
      union all
      (select * from feed r
        where (r.xid, r.id) > ($5::xid8, $6::bigint) and r.xid < pg_snapshot_xmax((select upper from bounds))
          and pg_visible_in_snapshot(r.xid, (select upper from bounds))
        order by r.xid, r.id limit ${LIMIT})
    ) unseen order by xid, id limit ${LIMIT}
  )
  select bounds.upper::text, bounds.database_id, bounds.too_old, page.xid::text, page.id::text, page.session_id, page.user_id,
    page.operation_id, page.at, o.kind, o.scope, page.count, page.ip_address, page.user_agent,
    page.same_address, page.same_program
  from bounds left join page on true left join global_logout.operation o on o.id = page.operation_id
  order by page.xid, page.id`,
}

type Row = [
  upper: string,
  databaseId: string,
  tooOld: boolean,
  xid: string | null,
  id: string,
  sessionId: string,
  userId: string,
  operationId: string | null,
  at: Date,
  kind: OperationKind | null,
  scope: LogoutScope | null,
  /** Null unless the row is a replay. */
  count: number | null,
  ipAddress: string | null,
  userAgent: string | null,
  sameAddress: boolean | null,
  sameProgram: boolean | null,
]

/**
 * Reads one page after a cursor, up to the cursor's upper snapshot, else `upper`, else now. With null instead of a cursor, reads
 * only the current snapshot.
 */
export async function readFeed(
  query: Database['query'],
  from: Cursor | null,
  upper: Snapshot | null = null,
): Promise<FeedRead> {
  const to = from?.within?.upper ?? upper
  const after = from?.within?.after ?? { xid: 0n, id: 0n }
  const start = from && after.xid < from.last.xmax ? { xid: from.last.xmax, id: 0n } : after
  const values = [
    from && formatSnapshot(from.last),
    to && formatSnapshot(to),
    ...[after, start].flatMap(({ xid, id }) => (from ? [String(xid), String(id)] : [null, null])),
  ]
  const rows = await query<Row>({ ...READ_FEED, values })
  const [first] = rows
  if (!first) throw new Error('the feed query returned no row')
  return {
    upper: parseSnapshot(first[0]),
    databaseId: hash('sha256', first[1], 'base64url').slice(0, DATABASE_ID_LENGTH),
    tooOld: first[2],
    rows: rows.flatMap(rowOf),
  }
}

function rowOf([, , , xid, id, ...rest]: Row): FeedRow[] {
  if (xid === null) return []
  const [sessionId, userId, operationId, at, kind, scope, count, ...by] = rest
  const [ipAddress, userAgent, sameAddress, sameProgram] = by
  const event = { xid: BigInt(xid), id: BigInt(id), sessionId, userId, operationId, at }
  return count === null
    ? [{ type: 'session.revoked', ...event, kind, scope }]
    : [{ type: 'session.replayed', ...event, count, ipAddress, userAgent, sameAddress, sameProgram }]
}
