/** Creates the checker that `CHECK_MODE` names. No other module depends on the mode. */
import type { Config } from '../config.ts'
import type { Database } from '../database/database.ts'
import type { SharedListener } from '../database/listener.ts'
import type { Problem } from '../errors.ts'
import type { LeaseFence } from '../leases/fence.ts'
import type { LeaseEvents } from '../leases/instance.ts'
import { leaseClock } from '../leases/lease.ts'
import type { Lender, LenderCounts } from '../leases/lender.ts'
import type { MachineLease } from '../leases/machine-lease.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'
import type { LastSeen } from '../sessions/last-seen.ts'
import { createSessionCache } from './cache.ts'
import { type Checker, databaseChecker, type LeasedChecker, leasedChecker } from './checker.ts'
import { ownLease, partOfMachineLease } from './holding.ts'
import { checkTokens, readTokens } from './queries.ts'
import { createSessionLeases, type SessionLeases } from './session-leases.ts'

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
  /** In leased mode: what callers with a lease need to answer the next checks of a session themselves. */
  sessionLeases?: SessionLeases
  /** In leased mode: lends parts of the lease of this process to callers over HTTP. */
  lender?: Lender
  /** Figures of callers over HTTP, where this process is their instance. */
  callers?: LenderCounts
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
    return {
      checker: databaseChecker((hashes) => checkTokens(checks.query, hashes), lastSeen),
      start: () => ({ close: async () => {} }),
    }

  const time = { clock: leaseClock(), sleep }
  const { clock } = time
  const cache = createSessionCache(checkCache)
  const checker = leasedChecker((hashes) => readTokens(checks.query, hashes), lastSeen, cache, time)
  const holding = machineLease
    ? partOfMachineLease(machineLease, cache, time)
    : ownLease(lease, listener, cache, time, log)
  const { cursor, lender, callers } = holding
  return {
    checker,
    sessionLeases: createSessionLeases(cursor, clock),
    lender,
    ...(callers && { callers }),
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
      const holder = holding.keep(events)
      return {
        async close() {
          held.abort()
          await holder.close()
        },
      }
    },
  }
}
