/**
 * The named queries of the feed. A page holds what the snapshot of its reader does not show and a later one does: what
 * was committed between, whatever the order in which transactions began. What retention has deleted is not skipped in
 * silence: a cursor from before it is reported as too old, in the same statement that reads the rows.
 */
import { hash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import {
  type Cursor,
  type Place,
  type Snapshot,
  snapshotOf,
  snapshotText,
  WORLD_LENGTH,
} from '../propagation/cursor.ts'
import type { Database, Transaction } from './database.ts'
import { feedHorizon, type LogoutScope, type OperationKind, revokedSession } from './schema.ts'

/** Events of a page at most. */
export const PAGE = 1_000

export interface FeedRow extends Place {
  sessionId: string
  userId: string
  /** Null, like what follows, when the session was ended around this service. */
  operationId: string | null
  revokedAt: Date
  kind: OperationKind | null
  scope: LogoutScope | null
}

export interface FeedRead {
  /** The history of the database: cluster, database, timeline. */
  world: string
  /** Up to where was read. */
  upper: Snapshot
  /** Whether rows that belong here may have been deleted. */
  tooOld: boolean
  /** In order; one more than a page holds when there are more. */
  rows: FeedRow[]
}

const LIMIT = PAGE + 1
const COLUMNS = 'r.xid, r.id, r.session_id, r.user_id, r.operation_id, r.revoked_at'

/**
 * New are the transactions that were under way in `last` ($1), each by itself, and those that began after it, as one
 * range: neither looks at rows that were handed out before, however long a transaction holds `xmin` back. $3 and $4 are
 * the row that was handed out last; $5 and $6 the same for the range, which does not begin before `xmax` of `last`.
 */
export const READ_FEED = {
  name: 'read-feed',
  text: `with asked as materialized (
    select coalesce($2::pg_snapshot, pg_current_snapshot()) as upper,
      concat_ws('/', (select system_identifier from pg_control_system()),
        (select oid from pg_database where datname = current_database()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8)) as world,
      coalesce(pg_snapshot_xmin($1::pg_snapshot) <= (select xid from feed_horizon), false) as too_old
  ), page as (
    select * from (
      (select next.* from pg_snapshot_xip($1::pg_snapshot) as open (xid)
        cross join lateral (
          select ${COLUMNS} from revoked_session r
          where r.xid = open.xid and (r.xid, r.id) > ($3::xid8, $4::bigint) order by r.xid, r.id limit ${LIMIT}
        ) next
        where pg_visible_in_snapshot(open.xid, (select upper from asked)))
      union all
      (select ${COLUMNS} from revoked_session r
        where (r.xid, r.id) > ($5::xid8, $6::bigint) and r.xid < pg_snapshot_xmax((select upper from asked))
          and pg_visible_in_snapshot(r.xid, (select upper from asked))
        order by r.xid, r.id limit ${LIMIT})
    ) news order by xid, id limit ${LIMIT}
  )
  select asked.upper::text, asked.world, asked.too_old, page.xid::text, page.id::text, page.session_id, page.user_id,
    page.operation_id, page.revoked_at, o.kind, o.scope
  from asked left join page on true left join operation o on o.id = page.operation_id
  order by page.xid, page.id`,
}

type Row = [
  upper: string,
  world: string,
  tooOld: boolean,
  xid: string | null,
  id: string,
  sessionId: string,
  userId: string,
  operationId: string | null,
  revokedAt: Date,
  kind: OperationKind | null,
  scope: LogoutScope | null,
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
    world: hash('sha256', first[1], 'base64url').slice(0, WORLD_LENGTH),
    tooOld: first[2],
    rows: rows.flatMap(([, , , xid, id, sessionId, userId, operationId, revokedAt, kind, scope]) =>
      xid === null
        ? []
        : { xid: BigInt(xid), id: BigInt(id), sessionId, userId, operationId, revokedAt, kind, scope },
    ),
  }
}

/** Rows that one step of the sweep looks at. */
const STEP = 1_000

/**
 * One step of retention: deletes revocations that are older than it, of the oldest rows, and notes up to which transaction
 * in the same transaction. Those of transactions that were not all over are left for later: a cursor that was taken after a
 * deletion is never too old.
 * @returns how many were deleted; as many as a step holds when there may be more.
 */
export async function sweepRevocations(
  tx: Transaction,
  retentionSeconds: number,
): Promise<{ deleted: number; mayBeMore: boolean }> {
  const old = sql`select id from ${revokedSession} order by id limit ${STEP}`
  const { rows } = (await tx.execute(sql`with gone as (
      delete from ${revokedSession} where id in (${old})
        and revoked_at < statement_timestamp() - make_interval(secs => ${retentionSeconds})
        and xid < pg_snapshot_xmin(pg_current_snapshot())
      returning xid
    ), horizon as (
      update ${feedHorizon} set xid = greatest(${feedHorizon.xid}, (select max(xid) from gone))
      where exists (select from gone)
    )
    select count(*)::int as deleted from gone`)) as unknown as { rows: { deleted: number }[] }
  const deleted = rows[0]?.deleted ?? 0
  return { deleted, mayBeMore: deleted === STEP }
}
