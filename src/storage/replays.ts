/** The named queries on `replay`: revoked tokens that came again. */
import { desc, eq, sql } from 'drizzle-orm'
import type { Executor } from './database.ts'
import { fetchRows } from './rows.ts'
import { type Replay, replay } from './staff-schema.ts'

/** A user's replays, newest first. */
export function listReplays(db: Executor, userId: string, limit: number): Promise<Replay[]> {
  return db
    .select()
    .from(replay)
    .where(eq(replay.userId, userId))
    .orderBy(desc(replay.at), desc(replay.id))
    .limit(limit)
}

export interface Presented {
  /** The hash of the token. */
  hash: string
  count: number
  ipAddress: string | null
  userAgent: string | null
}

const REPLAY_LOCK = 7_161_970_004n

/**
 * Records those among refused tokens that were revoked, and have no record of the last minute yet. A device learns by asking
 * that it was signed out: what comes from the session's own address and user agent in the first minute is the rule, not a sign
 * of theft. Instances take turns, so that there is one record a minute however many of them are asked. Run it in a transaction.
 * @returns for each token whether there is nothing to tell of it, it was recorded, or has to wait; null when it is another's turn.
 */
export async function recordReplays(
  tx: Executor,
  presented: Presented[],
): Promise<('other' | 'recorded' | 'waits')[] | null> {
  const [turn] = await fetchRows<{ mine: boolean }>(
    tx,
    sql`select pg_try_advisory_xact_lock(${REPLAY_LOCK}) as mine`,
  )
  if (!turn?.mine) return null
  const column = (of: (one: Presented) => string | number | null) => sql.param(presented.map(of))
  const rows = await fetchRows<{ position: number; recorded: boolean }>(
    tx,
    sql`
    with known as (
      select asked.*, r.session_id, r.user_id, r.operation_id
      from unnest(${column((p) => p.hash)}::text[], ${column((p) => p.count)}::integer[],
        ${column((p) => p.ipAddress)}::inet[], ${column((p) => p.userAgent)}::text[])
        with ordinality as asked (hash, count, ip_address, user_agent, position),
      lateral (select * from revoked_session where session_token = asked.hash order by id desc limit 1) r
      where not coalesce(r.ip_address = asked.ip_address and r.user_agent = asked.user_agent
        and r.revoked_at > statement_timestamp() - interval '1 minute', false)
    ), recorded as (
      insert into replay (session_id, user_id, operation_id, count, ip_address, user_agent)
      select session_id, user_id, operation_id, count, ip_address, user_agent from known
      where not exists (select from replay
        where replay.user_id = known.user_id and replay.session_id = known.session_id
          and replay.at > statement_timestamp() - interval '1 minute')
      returning session_id
    )
    select position::integer, exists (select from recorded where recorded.session_id = known.session_id) as recorded
    from known`,
  )
  const fates = presented.map((): 'other' | 'recorded' | 'waits' => 'other')
  for (const { position, recorded } of rows) fates[position - 1] = recorded ? 'recorded' : 'waits'
  return fates
}
