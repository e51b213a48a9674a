/** The named queries on `replay`: revoked tokens that came again. */
import { desc, eq, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { type Replay, replay } from './schema.ts'

/** A user's replays, newest first. */
export function listReplays(db: Executor, userId: string, limit: number): Promise<Replay[]> {
  return db
    .select()
    .from(replay)
    .where(eq(replay.userId, userId))
    .orderBy(desc(replay.at), desc(replay.id))
    .limit(limit)
}

/** A refused token, and who presented it when. */
export interface Presented {
  /** The hash of the token. */
  hash: string
  by: {
    ipAddress: string | null
    userAgent: string | null
    /** How long ago. */
    ageMs: number
    count: number
    /** Whether the last record named this address: another one comes first now. */
    told: boolean
  }[]
}

export interface Verdict {
  /** `own`: revoked, and all presentations were its own device's, within the minute. `waits`: there is a record of this minute. */
  fate: 'unknown' | 'own' | 'recorded' | 'waits'
  /** Of the record. */
  ipAddress: string | null
}

const UNKNOWN: Verdict = { fate: 'unknown', ipAddress: null }

/**
 * Records those among refused tokens that were revoked, and have no record of the last minute yet. A device learns by asking
 * that it was signed out: what came from the session's own address and user agent within a minute of its end is the rule, not
 * a sign of theft. When it came counts, not when this asks. Of several senders the record names one that is not the session's
 * own device, and that the record before did not name. Run it in a transaction that has the turn at `replays`, so that there
 * is one record a minute however many instances are asked.
 */
export async function recordReplays(tx: Executor, presented: Presented[]): Promise<Verdict[]> {
  const all = presented.flatMap(({ by }, i) => by.map((one) => ({ ...one, token: i + 1 })))
  const column = (of: (one: (typeof all)[number]) => string | number | boolean | null) =>
    sql.param(all.map(of))
  const rows = await fetchRows<Verdict & { token: number }>(
    tx,
    sql`
    with revoked as materialized (
      select asked.token, r.*
      from pg_catalog.unnest(${sql.param(presented.map(({ hash }) => hash))}::text[]) with ordinality as asked (hash, token),
      lateral (select session_id, user_id, operation_id, revoked_at, host(ip_address) as ip_address, user_agent
        from revoked_session where session_token = asked.hash order by id desc limit 1) r
    ), presented as (
      select token, session_id, user_id, operation_id, revoked_at, by.ip_address, by.user_agent, age_ms, count, told,
        r.ip_address = host(by.ip_address) as same_address,
        case when r.user_agent is not null then r.user_agent is not distinct from by.user_agent end as same_program
      from revoked r join unnest(${column((one) => one.token)}::integer[], ${column((one) => one.ageMs)}::float8[],
        ${column((one) => one.count)}::integer[], ${column((one) => one.ipAddress)}::inet[],
        ${column((one) => one.userAgent)}::text[], ${column((one) => one.told)}::boolean[])
        as by (token, age_ms, count, ip_address, user_agent, told) using (token)
    ), alarm as (
      select distinct on (token) *, (sum(count) over (partition by token))::integer as total
      from presented
      where not (coalesce(same_address and same_program, false)
        and statement_timestamp() - age_ms * interval '1 millisecond' < revoked_at + interval '1 minute')
      order by token, coalesce(same_address and same_program, false), told, age_ms desc
    ), recorded as (
      insert into replay (session_id, user_id, operation_id, count, ip_address, user_agent, same_address, same_program)
      select session_id, user_id, operation_id, total, ip_address, user_agent, same_address, same_program from alarm
      where not exists (select from replay
        where replay.user_id = alarm.user_id and replay.session_id = alarm.session_id
          and replay.at > statement_timestamp() - interval '1 minute')
      returning session_id
    )
    select revoked.token::integer, host(alarm.ip_address) as "ipAddress",
      case when alarm.token is null then 'own'
        when exists (select from recorded where recorded.session_id = revoked.session_id) then 'recorded'
        else 'waits' end as fate
    from revoked left join alarm using (token)`,
  )
  const verdicts = presented.map(() => UNKNOWN)
  for (const { token, ...verdict } of rows) verdicts[token - 1] = verdict
  return verdicts
}
