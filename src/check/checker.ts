/**
 * Decides whether a token is valid, and whose it is. Once a logout has been answered, no checker says "valid" for the sessions
 * that it ended. An undecided check throws a 503; it is never answered. `@global-logout/postgres` bundles this module.
 */

import { POOLS } from '../database/pools.ts'
import { hashToken } from '../database/token-hash.ts'
import { Problem, unavailable } from '../errors.ts'
import { batch } from '../lib/batch.ts'
import type { Time } from '../lib/sleep.ts'
import type { LastSeen } from '../sessions/last-seen.ts'
import { CachedSession, type SessionCache } from './cache.ts'
import type { Checked, Read } from './queries.ts'

export type Verdict = ValidSession | { valid: false; tooOld?: true }

/** Instants are in whole seconds since 1970, rounded down. */
export interface ValidSession {
  valid: true
  userId: string
  sessionId: string
  createdAt: number
  /** When it ends if it is not used again. A later use may already have extended it. */
  expiresAt: number
}

/** What a request asks besides. */
export interface Use {
  /** Whether the check extends the session. */
  activity: boolean
  /** The verdict for an older sign-in is `tooOld`. In seconds. */
  maxAuthAge?: number | undefined
}

const ACTIVITY: Use = { activity: true }

export interface Checker {
  /** Answers synchronously from the cache. @throws Problem `unavailable` when the check cannot be decided. */
  check(token: string, use?: Use): Verdict | Promise<Verdict>
}

/**
 * A query begins two turns of the event loop after its first check. By then, callers that the query before has just answered ask again,
 * and share it: with four connections, some three checks share a query instead of two. That takes a fifth off the CPU of a check.
 */
const schedule = (start: () => void) => setImmediate(() => setImmediate(start))

const LIMITS = {
  inFlight: POOLS.checks.max,
  size: 256,
  waiting: 5_000,
  waitMs: 700,
  schedule,
  refusal: unavailable,
}

/** In milliseconds. Together with the wait in the queue and the query's deadline below the promised 2 seconds. */
const LATE_MS = 250

const INVALID: Verdict = { valid: false }
const TOO_OLD: Verdict = { valid: false, tooOld: true }

/** Answers for hashed tokens, by position; null for one that is not valid. */
type Load<Found> = (hashes: string[]) => Promise<(Found | null)[]>

/** Reads PostgreSQL after each check has arrived. Checks that arrive together share one query. */
export function databaseChecker(load: Load<Checked>, lastSeen: Pick<LastSeen, 'record'>): Checker {
  const lookUp = batch(load, LIMITS)
  return {
    async check(token, { activity, maxAuthAge = Number.POSITIVE_INFINITY } = ACTIVITY) {
      const found = await lookUp(hashToken(token)).catch(undecided)
      if (!found) return INVALID
      const { userId, sessionId, createdAt, expiresAt } = found
      if (activity ? found.stale : found.unseen) lastSeen.record(sessionId, activity)
      if (found.age > maxAuthAge) return TOO_OLD
      return {
        valid: true,
        userId,
        sessionId,
        createdAt: Math.floor(createdAt),
        expiresAt: Math.floor(expiresAt),
      }
    },
  }
}

export interface LeasedChecker extends Checker {
  /** Checks answered from the cache, and checks that read PostgreSQL. */
  readonly counts: { hits: number; misses: number }
}

/** Answers from the cache while the lease is held, else as the database checker does. */
export function leasedChecker(
  load: Load<Read>,
  lastSeen: Pick<LastSeen, 'record'>,
  cache: SessionCache,
  time: Time,
): LeasedChecker {
  const { clock } = time
  const lookUp = batch(load, LIMITS, time)
  const counts = { hits: 0, misses: 0 }

  async function readSession(key: string, askedAt: number, use: Use): Promise<Verdict> {
    const loadOne = async () => {
      // A check that waited for a shared read without success may be late already.
      if (clock() - askedAt > LATE_MS) throw unavailable(new Error('waited too long'))
      const found = await lookUp(key)
      return found && new CachedSession(found, askedAt)
    }
    const found = await cache.read(key, askedAt, loadOne).catch(undecided)
    return found ? answerFrom(found, clock(), use) : INVALID
  }

  function answerFrom(session: CachedSession, now: number, { activity, maxAuthAge }: Use): Verdict {
    if (session.isDue(now, activity)) lastSeen.record(session.sessionId, activity)
    return maxAuthAge !== undefined && session.ageAt(now) > maxAuthAge ? TOO_OLD : session
  }

  return {
    counts,
    check(token, use = ACTIVITY) {
      const key = hashToken(token)
      const now = clock()
      const found = cache.find(key, now)
      if (!found) {
        counts.misses++
        return readSession(key, now, use)
      }
      counts.hits++
      return answerFrom(found, now, use)
    },
  }
}

function undecided(error: unknown): never {
  throw error instanceof Problem ? error : unavailable(error)
}
