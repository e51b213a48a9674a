/**
 * The named queries of the feed. A page holds what the snapshot of its reader does not show and a later one does: what
 * was committed between, whatever the order in which transactions began. What retention has deleted is not skipped in
 * silence: a cursor from before it is reported as too old, in the same statement that reads the rows.
 */
import { hash } from 'node:crypto'
import type { Database } from '../database/database.ts'
import type { LogoutScope, OperationKind } from '../operations/kinds.ts'
import {
  type Cursor,
  DATABASE_ID_LENGTH,
  type Place,
  type Snapshot,
  snapshotOf,
  snapshotText,
} from './cursor.ts'

/** Events of a page at most. */
export const PAGE = 1_000

interface Happened extends Place {
  sessionId: string
  userId: string
  /** What ended the session; null, like its kind and scope, when that was done outside this service. */
  operationId: string | null
  at: Date
}

/** A living session was ended. */
export interface RevocationRow extends Happened {
  type: 'session.revoked'
  kind: OperationKind | null
  scope: LogoutScope | null
}

/** The token of a session that was ended came again. */
export interface ReplayRow extends Happened {
  type: 'session.replayed'
  /** How often, since the record before. */
  count: number
  ipAddress: string | null
  userAgent: string | null
  /** Whether they are those that the session had; null when one of the two is unknown. */
  sameAddress: boolean | null
  sameProgram: boolean | null
}

export type FeedRow = RevocationRow | ReplayRow

export interface FeedRead {
  /** The history of the database: cluster, database, timeline. */
  databaseId: string
  /** Up to where was read. */
  upper: Snapshot
  /** Whether rows that belong here may have been deleted. */
  tooOld: boolean
  /** In order; one more than a page holds when there are more. */
  rows: FeedRow[]
}

const LIMIT = PAGE + 1

/**
 * New are the transactions that were under way in `last` ($1), each by itself, and those that began after it, as one
 * range: neither looks at rows that were handed out before, however long a transaction holds `xmin` back. $3 and $4 are
 * the row that was handed out last; $5 and $6 the same for the range, which does not begin before `xmax` of `last`. Both
 * tables are read along their indexes, merged: their rows are numbered by one sequence.
 */
export const READ_FEED = {
  name: 'read-feed',
  text: `with feed as not materialized (
    select xid, id, session_id, user_id, operation_id, revoked_at as at,
      null::integer as count, null::inet as ip_address, null::text as user_agent,
      null::boolean as same_address, null::boolean as same_program from revoked_session
    union all
    select xid, id, session_id, user_id, operation_id, at, count, ip_address, user_agent, same_address, same_program from replay
  ), asked as materialized (
    select coalesce($2::pg_snapshot, pg_current_snapshot()) as upper,
      pg_catalog.concat_ws('/', (select system_identifier from pg_control_system()),
        (select oid from pg_database where datname = current_database()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8)) as databaseId,
      coalesce(pg_snapshot_xmin($1::pg_snapshot) <= (select xid from feed_horizon), false) as too_old
  ), page as (
    select * from (
      (select next.* from pg_snapshot_xip($1::pg_snapshot) as open (xid)
        cross join lateral (
          select * from feed r
          where r.xid = open.xid and (r.xid, r.id) > ($3::xid8, $4::bigint) order by r.xid, r.id limit ${LIMIT}
        ) next
        where pg_visible_in_snapshot(open.xid, (select upper from asked)))
      union all
      (select * from feed r
        where (r.xid, r.id) > ($5::xid8, $6::bigint) and r.xid < pg_snapshot_xmax((select upper from asked))
          and pg_visible_in_snapshot(r.xid, (select upper from asked))
        order by r.xid, r.id limit ${LIMIT})
    ) news order by xid, id limit ${LIMIT}
  )
  select asked.upper::text, asked.databaseId, asked.too_old, page.xid::text, page.id::text, page.session_id, page.user_id,
    page.operation_id, page.at, o.kind, o.scope, page.count, page.ip_address, page.user_agent,
    page.same_address, page.same_program
  from asked left join page on true left join operation o on o.id = page.operation_id
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
  /** Null for what is no replay. */
  count: number | null,
  ipAddress: string | null,
  userAgent: string | null,
  sameAddress: boolean | null,
  sameProgram: boolean | null,
]

/**
 * Reads one page after a cursor, up to its own upper snapshot, else to `upper`, else to now. With null for the cursor,
 * nothing but where the feed is now.
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
    from && snapshotText(from.last),
    to && snapshotText(to),
    ...[after, start].flatMap(({ xid, id }) => (from ? [String(xid), String(id)] : [null, null])),
  ]
  const rows = await query<Row>({ ...READ_FEED, values })
  const [first] = rows
  if (!first) throw new Error('the feed was read, and nothing came back')
  return {
    upper: snapshotOf(first[0]),
    databaseId: hash('sha256', first[1], 'base64url').slice(0, DATABASE_ID_LENGTH),
    tooOld: first[2],
    rows: rows.flatMap(rowOf),
  }
}

function rowOf([, , , xid, id, ...rest]: Row): FeedRow[] {
  if (xid === null) return []
  const [sessionId, userId, operationId, at, kind, scope, count, ...by] = rest
  const [ipAddress, userAgent, sameAddress, sameProgram] = by
  const happened = { xid: BigInt(xid), id: BigInt(id), sessionId, userId, operationId, at }
  return count === null
    ? [{ type: 'session.revoked', ...happened, kind, scope }]
    : [{ type: 'session.replayed', ...happened, count, ipAddress, userAgent, sameAddress, sameProgram }]
}
