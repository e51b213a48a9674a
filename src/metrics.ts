/**
 * What operators watch, as Prometheus text (prom-client). With several workers, whichever is asked answers for all:
 * it asks the supervising process, which asks every worker and adds up.
 */
import cluster from 'node:cluster'
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Leased } from './checking/start.ts'
import { unavailable } from './errors.ts'

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  AggregatorRegistry.setRegistries(registers)
  if (cluster.isWorker) new AggregatorRegistry()

  const revocation = new Histogram({
    name: 'global_logout_revocation_wait_seconds',
    help: 'From the commit of a revocation until no instance can answer "valid" from memory any more',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 3.5],
    registers,
  })

  return {
    contentType: registry.contentType,

    /** @param ms how long an answer waited after its commit. */
    revoked: (ms: number) => revocation.observe(ms / 1_000),

    /** Shows what a checker that answers from memory counts by itself. */
    watch(leased: Leased): void {
      new Counter({
        name: 'global_logout_leased_checks_total',
        help: 'Checks by where the answer came from',
        labelNames: ['source'],
        registers,
        collect() {
          this.reset()
          this.inc({ source: 'memory' }, leased.counts.hits)
          this.inc({ source: 'database' }, leased.counts.misses)
        },
      })
      new Gauge({
        name: 'global_logout_leases_held',
        help: 'Processes that may answer from memory',
        registers,
        collect() {
          this.set(leased.holdsLease() ? 1 : 0)
        },
      })
      new Gauge({
        name: 'global_logout_sessions_in_memory',
        help: 'Sessions known by heart, of all processes together',
        registers,
        collect() {
          this.set(leased.size())
        },
      })
    },

    /** The metrics of this process or, asked in a worker, of all. */
    text: (): Promise<string> => (cluster.isWorker ? askSupervisor() : registry.metrics()),
  }
}

const ASK = 'global-logout metrics'
/** How long a worker waits for what all have counted, in milliseconds. */
const PATIENCE_MS = 6_000

interface Message {
  type: typeof ASK
  id: string
  text?: string
}

const isMessage = (message: unknown): message is Message => (message as Message | null)?.type === ASK

async function askSupervisor(): Promise<string> {
  const id = crypto.randomUUID()
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const none = () => reject(unavailable(new Error('not every worker told what it counts')))
  const hear = (message: unknown) => {
    if (isMessage(message) && message.id === id) message.text === undefined ? none() : resolve(message.text)
  }
  const late = setTimeout(none, PATIENCE_MS)
  process.on('message', hear)
  process.send?.({ type: ASK, id } satisfies Message)
  return promise.finally(() => {
    clearTimeout(late)
    process.off('message', hear)
  })
}

/** Lets workers ask. For the supervising process. */
export function gatherMetrics(): void {
  const all = new AggregatorRegistry()
  cluster.on('message', (worker, message) => {
    if (!isMessage(message)) return
    const answer = (text?: string) =>
      worker.isConnected() && worker.send({ ...message, ...(text && { text }) })
    all.clusterMetrics().then(answer, () => answer())
  })
}
