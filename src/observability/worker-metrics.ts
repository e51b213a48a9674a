/**
 * With several workers, whichever is asked for metrics answers for all: it asks the supervising process, which asks every
 * worker and adds up. A worker that hangs is what metrics are looked at for: it is waited for, but not for long, and told of.
 */
import cluster from 'node:cluster'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { unavailable } from '../errors.ts'
import type { Log } from '../lib/log.ts'

/** From a worker to the supervising process, and back with `text`. */
const ASK = 'global-logout metrics'
/** From there to every worker, and back with `counted`. */
const COUNT = 'global-logout count'
/** How long a worker is waited for, in milliseconds: Prometheus waits ten seconds. */
const PATIENCE_MS = 3_000
/** How long the supervising process is, in milliseconds. */
const LONGER_MS = 5_000

/** Each worker says zero. */
const UNRESPONSIVE = 'global_logout_workers_unresponsive'

type Counted = Awaited<ReturnType<Registry['getMetricsAsJSON']>>
interface Message {
  type: typeof ASK | typeof COUNT
  id: string
  text?: string
  counted?: Counted
}

const is = (type: Message['type'], message: unknown): message is Message =>
  (message as Message | null)?.type === type

/** The metrics of all workers. For a worker. @throws Problem `unavailable` when the supervising process does not answer. */
export async function askSupervisor(): Promise<string> {
  const id = crypto.randomUUID()
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const hear = (message: unknown) => {
    if (is(ASK, message) && message.id === id) resolve(message.text ?? '')
  }
  const late = setTimeout(
    () => reject(unavailable(new Error('the supervising process does not answer'))),
    LONGER_MS,
  )
  process.on('message', hear)
  process.send?.({ type: ASK, id } satisfies Message)
  return promise.finally(() => {
    clearTimeout(late)
    process.off('message', hear)
  })
}

/** Tells the supervising process, when it asks, what this worker counts. */
export function tellSupervisor(registry: Registry): void {
  process.on('message', (message: unknown) => {
    if (!is(COUNT, message)) return
    const tell = (counted: Counted) => process.send?.({ ...message, counted } satisfies Message)
    // A worker that fails counts as unresponsive.
    registry.getMetricsAsJSON().then(tell, () => {})
  })
}

/** Lets workers ask. For the supervising process. */
export function gatherMetrics(log: Log): void {
  cluster.on('message', (worker, message) => {
    if (!is(ASK, message)) return
    const answer = (text: string) => worker.isConnected() && worker.send({ ...message, text })
    countAll()
      .then((counted) => AggregatorRegistry.aggregate(counted).metrics())
      .then(answer)
      .catch((err) => log.error({ err }, 'metrics of the workers not collected'))
  })
}

/** What each worker counts that tells in time; and how many do not. */
async function countAll(): Promise<Counted[]> {
  const id = crypto.randomUUID()
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected())
  const told: Counted[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const hear = (_worker: unknown, message: unknown) => {
    if (!is(COUNT, message) || message.id !== id || !message.counted) return
    told.push(message.counted)
    if (told.length === workers.length) resolve()
  }
  const late = setTimeout(resolve, PATIENCE_MS)
  cluster.on('message', hear)
  for (const worker of workers) worker?.send({ type: COUNT, id } satisfies Message)
  await promise
  clearTimeout(late)
  cluster.off('message', hear)
  const zero = told.flat().find(({ name }) => name === UNRESPONSIVE)
  const unresponsive = workers.length - told.length
  return zero ? [...told, [{ ...zero, values: [{ value: unresponsive, labels: {} }] }]] : told
}
