/**
 * The lease of a machine with several workers. The supervising process holds it, and lends each worker a part: one row in PostgreSQL,
 * one heartbeat and one read after a notification, however many workers there are. Revocations wait for each worker that holds a part.
 * A worker that exits is waited for no longer; one that hangs, until its part ends.
 */
import cluster, { type Worker } from 'node:cluster'
import type { Database } from '../database/database.ts'
import type { SharedListener } from '../database/listener.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'
import type { RequestLease } from './caller.ts'
import { type CallerLease, createGrants, type LeaseRequest, type Refusal } from './grants.ts'
import { createInstance, keepLease } from './instance.ts'
import { LEASE_MS, leaseClock } from './lease.ts'
import { instanceStore } from './queries.ts'

/** Sent by a worker to the supervising process, and back with `lease`. */
const REQUEST = 'global-logout lease'
/** Sent by a worker that answers nothing any more. */
const LEAVE = 'global-logout leave'
/** Sent by the supervising process to every worker: sessions were revoked, or a lease is to be had again. */
const HINT = 'global-logout renew'

interface Message {
  type: typeof REQUEST | typeof LEAVE
  id: number
  request: LeaseRequest
  lease?: CallerLease | Refusal
}

const is = (type: Message['type'], message: unknown): message is Message =>
  (message as Message | null)?.type === type

/** Called in the supervising process. @param lease a pool of one connection. */
export function lendMachineLease(lease: Database, listener: SharedListener, log: Log) {
  const clock = leaseClock()
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  const callers = new Map<Worker, string>()

  function hint(): void {
    for (const worker of Object.values(cluster.workers ?? {})) if (worker?.isConnected()) worker.send(HINT)
  }

  // A worker is all that its clients have: one that resumes must serve again at once.
  const grants = createGrants(null, clock, {
    suspendedMs: 0,
    onChange: hint,
    onApplied: () => holder.acknowledge(),
  })
  const holder = keepLease(
    createInstance(instanceStore(lease), grants, clock),
    { clock, sleep },
    {
      leased() {
        settle()
        hint()
      },
      lost(err) {
        settle()
        if (err) lease.tryOtherHost()
        log.warn({ err }, 'lease of the machine lost; workers answer until their parts of it end')
      },
    },
  )
  const subscription = listener.subscribe(holder.wake)

  cluster.on('message', (worker, message) => {
    // A message may come after the exit of its sender.
    if (worker.isDead()) return
    if (is(LEAVE, message)) grants.leave(message.request.caller)
    if (!is(REQUEST, message)) return
    callers.set(worker, message.request.caller)
    const answer: Message = { ...message, lease: grants.grant(message.request) }
    if (worker.isConnected()) worker.send(answer)
  })
  cluster.on('exit', (worker) => {
    grants.leave(callers.get(worker) ?? '')
    callers.delete(worker)
  })

  return {
    /** Resolves when the first lease is held, or the first try to get it has failed. */
    settled,
    async close(): Promise<void> {
      await subscription.close()
      await holder.close()
      await lease.close()
    },
  }
}

/** What a worker has of the lease of its machine. */
export interface MachineLease {
  request: RequestLease
  /** The caller answers nothing under its part any more. */
  leave(caller: string): void
  /** Calls `onHint` when a renewal should not wait. Hints may be lost. */
  onHint(onHint: () => void): void
}

/** Called in a worker. */
export function borrowMachineLease(): MachineLease {
  let lastId = 0
  const waiting = new Map<number, (lease: CallerLease | Refusal) => void>()
  let onHint = () => {}
  process.on('message', (message: unknown) => {
    if (message === HINT) onHint()
    else if (is(REQUEST, message)) waiting.get(message.id)?.(message.lease ?? 'no_lease')
  })
  const send = (message: Message) => process.send?.(message)

  return {
    async request(request) {
      const id = ++lastId
      const { promise, resolve, reject } = Promise.withResolvers<CallerLease | Refusal>()
      waiting.set(id, resolve)
      // A later answer would grant nothing.
      const timer = setTimeout(() => reject(new Error('the supervising process does not answer')), LEASE_MS)
      send({ type: REQUEST, id, request })
      const lease = await promise.finally(() => {
        clearTimeout(timer)
        waiting.delete(id)
      })
      if (typeof lease === 'string') throw new Error(`the supervising process grants no lease: ${lease}`)
      return lease
    },
    leave: (caller) => void send({ type: LEAVE, id: 0, request: { caller, cursor: null } }),
    onHint(listener) {
      onHint = listener
    },
  }
}
