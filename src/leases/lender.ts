/** Lends parts of the lease of this process to callers over HTTP: its own, or in a worker that of its machine. */
import type { Log } from '../lib/log.ts'
import type { Grants, Refusal } from './grants.ts'
import type { CallerLease, LeaseRequest } from './messages.ts'

/** A request of a caller over HTTP. */
export interface LoanRequest extends LeaseRequest {
  /** The name of its key. */
  key: string
  /** It answers nothing from memory any more: nothing is lent. */
  leave: boolean
}

export interface Refused {
  refused: Refusal
  /** When to ask again, in milliseconds; 0 for soon. */
  retryMs: number
}

export interface Lender {
  /** @param signal aborted when nothing waits for the answer any more: then nothing is lent. */
  lend(request: LoanRequest, signal?: AbortSignal): Promise<CallerLease | Refused | 'left'>
}

/** What the metrics show of callers over HTTP. */
export interface LenderCounts {
  /** How many hold a lease. */
  holders(): number
  /** How often one was suspended, by the name of its key. */
  suspended: ReadonlyMap<string, number>
}

const NO_LEASE: Refused = { refused: 'no_lease', retryMs: 0 }
const OTHER_INSTANCE: Refused = { refused: 'other_instance', retryMs: 0 }

/** Lends parts of what an instance of this process holds. @param suspended counts of `createSuspensions`. */
export function createLender(grants: Grants, suspended: Map<string, number>): Lender {
  return {
    async lend({ wait, leave, ...request }, signal) {
      if (leave) return grants.leave(request.caller, request.instance) ? 'left' : OTHER_INSTANCE
      if (!suspended.has(request.key)) suspended.set(request.key, 0)
      await grants.ready(request)
      if (wait) await untilAborted(grants.news(request), signal)
      if (signal?.aborted) return NO_LEASE
      const lease = grants.grant(request)
      if (typeof lease !== 'string') return lease
      return { refused: lease, retryMs: lease === 'suspended' ? grants.suspendedFor(request.caller) : 0 }
    },
  }
}

/** Counts suspended callers and says so in the log. */
export function createSuspensions(log: Log) {
  const suspended = new Map<string, number>()
  return {
    suspended,
    onSuspended(caller: string, key: string): void {
      suspended.set(key, (suspended.get(key) ?? 0) + 1)
      log.warn({ key, caller }, 'caller suspended: a revocation had to wait for its lease')
    },
  }
}

async function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal?.aborted) resolve()
  signal?.addEventListener('abort', () => resolve(), { once: true })
  await Promise.race([work, promise])
}
