/** How this process holds the lease under which its cache answers: one of its own, or in a worker a part of that of its machine. */
import type { Database } from '../database/database.ts'
import type { SharedListener } from '../database/listener.ts'
import { createCaller, keepCallerLease, type RequestLease } from '../leases/caller.ts'
import { createGrants } from '../leases/grants.ts'
import { createInstance, keepLease, type LeaseEvents } from '../leases/instance.ts'
import { createLender, createSuspensions, type Lender, type LenderCounts } from '../leases/lender.ts'
import type { MachineLease } from '../leases/machine-lease.ts'
import type { Cursor } from '../leases/messages.ts'
import { instanceStore } from '../leases/queries.ts'
import type { Log } from '../lib/log.ts'
import { REAL_TIME, type Time } from '../lib/sleep.ts'
import type { SessionCache } from './cache.ts'

export interface Holding {
  /** What the cache has applied: what this process answers from now on shows all of it. Null before the first lease. */
  cursor(): Cursor | null
  lender: Lender
  /** Of callers over HTTP, where this process is their instance. */
  callers?: LenderCounts
  /** Keeps the lease until closed. */
  keep(on: LeaseEvents): { close(): Promise<void> }
}

/** @param lease a pool of one connection. */
export function ownLease(
  lease: Database,
  listener: SharedListener,
  cache: SessionCache,
  time: Time,
  log: Log,
): Holding {
  let holder: ReturnType<typeof keepLease> | undefined
  const suspensions = createSuspensions(log)
  const grants = createGrants(cache, time.clock, REAL_TIME.clock, {
    onFirstCaller: () => holder?.wake(),
    onApplied: () => holder?.acknowledge(),
    ...suspensions.on,
  })
  return {
    cursor: () => grants.cursor,
    lender: createLender(grants, suspensions),
    callers: { holders: grants.holders, ...suspensions.counts },
    keep(on) {
      const kept = keepLease(createInstance(instanceStore(lease), grants, time.clock), time, on)
      holder = kept
      const subscription = listener.subscribe(kept.wake)
      return {
        async close() {
          await kept.close()
          await subscription.close()
        },
      }
    },
  }
}

/**
 * A part of the lease of this machine. The cache keeps a read unless a revocation of its token was applied meanwhile. It reads only
 * the server that granted the lease, after what it has applied: so what it reads shows all that.
 */
export function partOfMachineLease(machineLease: MachineLease, cache: SessionCache, time: Time): Holding {
  const { clock } = time
  const caller = createCaller(cache, clock)
  // It has no other instance to ask, so it may hold a lease of the generation before.
  const request: RequestLease = (request) => machineLease.request({ ...request, instance: null })
  return {
    cursor: () => caller.cursor,
    lender: machineLease,
    keep(on) {
      let server: string | null = null
      let until = Number.NEGATIVE_INFINITY
      const holder = keepCallerLease(caller, request, time, {
        leased() {
          const lapsed = until <= clock()
          until = caller.until
          cache.hold(until)
          if (caller.server === server && !lapsed) return
          if (server !== null) on.lost(null)
          server = caller.server
          if (server !== null) on.leased(server)
        },
        failed(error) {
          if (clock() < until) return
          server = null
          on.lost(error)
        },
      })
      machineLease.onHint(holder.hint)
      return {
        async close() {
          await holder.close()
          cache.lapse()
          machineLease.leave(caller.id)
        },
      }
    },
  }
}
