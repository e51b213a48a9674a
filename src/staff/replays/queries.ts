/** The queries on `replay`: uses of revoked tokens. */
import { desc, eq, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { type Operation, operation } from '../../operations/schema.ts'
import { type Replay, replay } from './schema.ts'

export interface ListedReplay extends Replay {
  /** The operation in which staff said that they have seen it. */
  acknowledged: Operation | null
}

/** A user's replays, newest first. */
export async function listReplays(db: Executor, userId: string, limit: number): Promise<ListedReplay[]> {
  const rows = await db
    .select({ replay, acknowledged: operation })
    .from(replay)
    .leftJoin(operation, eq(operation.id, replay.acknowledgedBy))
    .where(eq(replay.userId, userId))
    .orderBy(desc(replay.at), desc(replay.id))
    .limit(limit)
  return rows.map(({ replay, acknowledged }) => ({ ...replay, acknowledged }))
}

/** Marks a user's replays as seen, those until `until` or all. @returns how many were not before. */
export async function acknowledgeReplays(
  tx: Executor,
  userId: string,
  operationId: string,
  until: Date | null,
): Promise<number> {
  const [done] = await fetchRows<{ count: number }>(
    tx,
    sql`with seen as (
      update global_logout.replay set acknowledged_by = ${operationId}::uuid
      where user_id = ${userId} and acknowledged_by is null
        and (${until?.toISOString() ?? null}::timestamptz is null
          or date_trunc('milliseconds'::text, at) <= ${until?.toISOString() ?? null}::timestamptz) returning 1
    ) select count(*)::integer as count from seen`,
  )
  return done?.count ?? 0
}

/** A refused token and its uses. */
export interface TokenUses {
  /** The hash of the token. */
  hash: string
  uses: {
    ipAddress: string | null
    userAgent: string | null
    ageMs: number
    count: number
    /** Whether the last record names this address. The next record prefers another one. */
    alreadyRecorded: boolean
  }[]
}

export interface Verdict {
  /**
   * `own_device`: revoked, and used only by its own device within a minute. `deferred`: this minute has a record already.
   */
  status: 'unknown' | 'own_device' | 'recorded' | 'deferred'
  /** The address that the record names. */
  ipAddress: string | null
  /** Of what is recorded: the session, what ended it, the uses, and whether the sender had its address and its program. */
  sessionId?: string
  operationId?: string | null
  count?: number
  sameAddress?: boolean | null
  sameProgram?: boolean | null
}

const UNKNOWN: Verdict = { status: 'unknown', ipAddress: null }

/**
 * Records the revoked tokens among refused ones, unless the last minute has a record already. A device learns of its sign-out
 * by a request: requests from the session's own address and user agent within a minute of its end are normal, not a sign of
 * theft. The time of the use counts, not the time of this query. Of several senders, the record names one that is not the
 * session's own device and that the previous record did not name. Run it in a transaction that holds the lock `replays`, so
 * that all instances together write one record a minute.
 */
export async function recordReplays(tx: Executor, tokens: TokenUses[]): Promise<Verdict[]> {
  const all = tokens.flatMap(({ uses }, i) => uses.map((use) => ({ ...use, token: i + 1 })))
  const column = (read: (use: (typeof all)[number]) => string | number | boolean | null) =>
    sql.param(all.map(read))
  const rows = await fetchRows<Verdict & { token: number }>(
    tx,
    sql`
    with revoked as materialized (
      select asked.token, r.*
      from pg_catalog.unnest(${sql.param(tokens.map(({ hash }) => hash))}::text[]) with ordinality as asked (hash, token),
      lateral (select session_id, user_id, operation_id, revoked_at, host(ip_address) as ip_address, user_agent
        from global_logout.revoked_session where session_token = asked.hash order by id desc limit 1) r
    ), presented as (
      select token, session_id, user_id, operation_id, revoked_at, by.ip_address, by.user_agent, age_ms, count, already_recorded,
        r.ip_address = host(by.ip_address) as same_address,
        case when r.user_agent is not null then r.user_agent is not distinct from by.user_agent end as same_program
      from revoked r join unnest(${column((use) => use.token)}::integer[], ${column((use) => use.ageMs)}::float8[],
        ${column((use) => use.count)}::integer[], ${column((use) => use.ipAddress)}::inet[],
        ${column((use) => use.userAgent)}::text[], ${column((use) => use.alreadyRecorded)}::boolean[])
        as by (token, age_ms, count, ip_address, user_agent, already_recorded) using (token)
    ), alarm as (
      select distinct on (token) *, (sum(count) over (partition by token))::integer as total
      from presented
      where not (coalesce(same_address and same_program, false)
        and statement_timestamp() - age_ms * interval '1 millisecond' < revoked_at + interval '1 minute')
      order by token, coalesce(same_address and same_program, false), already_recorded, age_ms desc
    ), recorded as (
      insert into global_logout.replay (session_id, user_id, operation_id, count, ip_address, user_agent, same_address, same_program)
      select session_id, user_id, operation_id, total, ip_address, user_agent, same_address, same_program from alarm
      where not exists (select from global_logout.replay
        where replay.user_id = alarm.user_id and replay.session_id = alarm.session_id
          and replay.at > statement_timestamp() - interval '1 minute')
      returning session_id
    )
    select revoked.token::integer, host(alarm.ip_address) as "ipAddress", revoked.session_id as "sessionId",
      revoked.operation_id as "operationId", alarm.total as count, alarm.same_address as "sameAddress", alarm.same_program as "sameProgram",
      case when alarm.token is null then 'own_device'
        when exists (select from recorded where recorded.session_id = revoked.session_id) then 'recorded'
        else 'deferred' end as status
    from revoked left join alarm using (token)`,
  )
  const verdicts = tokens.map(() => UNKNOWN)
  for (const { token, ...verdict } of rows) verdicts[token - 1] = verdict
  return verdicts
}
