/**
 * What operators watch, as Prometheus text (prom-client), of all workers together. It counts; it names nobody, and no
 * label holds anything that a client chooses. What each metric means, and when to worry: docs/operations.md.
 */
import cluster from 'node:cluster'
import { AggregatorRegistry, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { Leased } from './checking/start.ts'
import { countKeys, countSessions, LOGOUT_OUTCOMES, LOGOUT_SCOPES } from './metrics/counted.ts'
import { byLabel, Durations, type LiveMetric, show } from './metrics/live.ts'
import { askSupervisor } from './metrics/workers.ts'
import type { Keys } from './security/keys.ts'
import type { Sessions } from './sessions/sessions.ts'
import { version } from './version.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** From memory in some microseconds, from the database in some milliseconds, and 503 before two seconds. */
const CHECK_BUCKETS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000]
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5]
const WAIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 3.5]

export type CheckResult = 'valid' | 'refused' | 'undecided'

/** What is asked of a pool of connections. */
interface Pool {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
}

/** What there is to tell of the feed of revocations; its own numbers, read when somebody asks. */
export interface WatchedFeed {
  counts: { readonly reads: number; readonly failures: number; readonly events: number }
  /** When the last read that succeeded began, in milliseconds on the monotonic clock. */
  readAt(): number
  /** Streams that are open, and requests that are held. */
  followers(): number
  /** Streams that were cut off because their reader was too slow. */
  cutOff(): number
}

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  AggregatorRegistry.setRegistries(registers)
  if (cluster.isWorker) new AggregatorRegistry()
  collectDefaultMetrics({ register: registry })

  const add = (name: string, help: string, rest: Omit<LiveMetric, 'name' | 'help'>) =>
    show(registry, { name: `global_logout_${name}`, help, ...rest })
  const counter = (name: string, help: string, read: LiveMetric['read']) =>
    add(name, help, { type: 'counter', read })
  const gauge = (
    name: string,
    help: string,
    read: LiveMetric['read'],
    aggregator: LiveMetric['aggregator'] = 'sum',
  ) => add(name, help, { type: 'gauge', read, aggregator })

  const checks: Record<CheckResult, Durations> = {
    valid: new Durations(CHECK_BUCKETS_MS),
    refused: new Durations(CHECK_BUCKETS_MS),
    undecided: new Durations(CHECK_BUCKETS_MS),
  }
  add('check_duration_seconds', 'Checks by what they were answered, from the request to the answer', {
    type: 'histogram',
    read: () =>
      Object.entries(checks).flatMap(([result, durations]) =>
        durations.samples('global_logout_check_duration_seconds', { result }),
      ),
  })
  const request = new Histogram({
    name: 'global_logout_http_request_duration_seconds',
    help: 'Requests other than checks, from the request to the end of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_BUCKETS,
    registers,
  })
  const revocation = new Histogram({
    name: 'global_logout_revocation_wait_seconds',
    help: 'From the commit of a revocation until no instance can answer "valid" from memory any more',
    buckets: WAIT_BUCKETS,
    registers,
  })
  const logouts = new Map(
    LOGOUT_SCOPES.flatMap((scope) =>
      LOGOUT_OUTCOMES.map((outcome) => [`${scope} ${outcome}`, { labels: { scope, outcome }, value: 0 }]),
    ),
  )
  counter('logouts_total', 'Logouts that users asked for, by scope and outcome', () => [...logouts.values()])
  let created = 0
  counter('sessions_created_total', 'Sessions that this service created', () => created)
  const refused = { invalid_key: 0, insufficient_scope: 0 }
  counter('service_keys_refused_total', 'Requests whose service key was refused', () =>
    byLabel('reason', refused),
  )
  gauge(
    'build_info',
    'Always 1; which version runs, on which Node',
    () => [{ labels: { version, node: process.version }, value: 1 }],
    'max',
  )

  return {
    contentType: registry.contentType,

    /** @param ms how long an answer waited after its commit. */
    revoked: (ms: number) => revocation.observe(ms / 1_000),

    /** Counts a check. @param ms from the request to the answer. */
    checked: (result: CheckResult, ms: number) => checks[result].add(ms),

    /** Counts a request. @param route as it was registered, never as it was asked for. */
    answered: (method: string, route: string, status: number, ms: number) =>
      request.observe({ method, route, status }, ms / 1_000),

    /** The same sessions, counted. */
    ofSessions: (sessions: Sessions) =>
      countSessions(sessions, {
        created: () => void created++,
        logout(scope, outcome) {
          const count = logouts.get(`${scope} ${outcome}`)
          if (count) count.value++
        },
      }),

    /** The same keys, counted. */
    ofKeys: (keys: Keys) => countKeys(keys, (why) => void refused[why]++),

    /** Shows what a checker that answers from memory counts by itself. */
    watch(leased: Leased): void {
      const { counts } = leased
      counter('leased_checks_total', 'Checks by where the answer came from', () =>
        byLabel('source', { memory: counts.hits, database: counts.misses }),
      )
      gauge('leases_held', 'Processes that may answer from memory', () => (leased.holdsLease() ? 1 : 0))
      gauge('sessions_in_memory', 'Sessions known by heart, of all processes together', () => leased.size())
    },

    /** Shows pools of connections, by name. */
    pools(pools: Record<string, Pool>): void {
      const each = (read: (pool: Pool) => number) =>
        byLabel('pool', Object.fromEntries(Object.entries(pools).map(([name, pool]) => [name, read(pool)])))
      gauge('pool_connections', 'Connections to PostgreSQL', () => each((pool) => pool.totalCount))
      gauge('pool_idle', 'Connections that nobody uses', () => each((pool) => pool.idleCount))
      gauge('pool_waiting', 'Requests that wait for a connection', () => each((pool) => pool.waitingCount))
    },

    /** Shows the writes of last use. */
    touches: (counts: { readonly written: number; readonly dropped: number }) =>
      counter(
        'touches_total',
        'Last uses of sessions: written, or dropped because too many waited or the write failed',
        () => byLabel('outcome', { written: counts.written, dropped: counts.dropped }),
      ),

    /** Shows the sweep of what is over. @param counts `at` in milliseconds since 1970, 0 when it never ran. */
    sweep(counts: { readonly sessions: number; readonly revocations: number; readonly at: number }): void {
      counter('swept_rows_total', 'Rows that were deleted because they are over', () =>
        byLabel('what', { sessions: counts.sessions, revocations: counts.revocations }),
      )
      const at = () => counts.at / 1_000
      gauge('sweep_last_run_timestamp_seconds', 'When the last whole sweep ended', at, 'max')
    },

    /** Shows the feed of revocations. */
    feed({ counts, readAt, followers, cutOff }: WatchedFeed): void {
      gauge('feed_followers', 'Streams that are open, and requests that wait for news', followers)
      counter('feed_events_total', 'Revocations read for whoever follows', () => counts.events)
      counter('feed_reads_total', 'Reads of the feed by outcome', () =>
        byLabel('outcome', { done: counts.reads - counts.failures, failed: counts.failures }),
      )
      counter('feed_readers_cut_off_total', 'Streams cut off because nobody took what was written', cutOff)
      const age = () => (followers() > 0 ? (performance.now() - readAt()) / 1_000 : 0)
      gauge('feed_read_age_seconds', 'Time since the feed was read, while somebody follows', age, 'max')
    },

    /** The metrics of this process or, asked in a worker, of all. */
    text: (): Promise<string> => (cluster.isWorker ? askSupervisor() : registry.metrics()),
  }
}
