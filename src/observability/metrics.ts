/**
 * What operators watch, as Prometheus text (prom-client), of all workers together. It counts; it names nobody, and no
 * label holds anything that a client chooses. What each metric means, and when to worry: docs/operations.md.
 */
import cluster from 'node:cluster'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { Keys } from '../service-api/keys.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { version } from '../version.ts'
import { byLabel, createCollectors, Durations } from './collectors.ts'
import { COUNTED_SCOPES, instrumentKeys, instrumentSessions, LOGOUT_OUTCOMES } from './instrument.ts'
import { createServiceMetrics } from './service-metrics.ts'
import { askSupervisor, tellSupervisor } from './worker-metrics.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** From memory in some microseconds, from the database in some milliseconds, and 503 before two seconds. */
const CHECK_BUCKETS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000]
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5]
const WAIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 3.5]

export type CheckResult = 'valid' | 'refused' | 'undecided'

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  if (cluster.isWorker) tellSupervisor(registry)
  collectDefaultMetrics({ register: registry })
  const { counter, gauge, histogram } = createCollectors(registry)

  const checks: Record<CheckResult, Durations> = {
    valid: new Durations(CHECK_BUCKETS_MS),
    refused: new Durations(CHECK_BUCKETS_MS),
    undecided: new Durations(CHECK_BUCKETS_MS),
  }
  const toldAll = 'Checks by what they were answered, from the request to the answer'
  histogram('check_duration_seconds', toldAll, 'result', checks)
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
  const logouts = COUNTED_SCOPES.flatMap((scope) =>
    LOGOUT_OUTCOMES.map((outcome) => ({ labels: { scope, outcome }, value: 0 })),
  )
  counter('logouts_total', 'Logouts that users asked for, by scope and outcome', () => logouts, {
    labelNames: ['scope', 'outcome'],
  })
  let created = 0
  counter('sessions_created_total', 'Sessions that this service created', () => created)
  const refused = { invalid_key: 0, insufficient_scope: 0 }
  counter(
    'service_keys_refused_total',
    'Requests whose service key was refused',
    () => byLabel('reason', refused),
    { labelNames: ['reason'] },
  )
  const build = [{ labels: { version, node: process.version }, value: 1 }]
  gauge('workers_unresponsive', 'Workers whose metrics did not arrive within three seconds', () => 0)
  gauge('build_info', 'Always 1; which version runs, on which Node', () => build, {
    labelNames: ['version', 'node'],
    aggregator: 'max',
  })

  return {
    contentType: registry.contentType,

    /** @param ms how long an answer waited after its commit. */
    revocationWaited: (ms: number) => revocation.observe(ms / 1_000),

    /** Counts a check. @param ms from the request to the answer. */
    checked: (result: CheckResult, ms: number) => checks[result].add(ms),

    /** Counts a request. @param route as it was registered, never as it was asked for. */
    answered: (method: string, route: string, status: number, ms: number) =>
      request.observe({ method, route, status }, ms / 1_000),

    /** The same sessions, counted. */
    instrumentSessions: (sessions: Sessions) =>
      instrumentSessions(sessions, {
        created: () => void created++,
        logout(scope, outcome) {
          for (const count of logouts)
            if (count.labels.scope === scope && count.labels.outcome === outcome) count.value++
        },
      }),

    /** The same keys, counted. */
    instrumentKeys: (keys: Keys) => instrumentKeys(keys, (why) => void refused[why]++),

    ...createServiceMetrics({ counter, gauge }),

    /** The metrics of this process or, asked in a worker, of all. */
    text: (): Promise<string> => (cluster.isWorker ? askSupervisor() : registry.metrics()),
  }
}
