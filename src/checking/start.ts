/** Starts the checker that `CHECK_MODE` names. Nothing else knows which one runs. */
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config.ts'
import type { Touches } from '../sessions/touches.ts'
import type { Database } from '../storage/database.ts'
import { instanceStore } from '../storage/instances.ts'
import type { Ears } from '../storage/listener.ts'
import { type Checker, databaseChecker, type LeasedChecker, leasedChecker } from './checker.ts'
import { createInstance, keepLease } from './instance.ts'
import { leaseClock } from './lease.ts'
import { createMemory } from './memory.ts'

export interface Databases {
  databaseForChecks: Database
  /** A pool of one connection. */
  databaseForLease: Database
  /** Tell of revocations. */
  ears: Ears
}

export interface RunningChecker {
  checker: Checker
  /** What there is to tell of the checker that answers from memory. */
  leased?: Leased
  /** Stops what keeps it going; until the process ends it answers on, from the database. */
  close(): Promise<void>
}

/** What operators want to know of it. */
export interface Leased {
  counts: LeasedChecker['counts']
  holdsLease(): boolean
  /** Sessions in memory. */
  size(): number
}

export function startChecker(
  { checkMode, checkCache }: Pick<Config, 'checkMode' | 'checkCache'>,
  { databaseForChecks, databaseForLease, ears }: Databases,
  touches: Pick<Touches, 'add'>,
  log: FastifyBaseLogger,
): RunningChecker {
  if (checkMode === 'database')
    return { checker: databaseChecker(databaseForChecks, touches), close: async () => {} }

  const clock = leaseClock()
  const memory = createMemory(checkCache)
  const checker = leasedChecker(databaseForChecks, touches, memory, clock)
  const instance = createInstance(instanceStore(databaseForLease), memory, clock)
  const lease = keepLease(instance, clock, {
    joining: () => databaseForChecks.reconnect(),
    leased: () => log.info('answering checks from memory'),
    lapsed: (err) => log.warn({ err }, 'the lease is lost: every check reads the database until it is back'),
  })
  const ear = ears.hear(lease.wake)
  return {
    checker,
    leased: {
      counts: checker.counts,
      holdsLease: () => memory.holds(clock()),
      size: () => memory.size,
    },
    async close() {
      await lease.close()
      await ear.close()
    },
  }
}
