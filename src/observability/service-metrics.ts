/** What other parts of the service count by themselves, shown to operators: they know nothing of metrics. */
import type { Leased } from '../check/start.ts'
import { byLabel, type Collectors } from './collectors.ts'

/** What is asked of a pool of connections. */
export interface PoolStats {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
}

export interface SweepStats {
  readonly sessions: number
  readonly revocations: number
  /** When a whole sweep last ended, in milliseconds since 1970; 0 when none did. */
  readonly at: number
}

export interface FeedStats {
  counts: { readonly reads: number; readonly failures: number; readonly events: number }
  /** When the last read that succeeded began, in milliseconds on the monotonic clock. */
  readAt(): number
  /** Streams that are open, and requests that are held. */
  followers(): number
  /** Streams that were cut off because their reader was too slow. */
  cutOff(): number
}

export function createServiceMetrics({ counter, gauge }: Pick<Collectors, 'counter' | 'gauge'>) {
  return {
    /** A checker that answers from memory. */
    leasedChecks({ counts, holdsLease, size }: Leased): void {
      counter(
        'leased_checks_total',
        'Checks by where the answer came from',
        () => byLabel('source', { memory: counts.hits, database: counts.misses }),
        { labelNames: ['source'] },
      )
      gauge('leases_held', 'Processes that may answer from memory', () => (holdsLease() ? 1 : 0))
      gauge('sessions_in_memory', 'Sessions known by heart, of all processes together', size)
    },

    /** Pools of connections, by name. */
    pools(pools: Record<string, PoolStats>): void {
      const each = (read: (pool: PoolStats) => number) =>
        byLabel('pool', Object.fromEntries(Object.entries(pools).map(([name, pool]) => [name, read(pool)])))
      const labels = { labelNames: ['pool'] }
      gauge('pool_connections', 'Connections to PostgreSQL', () => each((pool) => pool.totalCount), labels)
      gauge('pool_idle', 'Connections that nobody uses', () => each((pool) => pool.idleCount), labels)
      gauge(
        'pool_waiting',
        'Requests that wait for a connection',
        () => each((pool) => pool.waitingCount),
        labels,
      )
    },

    /** The writes of last use. */
    lastSeen(counts: { readonly written: number; readonly dropped: number }): void {
      const help = 'Last uses of sessions: written, or dropped because too many waited or the write failed'
      counter('touches_total', help, () => byLabel('outcome', { ...counts }), { labelNames: ['outcome'] })
    },

    /** The sweep of what is over. */
    sweep(counts: SweepStats): void {
      counter(
        'swept_rows_total',
        'Rows that were deleted because they are over',
        () => byLabel('what', { sessions: counts.sessions, revocations: counts.revocations }),
        { labelNames: ['what'] },
      )
      const at = () => counts.at / 1_000
      gauge('sweep_last_run_timestamp_seconds', 'When the last whole sweep ended', at, { aggregator: 'max' })
    },

    /** The feed of revocations. */
    feed({ counts, readAt, followers, cutOff }: FeedStats): void {
      gauge('feed_followers', 'Streams that are open, and requests that wait for news', followers)
      counter('feed_events_total', 'Revocations and replays read for whoever follows', () => counts.events)
      counter(
        'feed_reads_total',
        'Reads of the feed by outcome',
        () => byLabel('outcome', { done: counts.reads - counts.failures, failed: counts.failures }),
        { labelNames: ['outcome'] },
      )
      counter('feed_readers_cut_off_total', 'Streams cut off because nobody took what was written', cutOff)
      const age = () => (followers() > 0 ? (performance.now() - readAt()) / 1_000 : 0)
      gauge('feed_read_age_seconds', 'Time since the feed was read, while somebody follows', age, {
        aggregator: 'max',
      })
    },
  }
}
