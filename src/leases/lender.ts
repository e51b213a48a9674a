/** Lends parts of the lease of this process to callers over HTTP: its own, or in a worker that of its machine. */
import type { Log } from '../lib/log.ts'
import type { Grants, Refusal } from './grants.ts'
import type { Limited } from './key-limits.ts'
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
  /** How often a key was, by its name. */
  suspendedKeys: ReadonlyMap<string, number>
}

const NO_LEASE: Refused = { refused: 'no_lease', retryMs: 0 }
const OTHER_INSTANCE: Refused = { refused: 'other_instance', retryMs: 0 }

/** Lends parts of what an instance of this process holds. */
export function createLender(grants: Grants, { know }: Pick<Suspensions, 'know'>): Lender {
  return {
    async lend({ wait, leave, ...request }, signal) {
      if (leave) return grants.leave(request.caller, request.instance) ? 'left' : OTHER_INSTANCE
      know(request.key)
      await grants.ready(request)
      if (wait) await untilAborted(grants.news(request), signal)
      if (signal?.aborted) return NO_LEASE
      const lease = grants.grant(request)
      if (typeof lease !== 'string') return lease
      const isSuspended = lease === 'suspended' || lease === 'key_suspended'
      return { refused: lease, retryMs: isSuspended ? grants.suspendedFor(request.caller, request.key) : 0 }
    },
  }
}

export type Suspensions = ReturnType<typeof createSuspensions>

/** Counts suspended callers and keys, and says so in the log. */
export function createSuspensions(log: Log) {
  const suspended = new Map<string, number>()
  const suspendedKeys = new Map<string, number>()
  const count = (counts: Map<string, number>, key: string, more: number) =>
    counts.set(key, (counts.get(key) ?? 0) + more)
  return {
    counts: { suspended, suspendedKeys },
    /** Shows the key in the counts. */
    know(key: string): void {
      for (const counts of [suspended, suspendedKeys]) count(counts, key, 0)
    },
    on: {
      onSuspended(caller: string, key: string): void {
        count(suspended, key, 1)
        log.warn({ key, caller }, 'caller suspended: a revocation had to wait for its lease')
      },
      onKeySuspended(key: string, callers: Limited): void {
        count(suspendedKeys, key, 1)
        log.error({ key, callers }, 'key suspended: revocations had to wait for leases of different callers')
      },
    },
  }
}

async function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal?.aborted) resolve()
  signal?.addEventListener('abort', () => resolve(), { once: true })
  await Promise.race([work, promise])
}
