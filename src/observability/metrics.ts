/**
 * All metrics of the service, as Prometheus text for all workers together. No metric identifies a user, and no label
 * contains a value chosen by a client. docs/operations.md explains each metric.
 */
import cluster from 'node:cluster'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { Keys } from '../service-api/keys.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { version } from '../version.ts'
import { byLabel, createCollectors, Durations } from './collectors.ts'
import { COUNTED_SCOPES, instrumentKeys, instrumentSessions, LOGOUT_OUTCOMES } from './instrument.ts'
import { createServiceMetrics } from './service-metrics.ts'
import { answerSupervisor, askSupervisor } from './worker-metrics.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** A check takes microseconds from memory, milliseconds from the database, and at most two seconds. */
const CHECK_BUCKETS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000]
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5]
const WAIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 3.5]

export type CheckResult = 'valid' | 'refused' | 'undecided'

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const { counter, gauge, histogram } = createCollectors(registry)

  const checks: Record<CheckResult, Durations> = {
    valid: new Durations(CHECK_BUCKETS_MS),
    refused: new Durations(CHECK_BUCKETS_MS),
    undecided: new Durations(CHECK_BUCKETS_MS),
  }
  const help = 'Duration of checks by result'
  histogram('check_duration_seconds', help, 'result', checks)
  const request = new Histogram({
    name: 'global_logout_http_request_duration_seconds',
    help: 'Duration of requests other than checks, until the end of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_BUCKETS,
    registers,
  })
  const revocation = new Histogram({
    name: 'global_logout_revocation_wait_seconds',
    help: 'From the commit of a revocation until no instance can answer "valid" from its cache',
    buckets: WAIT_BUCKETS,
    registers,
  })
  const logouts = COUNTED_SCOPES.flatMap((scope) =>
    LOGOUT_OUTCOMES.map((outcome) => ({ labels: { scope, outcome }, value: 0 })),
  )
  counter('logouts_total', 'Logouts requested by users, by scope and outcome', () => logouts, {
    labelNames: ['scope', 'outcome'],
  })
  let created = 0
  counter('sessions_created_total', 'Sessions created by this service', () => created)
  const refused = { invalid_key: 0, insufficient_scope: 0 }
  counter(
    'service_keys_refused_total',
    'Requests whose service key was refused',
    () => byLabel('reason', refused),
    { labelNames: ['reason'] },
  )
  const build = [{ labels: { version, node: process.version }, value: 1 }]
  gauge('workers_unresponsive', 'Workers whose metrics did not arrive within three seconds', () => 0)
  gauge('build_info', 'Always 1; labels tell the version and the Node version', () => build, {
    labelNames: ['version', 'node'],
    aggregator: 'max',
  })

  return {
    contentType: registry.contentType,

    /** Records how long an answer waited after its commit, in milliseconds. */
    revocationWaited: (ms: number) => revocation.observe(ms / 1_000),

    /** Records a check. @param ms from the request to the answer. */
    checked: (result: CheckResult, ms: number) => checks[result].add(ms),

    /** Records a request. @param route the registered route, never the requested path. */
    answered: (method: string, route: string, status: number, ms: number) =>
      request.observe({ method, route, status }, ms / 1_000),

    /** Wraps the sessions service to count its outcomes. */
    instrumentSessions: (sessions: Sessions) =>
      instrumentSessions(sessions, {
        created: () => void created++,
        logout(scope, outcome) {
          for (const count of logouts)
            if (count.labels.scope === scope && count.labels.outcome === outcome) count.value++
        },
      }),

    /** Wraps the keys service to count refused keys. */
    instrumentKeys: (keys: Keys) => instrumentKeys(keys, (why) => void refused[why]++),

    ...createServiceMetrics({ counter, gauge }),

    /** Observes the process, and answers the supervisor in a worker. For a serving process. */
    start() {
      if (cluster.isWorker) answerSupervisor(registry)
      collectDefaultMetrics({ register: registry })
      // prom-client cannot stop its observers: they end with the process.
      return { close: async () => {} }
    },

    /** The metrics of this process or, in a worker, of all workers. */
    text: (): Promise<string> => (cluster.isWorker ? askSupervisor() : registry.metrics()),
  }
}
