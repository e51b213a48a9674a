/** Metrics over counters that other modules keep. Those modules do not depend on the metrics. */
import type { Leased } from '../check/start.ts'
import type { Standbys } from '../database/standbys.ts'
import type { LenderCounts } from '../leases/lender.ts'
import type { OperationCounts } from '../staff/audit/announce.ts'
import { byLabel, type Collectors } from './collectors.ts'
import type { SnapshotAges } from './snapshot-watch.ts'

/** The part of a `pg` pool that the metrics read. */
export interface PoolStats {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
}

export interface SweepStats {
  readonly sessions: number
  readonly revocations: number
  readonly addresses: number
  /** When the last complete turn ended, in milliseconds since 1970; 0 for never. */
  readonly at: number
}

export interface FeedStats {
  counts: { readonly reads: number; readonly failures: number; readonly events: number }
  /** When the last successful read began, in milliseconds on the monotonic clock. */
  readAt(): number
  /** Open streams and long-polling requests. */
  followers(): number
  /** Streams that were closed because their reader was too slow. */
  cutOff(): number
}

export function createServiceMetrics({ counter, gauge }: Pick<Collectors, 'counter' | 'gauge'>) {
  return {
    /** A checker with a lease and a cache. */
    leasedChecks({ counts, holdsLease, size }: Leased): void {
      counter(
        'leased_checks_total',
        'Checks by source of the answer',
        () => byLabel('source', { memory: counts.hits, database: counts.misses }),
        { labelNames: ['source'] },
      )
      gauge('leases_held', 'Processes that hold a lease', () => (holdsLease() ? 1 : 0))
      gauge('sessions_in_memory', 'Sessions in the caches of all processes', size)
    },

    /** Callers over HTTP that hold a part of the lease of this process. */
    callers({ holders, suspended, suspendedKeys }: LenderCounts): void {
      gauge('callers', 'Services that check in their own process: those that hold a lease', holders)
      counter(
        'callers_suspended_total',
        'Callers that let a revocation wait for the end of their lease, by the name of their key',
        () => byLabel('key', Object.fromEntries(suspended)),
        { labelNames: ['key'] },
      )
      counter(
        'lease_keys_suspended_total',
        'Keys that get fewer leases because different callers of them let revocations wait, by name',
        () => byLabel('key', Object.fromEntries(suspendedKeys)),
        { labelNames: ['key'] },
      )
    },

    /** Connection pools, by name. */
    pools(pools: Record<string, PoolStats>): void {
      const each = (read: (pool: PoolStats) => number) =>
        byLabel('pool', Object.fromEntries(Object.entries(pools).map(([name, pool]) => [name, read(pool)])))
      const labels = { labelNames: ['pool'] }
      gauge('pool_connections', 'Connections to PostgreSQL', () => each((pool) => pool.totalCount), labels)
      gauge('pool_idle', 'Idle connections', () => each((pool) => pool.idleCount), labels)
      gauge(
        'pool_waiting',
        'Queries that wait for a connection',
        () => each((pool) => pool.waitingCount),
        labels,
      )
    },

    /** Activity updates of sessions. */
    lastSeen(counts: { readonly written: number; readonly dropped: number }): void {
      const help =
        'Activity updates of sessions: written, or dropped because too many waited or the write failed'
      counter('touches_total', help, () => byLabel('outcome', { ...counts }), { labelNames: ['outcome'] })
    },

    /** Acknowledged operations, and those that a server lacked. */
    failover(
      lost: { readonly lost: number; readonly missing: number; readonly heads: number },
      acknowledged: { readonly kept: number; readonly dropped: number },
    ): void {
      counter(
        'logouts_lost_total',
        'Acknowledged operations that a server lacked; carried out again',
        () => lost.lost,
      )
      gauge(
        'logouts_missing',
        'Acknowledged operations that the server lacks; nothing is answered',
        () => lost.missing,
      )
      counter('audit_heads_lost_total', 'Heads of the audit chain that a server lacked', () => lost.heads)
      gauge(
        'acknowledged_operations',
        'Operations that are kept in case that a server loses them',
        () => acknowledged.kept,
      )
      counter(
        'acknowledged_operations_dropped_total',
        'Operations that were no longer kept, for want of space',
        () => acknowledged.dropped,
      )
    },

    /** Operations that this process sealed, whatever made them. */
    operations(counts: OperationCounts): void {
      const each = (read: (count: OperationCounts['byKind'][number]) => number) => () =>
        counts.byKind.map((count) => ({ labels: count.labels, value: read(count) }))
      const labels = { labelNames: ['kind', 'scope'] }
      const help = 'Operations in the audit log, by kind, and logouts by scope'
      counter(
        'operations_total',
        help,
        each(({ operations }) => operations),
        labels,
      )
      const ended = 'Sessions that these operations ended'
      counter(
        'sessions_ended_total',
        ended,
        each(({ sessions }) => sessions),
        labels,
      )
      counter('locks_total', 'Locks of sign-in that were set', () => counts.locks)
    },

    /** Recorded uses of revoked tokens. */
    reusedTokens(counts: Readonly<Record<'same_device' | 'other_device', number>>): void {
      const help =
        'Uses of revoked tokens that were recorded, by whether they came from the device of the session'
      counter('reused_tokens_total', help, () => byLabel('sender', counts), { labelNames: ['sender'] })
    },

    /** The sweeper. */
    sweep(counts: SweepStats): void {
      counter(
        'swept_rows_total',
        'Expired sessions, old revocations, and old addresses that were deleted',
        () => {
          const { sessions, revocations, addresses } = counts
          return byLabel('what', { sessions, revocations, addresses })
        },
        { labelNames: ['what'] },
      )
      const at = () => counts.at / 1_000
      gauge('sweep_last_run_timestamp_seconds', 'When the last turn of the sweep ended', at, {
        aggregator: 'max',
      })
    },

    /** The standbys of the primary. */
    standbys(counts: Readonly<Standbys>): void {
      const help = 'Standbys of the primary now, by whether commits wait for them'
      gauge('standbys', help, () => byLabel('state', { ...counts }), {
        labelNames: ['state'],
        aggregator: 'max',
      })
    },

    /** What holds back the vacuum of our tables. */
    snapshots(ages: SnapshotAges): void {
      const each = (unit: 'seconds' | 'transactions') => () =>
        byLabel('holder', Object.fromEntries(Object.entries(ages).map(([name, age]) => [name, age[unit]])))
      const options = { labelNames: ['holder'], aggregator: 'max' as const }
      gauge('oldest_snapshot_seconds', 'Age of the oldest snapshot', each('seconds'), options)
      const help = 'Transactions that began since the oldest snapshot'
      gauge('oldest_snapshot_transactions', help, each('transactions'), options)
    },

    /** The feed of revocations. */
    feed({ counts, readAt, followers, cutOff }: FeedStats): void {
      gauge('feed_followers', 'Open streams and long-polling requests', followers)
      counter('feed_events_total', 'Revocations and replays read for subscribers', () => counts.events)
      counter(
        'feed_reads_total',
        'Reads of the feed by outcome',
        () => byLabel('outcome', { done: counts.reads - counts.failures, failed: counts.failures }),
        { labelNames: ['outcome'] },
      )
      counter('feed_readers_cut_off_total', 'Streams closed because their reader was too slow', cutOff)
      const age = () => (followers() > 0 ? (performance.now() - readAt()) / 1_000 : 0)
      gauge('feed_read_age_seconds', 'Time since the last read of the feed; 0 without subscribers', age, {
        aggregator: 'max',
      })
    },
  }
}
