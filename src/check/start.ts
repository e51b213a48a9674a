/** Creates the checker that `CHECK_MODE` names. No other module depends on the mode. */
import type { Config } from '../config.ts'
import type { Database } from '../database/database.ts'
import type { SharedListener } from '../database/listener.ts'
import type { Problem } from '../errors.ts'
import { createCaller, keepCallerLease } from '../leases/caller.ts'
import type { LeaseFence } from '../leases/fence.ts'
import { createInstance, keepLease, type LeaseEvents } from '../leases/instance.ts'
import { leaseClock } from '../leases/lease.ts'
import type { MachineLease } from '../leases/machine-lease.ts'
import { instanceStore } from '../leases/queries.ts'
import type { Log } from '../lib/log.ts'
import { sleep, type Time } from '../lib/sleep.ts'
import type { LastSeen } from '../sessions/last-seen.ts'
import { createSessionCache, type SessionCache } from './cache.ts'
import { type Checker, databaseChecker, type LeasedChecker, leasedChecker } from './checker.ts'

export interface Sources {
  checks: Database
  /** A pool of one connection. */
  lease: Database
  /** In a worker: the lease of its machine, a part of which it holds in place of a lease of its own. */
  machineLease?: MachineLease | undefined
  /** Notifies of revocations. */
  listener: SharedListener
  /** Opens while the lease is held; null in a process that does not serve. */
  fence?: LeaseFence | null
  /** Resolves once the server that grants the lease may answer. */
  admit?: Admit
}

type Admit = (server: string, signal: AbortSignal, failed: (problem: Problem) => void) => Promise<void>

export interface Checking {
  /** In leased mode its reads need a lease, too: it answers from `start` to `close`. */
  checker: Checker
  /** Figures of the cache; missing in database mode. */
  leased?: Leased
  /** In leased mode, joins the instances and keeps a lease. */
  start(): { close(): Promise<void> }
}

/** What the metrics show of the cache and its lease. */
export interface Leased {
  counts: LeasedChecker['counts']
  holdsLease(): boolean
  /** Cached sessions. */
  size(): number
}

export function createChecking(
  { checkMode, checkCache }: Pick<Config, 'checkMode' | 'checkCache'>,
  { checks, lease, machineLease, listener, fence, admit = async () => {} }: Sources,
  lastSeen: Pick<LastSeen, 'record'>,
  log: Log,
): Checking {
  if (checkMode === 'database')
    return { checker: databaseChecker(checks, lastSeen), start: () => ({ close: async () => {} }) }

  const time = { clock: leaseClock(), sleep }
  const { clock } = time
  const cache = createSessionCache(checkCache)
  const checker = leasedChecker(checks, lastSeen, cache, time)
  return {
    checker,
    leased: {
      counts: checker.counts,
      holdsLease: () => cache.holds(clock()),
      size: () => cache.size,
    },
    start() {
      let held = new AbortController()
      const events: LeaseEvents = {
        leased(server) {
          held = new AbortController()
          const { signal } = held
          const open = () => {
            if (signal.aborted) return
            fence?.open({ server, holds: () => cache.holds(clock()) })
            log.info({ server }, 'lease held; answering')
          }
          // It rejects when the lease is lost before.
          admit(server, signal, (problem) => fence?.close(problem)).then(open, () => {})
        },
        lost(err) {
          held.abort()
          fence?.close(err)
          if (err) lease.tryOtherHost()
          log.warn({ err }, 'lease lost; nothing is answered until the next lease')
        },
      }
      const holder = machineLease
        ? keepPart(machineLease, cache, time, events)
        : keepOwn(lease, listener, cache, time, events)
      return {
        async close() {
          held.abort()
          await holder.close()
        },
      }
    },
  }
}

interface Holder {
  close(): Promise<void>
}

/** Keeps a lease of this instance. */
function keepOwn(
  lease: Database,
  listener: SharedListener,
  cache: SessionCache,
  time: Time,
  on: LeaseEvents,
): Holder {
  const holder = keepLease(createInstance(instanceStore(lease), cache, time.clock), time, on)
  const subscription = listener.subscribe(holder.wake)
  return {
    async close() {
      await holder.close()
      await subscription.close()
    },
  }
}

/**
 * Keeps a part of the lease of this machine. The cache keeps a read unless a revocation of its token was applied meanwhile. It reads only
 * the server that granted the lease, after what it has applied: so what it reads shows all that.
 */
export function keepPart(
  machineLease: MachineLease,
  cache: SessionCache,
  time: Time,
  on: LeaseEvents,
): Holder {
  const { clock } = time
  const caller = createCaller(cache, clock)
  let server: string | null = null
  let until = Number.NEGATIVE_INFINITY
  const holder = keepCallerLease(caller, machineLease.request, time, {
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
}
