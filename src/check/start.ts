/** Makes the checker that `CHECK_MODE` names. Nothing else knows which one runs. */
import type { Config } from '../config.ts'
import type { Database } from '../database/database.ts'
import type { SharedListener } from '../database/listener.ts'
import { createInstance, keepLease } from '../leases/instance.ts'
import { leaseClock } from '../leases/lease.ts'
import { instanceStore } from '../leases/queries.ts'
import type { Log } from '../lib/log.ts'
import type { LastSeen } from '../sessions/last-seen.ts'
import { createSessionCache } from './cache.ts'
import { type Checker, databaseChecker, type LeasedChecker, leasedChecker } from './checker.ts'

export interface Sources {
  checks: Database
  /** A pool of one connection. */
  lease: Database
  /** Notifies of revocations. */
  listener: SharedListener
}

export interface Checking {
  /** Answers from the database until it is started, and after it was closed. */
  checker: Checker
  /** What there is to tell of the checker that answers from memory. */
  leased?: Leased
  /** Joins the instances and keeps a lease, where `CHECK_MODE` is `leased`. */
  start(): { close(): Promise<void> }
}

/** What operators want to know of it. */
export interface Leased {
  counts: LeasedChecker['counts']
  holdsLease(): boolean
  /** Sessions in memory. */
  size(): number
}

export function createChecking(
  { checkMode, checkCache }: Pick<Config, 'checkMode' | 'checkCache'>,
  { checks, lease, listener }: Sources,
  lastSeen: Pick<LastSeen, 'record'>,
  log: Log,
): Checking {
  if (checkMode === 'database')
    return { checker: databaseChecker(checks, lastSeen), start: () => ({ close: async () => {} }) }

  const clock = leaseClock()
  const memory = createSessionCache(checkCache)
  const checker = leasedChecker(checks, lastSeen, memory, clock)
  return {
    checker,
    leased: {
      counts: checker.counts,
      holdsLease: () => memory.holds(clock()),
      size: () => memory.size,
    },
    start() {
      const kept = keepLease(createInstance(instanceStore(lease), memory, clock), clock, {
        joining: () => checks.reconnect(),
        leased: () => log.info('answering checks from memory'),
        lost: (err) =>
          log.warn({ err }, 'the lease is lost: every check reads the database until it is back'),
      })
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
