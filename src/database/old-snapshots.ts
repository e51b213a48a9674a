/**
 * What holds back the vacuum of our tables: old transactions, prepared ones, replication slots and standbys. While a snapshot is kept
 * anywhere, no version of a row that it may see can be removed. Activity updates then fill their pages: at most a fifth of them
 * stay heap-only, instead of all.
 */
import { sql } from 'drizzle-orm'
import type { Executor } from './executor.ts'
import { fetchRows } from './rows.ts'

export const HOLDERS = ['transaction', 'prepared', 'slot', 'standby'] as const
export type Holder = (typeof HOLDERS)[number]

export interface OldSnapshot {
  holder: Holder
  /** Since when, in seconds. Null where PostgreSQL does not say: a slot, a standby, and without pg_monitor a transaction of another login. */
  seconds: number | null
  /** Transactions that have begun since. */
  transactions: number
  /** Process id and login, or name: where to look. */
  name: string
}

/** From here on, the table of sessions suffers. A long report or a dump takes longer, and ends. */
const OLD_SNAPSHOT = { seconds: 300, transactions: 1_000_000 }

export const isOld = ({ seconds, transactions }: OldSnapshot): boolean =>
  (seconds ?? 0) > OLD_SNAPSHOT.seconds || transactions > OLD_SNAPSHOT.transactions

/**
 * The oldest snapshot of each kind of holder, where there is one. A vacuum holds none back, and is left out.
 * @returns `hidden`: whether the age of transactions of other logins cannot be seen, which takes the role pg_monitor.
 */
export async function findOldSnapshots(
  db: Executor,
): Promise<{ oldest: Map<Holder, OldSnapshot>; hidden: boolean }> {
  const rows = await fetchRows<Omit<OldSnapshot, 'holder'> & { holder: Holder | null; hidden: boolean }>(
    db,
    sql`select held.seconds::float8 as seconds, held.transactions, held.name, held.holder,
        not pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as hidden
      from (select) as one left join (
        select 'transaction' as holder, pg_catalog.format('pid %s of %s', pid, usename) as name,
          extract(epoch from clock_timestamp() - xact_start) as seconds,
          greatest(pg_catalog.age(backend_xmin), pg_catalog.age(backend_xid)) as transactions
        from pg_catalog.pg_stat_activity
        where datname = pg_catalog.current_database() and (backend_xmin is not null or backend_xid is not null)
          and pid <> pg_catalog.pg_backend_pid() and pid not in (select pid from pg_catalog.pg_stat_progress_vacuum)
        union all
        select 'prepared', pg_catalog.format('%L of %s', gid, owner), extract(epoch from clock_timestamp() - prepared),
          pg_catalog.age(transaction)
        from pg_catalog.pg_prepared_xacts where database = pg_catalog.current_database()
        union all
        select 'slot', slot_name, null, pg_catalog.age(xmin) from pg_catalog.pg_replication_slots where xmin is not null
        union all
        select 'standby', application_name, null, pg_catalog.age(backend_xmin)
        from pg_catalog.pg_stat_replication where backend_xmin is not null
      ) held on true
      order by transactions, seconds nulls first`,
  )
  const oldest = new Map<Holder, OldSnapshot>()
  for (const { holder, hidden: _, ...row } of rows) if (holder) oldest.set(holder, { holder, ...row })
  return { oldest, hidden: rows[0]?.hidden ?? true }
}

/** For people: what it is, how old, and what to do. */
export function describeSnapshot({ holder, name, seconds, transactions }: OldSnapshot): string {
  const behind = `${transactions.toLocaleString('en')} transactions behind`
  const since = seconds === null ? `is ${behind}` : `began ${Math.floor(seconds / 60)} minutes ago`
  switch (holder) {
    case 'transaction':
      return `a transaction ${since} (${name}): end it, or pg_terminate_backend()`
    case 'prepared':
      return `a prepared transaction ${since} (${name}): commit prepared, or rollback prepared`
    case 'slot':
      return `the replication slot ${name} is ${behind}: let its standby catch up, or drop the slot`
    case 'standby':
      return `the standby ${name} holds back vacuum (hot_standby_feedback), ${behind}: end its long queries`
  }
}
