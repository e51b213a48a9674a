/**
 * The lease of a machine with several workers. The supervising process holds it, and lends each worker a part: one row in PostgreSQL,
 * one heartbeat and one read after a notification, however many workers there are. Revocations wait for each worker that holds a part.
 * A worker that exits is waited for no longer; one that hangs, until its part ends. Callers over HTTP get their parts from the supervising
 * process, too: a worker only passes their requests on.
 */
import cluster, { type Worker } from 'node:cluster'
import type { Database } from '../database/database.ts'
import type { SharedListener } from '../database/listener.ts'
import type { Log } from '../lib/log.ts'
import { REAL_TIME, sleep } from '../lib/sleep.ts'
import type { RequestLease } from './caller.ts'
import { createGrants, type Refusal } from './grants.ts'
import { createInstance, keepLease } from './instance.ts'
import { LEASE_MS, leaseClock } from './lease.ts'
import {
  createLender,
  createSuspensions,
  type Lender,
  type LenderCounts,
  type LoanRequest,
  type Refused,
} from './lender.ts'
import type { CallerLease, LeaseRequest } from './messages.ts'
import { instanceStore } from './queries.ts'

/** Sent by a worker to the supervising process, and back with `lease`. */
const REQUEST = 'global-logout lease'
/** The same for a caller over HTTP. */
const LEND = 'global-logout lend'
/** Sent by a worker that answers nothing any more. */
const LEAVE = 'global-logout leave'
/** Sent by the supervising process to every worker: sessions were revoked, or a lease is to be had again. */
const HINT = 'global-logout renew'

interface Message<Request = unknown, Answer = unknown> {
  type: typeof REQUEST | typeof LEND
  id: number
  request: Request
  lease?: Answer
}
interface Leave {
  type: typeof LEAVE
  caller: string
}

const typeOf = (message: unknown) => (message as Message | Leave | null)?.type
const isRequest = (message: unknown): message is Message<LeaseRequest, CallerLease | Refusal> =>
  typeOf(message) === REQUEST
const isLend = (message: unknown): message is Message<LoanRequest, CallerLease | Refused | 'left'> =>
  typeOf(message) === LEND
const isLeave = (message: unknown): message is Leave => typeOf(message) === LEAVE

/** Called in the supervising process. @param lease a pool of one connection. */
export function lendMachineLease(lease: Database, listener: SharedListener, log: Log) {
  const clock = leaseClock()
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  const callers = new Map<Worker, string>()

  function hint(): void {
    for (const worker of Object.values(cluster.workers ?? {})) if (worker?.isConnected()) worker.send(HINT)
  }

  const suspensions = createSuspensions(log)
  const grants = createGrants(null, clock, REAL_TIME.clock, {
    onChange: hint,
    onApplied: () => holder.acknowledge(),
    ...suspensions.on,
  })
  const lender = createLender(grants, suspensions)
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

  cluster.on('message', async (worker, message) => {
    // A message may come after the exit of its sender.
    if (worker.isDead()) return
    const answer = (lease: unknown) => worker.isConnected() && worker.send({ ...message, lease })
    if (isLeave(message)) grants.leave(message.caller)
    else if (isRequest(message)) {
      callers.set(worker, message.request.caller)
      answer(grants.grant(message.request))
    } else if (isLend(message)) answer(await lender.lend(message.request))
  })
  cluster.on('exit', (worker) => {
    grants.leave(callers.get(worker) ?? '')
    callers.delete(worker)
  })

  const counts: LenderCounts = { holders: grants.holders, ...suspensions.counts }
  return {
    /** Resolves when the first lease is held, or the first try to get it has failed. */
    settled,
    /** Of callers over HTTP. */
    counts,
    async close(): Promise<void> {
      await subscription.close()
      await holder.close()
      await lease.close()
    },
  }
}

/** What a worker has of the lease of its machine. */
export interface MachineLease extends Lender {
  request: RequestLease
  /** The worker answers nothing under its part any more. */
  leave(caller: string): void
  /** Calls `onHint` when a renewal should not wait. Hints may be lost. */
  onHint(onHint: () => void): void
}

/** Called in a worker. */
export function borrowMachineLease(): MachineLease {
  let lastId = 0
  const waiting = new Map<number, (lease: unknown) => void>()
  let onHint = () => {}
  process.on('message', (message: unknown) => {
    if (message === HINT) onHint()
    else if (isRequest(message) || isLend(message)) waiting.get(message.id)?.(message.lease)
  })
  const send = (message: Message | Leave) => void process.send?.(message)

  async function ask<Answer>(type: Message['type'], request: unknown): Promise<Answer> {
    const id = ++lastId
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    waiting.set(id, resolve)
    // A later answer would grant nothing.
    const timer = setTimeout(() => reject(new Error('the supervising process does not answer')), LEASE_MS)
    send({ type, id, request })
    const lease = await promise.finally(() => {
      clearTimeout(timer)
      waiting.delete(id)
    })
    return lease as Answer
  }

  return {
    async request(request) {
      const lease = await ask<CallerLease | Refusal>(REQUEST, request)
      if (typeof lease === 'string') throw new Error(`the supervising process grants no lease: ${lease}`)
      return lease
    },
    // Without the signal: a lease that reaches no caller ends by itself.
    lend: (request) => ask<CallerLease | Refused | 'left'>(LEND, request),
    leave: (caller) => send({ type: LEAVE, caller }),
    onHint(listener) {
      onHint = listener
    },
  }
}
