/**
 * Locks and unlocks up to a thousand users at once, each with an operation of their own, all in one transaction: either all are
 * done, or none. A lock also ends all sessions of its user. For more users there are incidents. Callers check permissions.
 */
import { sql } from 'drizzle-orm'
import type { Database, Executor, Transaction } from '../../database/database.ts'
import { withoutDeadline } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { Problem } from '../../errors.ts'
import type { AfterCommit } from '../../leases/after-commit.ts'
import { type AcknowledgedActs, type Act, actsOf } from '../../operations/acknowledged.ts'
import { type Actor, operationRow } from '../../operations/record.ts'
import { currentXid } from '../../sessions/queries.ts'
import { user } from '../../sessions/schema.ts'
import { emailKey } from '../id-lists.ts'

/** Users that one call takes. */
export const MAX_AT_ONCE = 1_000
/** For the transaction, in milliseconds beyond its deadline. */
const EXTENSION_MS = 60_000

const PLAN_IT =
  'A second person has to approve a lock of so many users (INCIDENT_APPROVAL_ABOVE): plan an incident with lockFor.'

export interface Listed {
  userIds?: string[] | undefined
  /** All users with such an address are taken. */
  emails?: string[] | undefined
}

interface Unknown {
  /** Entries that fit no user here; nothing was done for them. */
  unknownUsers: string[]
  unknownEmails: string[]
}

export interface LockedMany extends Unknown {
  locked: number
  /** Active sessions that ended. */
  revokedCount: number
}

export interface UnlockedMany extends Unknown {
  /** Users who had a lock in force. */
  unlocked: number
}

export function createBulk(
  { transaction }: Pick<Database, 'transaction'>,
  afterCommit: AfterCommit,
  acknowledged: Pick<AcknowledgedActs, 'keep'>,
  approvalAbove: number | null,
) {
  const atOnce = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    withoutDeadline(() =>
      transaction(async (tx) => {
        await tx.extend(EXTENSION_MS)
        return work(tx)
      }),
    )

  return {
    /** @param lockSeconds null: until staff unlock them. A longer lock stays. @throws Problem `approval_required`. */
    async lockMany(
      listed: Listed,
      { reason, lockSeconds }: { reason: string; lockSeconds: number | null },
      by: Actor,
    ): Promise<LockedMany> {
      const act = JSON.stringify(operationRow({ ...by, kind: 'user.revoke', reason }))
      const { xid, rows, unknownEmails } = await atOnce(async (tx) => {
        const { ids, unknownEmails } = await usersIn(tx, listed)
        if (approvalAbove !== null && ids.length > approvalAbove)
          throw new Problem('approval_required', PLAN_IT)
        const rows = await fetchRows<{ id: string; outcome: string; ended: number; acts: string }>(
          tx,
          sql`
          select asked.id, r.outcome, r.ended, r.acts from pg_catalog.unnest(${sql.param(ids)}::text[]) as asked (id),
            lateral global_logout.revoke_user(${act}::jsonb || pg_catalog.jsonb_build_object('user_id', asked.id), true,
              ${lockSeconds}::integer, false, 0, true) r`,
        )
        return { xid: await currentXid(tx), rows, unknownEmails }
      })
      const done = rows.filter(({ outcome }) => outcome === 'done')
      await afterCommit(
        xid,
        null,
        done.flatMap(({ acts }) => actsOf(acts)),
      )
      return {
        locked: done.length,
        revokedCount: done.reduce((sum, { ended }) => sum + ended, 0),
        unknownUsers: rows.filter(({ outcome }) => outcome === 'not_found').map(({ id }) => id),
        unknownEmails,
      }
    },

    async unlockMany(listed: Listed, reason: string | null, by: Actor): Promise<UnlockedMany> {
      const { acts, ...unknown } = await atOnce(async (tx) => {
        const { ids, unknownEmails } = await usersIn(tx, listed)
        const unknownUsers = await unknownIds(tx, ids)
        return { acts: await deleteLocks(tx, ids, reason, by), unknownUsers, unknownEmails }
      })
      await acknowledged.keep(acts)
      return { unlocked: acts.length, ...unknown }
    },
  }
}

/** The ids, in the order in which every transaction locks several users. */
async function usersIn(
  tx: Executor,
  { userIds = [], emails = [] }: Listed,
): Promise<{ ids: string[]; unknownEmails: string[] }> {
  const found = await fetchRows<{ email: string; ids: string[] }>(
    tx,
    sql`
    select asked.email, array(select ${user.id} from ${user} where ${emailKey} = pg_catalog.lower(asked.email)) as ids
    from pg_catalog.unnest(${sql.param(emails)}::text[]) with ordinality as asked (email, position) order by position`,
  )
  const all = [...userIds, ...found.flatMap(({ ids }) => ids)]
  const rows = await fetchRows<{ id: string }>(
    tx,
    sql`select distinct id from pg_catalog.unnest(${sql.param(all)}::text[]) as id order by id`,
  )
  return {
    ids: rows.map(({ id }) => id),
    unknownEmails: found.flatMap(({ email, ids }) => (ids.length === 0 ? [email] : [])),
  }
}

async function unknownIds(tx: Executor, ids: string[]): Promise<string[]> {
  const rows = await fetchRows<{ id: string }>(
    tx,
    sql`select asked.id from pg_catalog.unnest(${sql.param(ids)}::text[]) as asked (id)
      where not exists (select from global_logout."user" u where u.id = asked.id)
        and not exists (select from global_logout.user_lock l where l.user_id = asked.id)`,
  )
  return rows.map(({ id }) => id)
}

/** Removes the locks, and records an operation for each that was in force. */
async function deleteLocks(tx: Executor, ids: string[], reason: string | null, by: Actor): Promise<Act[]> {
  await tx
    .select({ id: user.id })
    .from(user)
    .where(sql`${user.id} = any (${sql.param(ids)}::text[])`)
    .orderBy(user.id)
    .for('update')
  const what = { ...by, kind: 'user.unlock' as const, reason }
  const rows = await fetchRows<{ id: string; userId: string; lockedUntil: string }>(
    tx,
    sql`
    with gone as (
      delete from global_logout.user_lock where user_id = any (${sql.param(ids)}::text[]) returning user_id, until
    ), recorded as (
      insert into global_logout.operation (id, kind, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent,
        request_id, revoked_count, result)
      select pg_catalog.gen_random_uuid(), 'user.unlock', ${by.actorKind}, ${by.actorId ?? null}, ${by.actorSessionId ?? null}::uuid,
        gone.user_id, ${reason}, ${by.ipAddress ?? null}::inet, ${by.userAgent ?? null}, ${by.requestId ?? null}, 0,
        pg_catalog.jsonb_build_object('lockedUntil',
          coalesce(pg_catalog.to_char(gone.until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'forever'))
      from gone where coalesce(gone.until > clock_timestamp(), true)
      returning id, user_id, result
    )
    select id, user_id as "userId", result ->> 'lockedUntil' as "lockedUntil" from recorded`,
  )
  return rows.map(({ id, userId, lockedUntil }) => ({
    id,
    what: { ...what, userId, result: { lockedUntil } },
    sessionIds: [],
  }))
}
