/**
 * Several processes on one port (`WORKERS`), each an instance of its own. One that crashes is replaced; one that
 * cannot even start ends the service, because its replacement could not either.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { FastifyBaseLogger } from 'fastify'
import type { Cleanup } from './lib/cleanup.ts'
import { gatherMetrics } from './observability/worker-metrics.ts'
import type { ServeOptions } from './serve.ts'

/** Pause before a worker is replaced, in milliseconds: one that dies at once must not keep a processor busy. */
const REPLACE_MS = 500

/** Resolves when all workers listen. @throws Error when one ends before. */
export async function supervise(
  count: number,
  options: ServeOptions,
  log: FastifyBaseLogger,
  cleanup: Pick<Cleanup, 'add'>,
): Promise<void> {
  const alive = new Set<Worker>()
  let started = false
  let stopping = false
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  failed.catch(() => {})

  function fork(): Worker {
    const worker = cluster.fork()
    alive.add(worker)
    // A worker that was killed a moment ago cannot be written to; its exit tells the rest.
    worker.on('error', (err) => log.warn({ err, worker: worker.process.pid }, 'a worker cannot be reached'))
    worker.send(options)
    worker.once('exit', (code, signal) => {
      alive.delete(worker)
      if (stopping) return
      if (!started) return fail(new Error('its workers cannot start; the reason is above.'))
      log.error({ worker: worker.process.pid, code, signal }, 'a worker ended; replacing it')
      setTimeout(() => stopping || fork(), REPLACE_MS)
    })
    return worker
  }

  gatherMetrics(log)
  cleanup.add(async () => {
    stopping = true
    const ended = [...alive].map((worker) => once(worker, 'exit'))
    for (const worker of alive) worker.process.kill('SIGTERM')
    await Promise.all(ended)
  })
  const workers = Array.from({ length: count }, fork)
  await Promise.race([Promise.all(workers.map((worker) => once(worker, 'listening'))), failed])
  started = true
}

/** What the supervising process sent this worker. */
export async function receiveServeOptions(): Promise<ServeOptions> {
  const [options] = await once(process, 'message')
  return options
}
