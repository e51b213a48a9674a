/**
 * Runs several worker processes on one port (`WORKERS`), each with its own memory. A worker that crashes is replaced. If
 * a worker fails to start, the service stops, because a replacement would fail too.
 *
 * What is needed once a machine: the supervising process listens to PostgreSQL, passes notifications on, and holds the lease; the first
 * worker, or the one that replaces it, does the jobs in the background.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { FastifyBaseLogger } from 'fastify'
import { Registry } from 'prom-client'
import type { Config } from './config.ts'
import { openDatabase } from './database/database.ts'
import { createSharedListener, type OnNotify, type SharedListener } from './database/listener.ts'
import { POOLS } from './database/pools.ts'
import { lendMachineLease } from './leases/machine-lease.ts'
import { REVOKED } from './leases/notice.ts'
import type { Cleanup } from './lib/cleanup.ts'
import { createCollectors } from './observability/collectors.ts'
import { createServiceMetrics } from './observability/service-metrics.ts'
import { gatherMetrics } from './observability/worker-metrics.ts'
import type { ServeOptions } from './serve.ts'

/** Pause before a worker is replaced, in milliseconds, so that a worker in a crash loop does not use a whole CPU. */
const REPLACE_MS = 500

/** Sent by the supervising process to every worker: a session may have been revoked. Its text is for the holder of the lease. */
const NOTIFIED = 'global-logout notified'

/** Resolves when all workers listen. @throws Error when a worker exits before that. */
export async function supervise(
  { workers: count, checkMode }: Pick<Config, 'workers' | 'checkMode'>,
  options: Omit<ServeOptions, 'leads'>,
  log: FastifyBaseLogger,
  cleanup: Pick<Cleanup, 'add'>,
): Promise<void> {
  const alive = new Set<Worker>()
  let started = false
  let stopping = false
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  failed.catch(() => {})

  function fork(leads: boolean): Worker {
    const worker = cluster.fork()
    alive.add(worker)
    // Writing to a killed worker fails; its exit event is handled below.
    worker.on('error', (err) => log.warn({ err, worker: worker.process.pid }, 'cannot send to a worker'))
    worker.send({ ...options, leads } satisfies ServeOptions)
    worker.once('exit', (code, signal) => {
      alive.delete(worker)
      if (stopping) return
      if (!started) return fail(new Error('a worker failed to start; see the log above.'))
      log.error({ worker: worker.process.pid, code, signal }, 'worker exited; starting a replacement')
      setTimeout(() => stopping || fork(leads), REPLACE_MS)
    })
    return worker
  }

  const registry = new Registry()
  gatherMetrics(registry, log)
  const listener = createSharedListener(options.directUrl ?? options.url, REVOKED)
  const subscription = listener.subscribe(() => {
    for (const worker of alive) if (worker.isConnected()) worker.send(NOTIFIED)
  })
  cleanup.add(subscription.close)
  if (checkMode === 'leased') {
    const { max, deadlineMs } = POOLS.lease
    const lease = openDatabase(options.directUrl ?? options.url, { max, deadlineMs, log })
    const machineLease = lendMachineLease(lease, listener, log)
    createServiceMetrics(createCollectors(registry)).callers(machineLease.counts)
    cleanup.add(machineLease.close)
    await machineLease.settled
  }
  cleanup.add(async () => {
    stopping = true
    const ended = [...alive].map((worker) => once(worker, 'exit'))
    for (const worker of alive) worker.process.kill('SIGTERM')
    await Promise.all(ended)
  })
  const workers = Array.from({ length: count }, (_, n) => fork(n === 0))
  await Promise.race([Promise.all(workers.map((worker) => once(worker, 'listening'))), failed])
  started = true
}

/** Receives the options that the supervising process sends to this worker. */
export async function receiveServeOptions(): Promise<ServeOptions> {
  const [options] = await once(process, 'message')
  return options
}

/** In a worker: notified by the supervising process. Like any notification, one may be lost. */
export function supervisedListener(): SharedListener {
  const subscribers = new Set<OnNotify>()
  process.on('message', (message) => {
    if (message === NOTIFIED) for (const notify of subscribers) notify('')
  })
  return {
    subscribe(onNotify) {
      subscribers.add(onNotify)
      return { close: async () => void subscribers.delete(onNotify) }
    },
  }
}
