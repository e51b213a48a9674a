/**
 * Metrics across workers. The worker that gets the request asks the supervising process, which collects the metrics of all
 * workers and aggregates them. A worker that does not answer within three seconds is counted as unresponsive.
 */
import cluster from 'node:cluster'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { unavailable } from '../errors.ts'
import type { Log } from '../lib/log.ts'

/** Sent by a worker to the supervising process, and back with `text`. */
const ASK = 'global-logout metrics'
/** Sent by the supervising process to every worker, and back with `counted`. */
const COUNT = 'global-logout count'
/** Timeout for each worker, in milliseconds. Prometheus waits ten seconds. */
const WORKER_TIMEOUT_MS = 3_000
/** Timeout for the supervising process, in milliseconds. */
const SUPERVISOR_TIMEOUT_MS = 5_000

/** Each worker reports zero; the supervising process sets the real number. */
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

/** Called in a worker: returns the metrics of all workers. @throws Problem `unavailable` when the supervising process does not answer. */
export async function askSupervisor(): Promise<string> {
  const id = crypto.randomUUID()
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const onMessage = (message: unknown) => {
    if (is(ASK, message) && message.id === id) resolve(message.text ?? '')
  }
  const timer = setTimeout(
    () => reject(unavailable(new Error('the supervising process does not answer'))),
    SUPERVISOR_TIMEOUT_MS,
  )
  process.on('message', onMessage)
  process.send?.({ type: ASK, id } satisfies Message)
  return promise.finally(() => {
    clearTimeout(timer)
    process.off('message', onMessage)
  })
}

/** Called in a worker: sends its metrics to the supervising process on request. */
export function answerSupervisor(registry: Registry): void {
  process.on('message', (message: unknown) => {
    if (!is(COUNT, message)) return
    const send = (counted: Counted) => process.send?.({ ...message, counted } satisfies Message)
    // A worker that fails counts as unresponsive.
    registry.getMetricsAsJSON().then(send, () => {})
  })
}

/** Called in the supervising process: answers workers that ask for all metrics. @param own those of the supervising process. */
export function gatherMetrics(own: Registry, log: Log): void {
  cluster.on('message', (worker, message) => {
    if (!is(ASK, message)) return
    const answer = (text: string) => worker.isConnected() && worker.send({ ...message, text })
    collectAll(own)
      .then((counted) => AggregatorRegistry.aggregate(counted).metrics())
      .then(answer)
      .catch((err) => log.error({ err }, 'could not collect the metrics of the workers'))
  })
}

/** Own metrics, those of every worker that answers in time, and the number of workers that do not. */
async function collectAll(own: Registry): Promise<Counted[]> {
  const id = crypto.randomUUID()
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected())
  const received: Counted[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const onMessage = (_worker: unknown, message: unknown) => {
    if (!is(COUNT, message) || message.id !== id || !message.counted) return
    received.push(message.counted)
    if (received.length === workers.length) resolve()
  }
  const timer = setTimeout(resolve, WORKER_TIMEOUT_MS)
  cluster.on('message', onMessage)
  for (const worker of workers) worker?.send({ type: COUNT, id } satisfies Message)
  await promise
  clearTimeout(timer)
  cluster.off('message', onMessage)
  const zero = received.flat().find(({ name }) => name === UNRESPONSIVE)
  const unresponsive = workers.length - received.length
  const counted = [...received, await own.getMetricsAsJSON()]
  return zero ? [...counted, [{ ...zero, values: [{ value: unresponsive, labels: {} }] }]] : counted
}
