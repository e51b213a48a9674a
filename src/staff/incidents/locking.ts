/**
 * Locks the users of an incident as it executes, each with an operation of their own in the name of who executed it. A user is
 * locked before, or together with, the end of their sessions, so that no sign-in slips in between. It never waits: users whose
 * row is held, as by a sign-in in progress, are left for another pass.
 */
import { sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { session, user, userLock } from '../../sessions/schema.ts'
import { incident } from './schema.ts'
import { type Selection, usersOf } from './selector-values.ts'

/** How long an incident locks its users: seconds from its start; null until staff unlock them. */
export interface IncidentLock {
  seconds: number | null
}

interface Locking {
  id: string
  operationId: string
  reason: string
  selection: Selection
}

/** The same instant for each user and each runner. Null without an end. */
const untilOf = (id: string) =>
  sql`(select started_at + pg_catalog.make_interval(secs => lock_seconds::double precision) from ${incident} where id = ${id})`

/** Of users that the selection names, the next few that are not locked for as long. Empty where it does not select by user. */
export async function nextToLock(
  tx: Executor,
  { id, selection }: Locking,
  after: string,
  most: number,
): Promise<string[]> {
  const users = usersOf(selection)
  if (!users) return []
  const rows = await fetchRows<{ id: string }>(
    tx,
    sql`
    select named.id from (${users}) named where named.id > ${after} and not exists (
      select from ${userLock} where ${userLock.userId} = named.id
        and coalesce(${userLock.until}, 'infinity') >= coalesce(${untilOf(id)}, 'infinity'))
    order by named.id limit ${most}`,
  )
  return rows.map((row) => row.id)
}

/** The users of sessions. */
export async function usersOfSessions(tx: Executor, sessionIds: readonly string[]): Promise<string[]> {
  const rows = await tx
    .selectDistinct({ id: session.userId })
    .from(session)
    .where(sql`${session.id} = any (${sql.param(sessionIds)}::uuid[])`)
  return rows.map(({ id }) => id)
}

/**
 * Locks those of the users whose rows are free; a longer lock stays.
 * @returns the users that are locked now, by this incident or before.
 */
export async function lockUsers(
  tx: Executor,
  { id, operationId, reason }: Locking,
  userIds: readonly string[],
): Promise<string[]> {
  const free = await fetchRows<{ id: string }>(
    tx,
    sql`
    select ${user.id} as id from ${user} where ${user.id} = any (${sql.param(userIds)}::text[]) order by ${user.id}
      for update skip locked`,
  )
  const ids = free.map((row) => row.id)
  const [made] = await fetchRows<{ locked: number }>(
    tx,
    sql`
    with ends as materialized (
      select ${untilOf(id)} as until
    ), held as (
      insert into ${userLock} as held (user_id, until, reason)
      select free.id, ends.until, ${reason}::text from ends, pg_catalog.unnest(${sql.param(ids)}::text[]) as free (id)
      where coalesce(ends.until > clock_timestamp(), true)
      on conflict (user_id) do update set until = excluded.until, reason = excluded.reason, locked_at = excluded.locked_at
      where held.until < coalesce(excluded.until, 'infinity')
      returning user_id, until
    ), recorded as (
      insert into global_logout.operation (id, kind, actor_kind, actor_id, actor_session_id, user_id, reason, revoked_count, result)
      select pg_catalog.gen_random_uuid(), 'user.lock', o.actor_kind, o.actor_id, o.actor_session_id, held.user_id, o.reason, 0,
        pg_catalog.jsonb_build_object('planId', ${id}::text, 'lockedUntil',
          coalesce(pg_catalog.to_char(held.until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'forever'))
      from held, global_logout.operation o where o.id = ${operationId}::uuid
      returning user_id
    )
    select count(*)::int as locked from recorded`,
  )
  if (made && made.locked > 0)
    await tx
      .update(incident)
      .set({ locked: sql`${incident.locked} + ${made.locked}` })
      .where(sql`${incident.id} = ${id} and ${incident.state} = 'running'`)
  return ids
}
