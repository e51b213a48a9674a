/**
 * With several workers, whichever is asked for metrics answers for all: it asks the supervising process, which asks every
 * worker and adds up.
 */
import cluster from 'node:cluster'
import { AggregatorRegistry } from 'prom-client'
import { unavailable } from '../errors.ts'

const ASK = 'global-logout metrics'
/** How long a worker waits for what all have counted, in milliseconds. */
const PATIENCE_MS = 6_000

interface Message {
  type: typeof ASK
  id: string
  text?: string
}

const isMessage = (message: unknown): message is Message => (message as Message | null)?.type === ASK

/** The metrics of all workers. For a worker. @throws Problem `unavailable` when not every one answers in time. */
export async function askSupervisor(): Promise<string> {
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
