/**
 * The question of every request: is this token valid, and whose is it? After a logout has answered, no checker says
 * "valid" of what it ended. What cannot be decided is thrown as a 503, never answered.
 */

import type { Database } from '../database/database.ts'
import { hashToken } from '../database/token-hash.ts'
import { Problem, unavailable } from '../errors.ts'
import { batch } from '../lib/batch.ts'
import type { LastSeen } from '../sessions/last-seen.ts'
import { CachedSession, type SessionCache } from './cache.ts'
import { checkTokens, readTokens } from './queries.ts'

export type Verdict = { valid: true; userId: string; sessionId: string } | { valid: false }

export interface Checker {
  /** Answers at once where it can. @throws Problem `unavailable` when nobody can say. */
  check(token: string): Verdict | Promise<Verdict>
}

/**
 * Up to four single checks go their own way; more share a query. One large query at a time brought 10 to 35 % more checks
 * with 32 connections than two that halve them.
 */
const LIMITS = { inFlight: 4, busyAt: 4, size: 256, waiting: 5_000, waitMs: 700, refusal: unavailable }

/** With the wait in the queue and the query's deadline still below the promised 2 seconds. */
const LATE_MS = 250

const INVALID: Verdict = { valid: false }

/** Reads PostgreSQL for every check, after it was asked; checks that arrive together share one query. */
export function databaseChecker(
  { query }: Pick<Database, 'query'>,
  lastSeen: Pick<LastSeen, 'record'>,
): Checker {
  const lookUp = batch((hashes: string[]) => checkTokens(query, hashes), LIMITS)
  return {
    async check(token) {
      const found = await lookUp(hashToken(token)).catch(undecided)
      if (!found) return INVALID
      if (found.stale) lastSeen.record(found.sessionId)
      return { valid: true, userId: found.userId, sessionId: found.sessionId }
    },
  }
}

export interface LeasedChecker extends Checker {
  /** Checks answered from memory, and those that read PostgreSQL. */
  readonly counts: { hits: number; misses: number }
}

/** Answers from memory while the lease is held, else as the database checker does. */
export function leasedChecker(
  { query }: Pick<Database, 'query'>,
  lastSeen: Pick<LastSeen, 'record'>,
  memory: SessionCache,
  clock: () => number,
): LeasedChecker {
  const lookUp = batch((hashes: string[]) => readTokens(query, hashes), LIMITS)
  const counts = { hits: 0, misses: 0 }

  async function read(key: string, askedAt: number): Promise<Verdict> {
    const load = async () => {
      // Whoever shared another's read in vain may be late already.
      if (clock() - askedAt > LATE_MS) throw unavailable(new Error('waited too long'))
      const found = await lookUp(key)
      return found && new CachedSession(found, askedAt)
    }
    const found = await memory.read(key, askedAt, load).catch(undecided)
    return found ? used(found, clock()) : INVALID
  }

  function used(session: CachedSession, now: number): Verdict {
    if (now >= session.touchAt * 1000) {
      // A second more, because it is written within one: the database refuses a use that comes early.
      session.touchAt = Math.ceil(now / 1000) + session.touchInterval + 1
      lastSeen.record(session.sessionId)
    }
    return session
  }

  return {
    counts,
    check(token) {
      const key = hashToken(token)
      const now = clock()
      const found = memory.find(key, now)
      if (!found) {
        counts.misses++
        return read(key, now)
      }
      counts.hits++
      return used(found, now)
    },
  }
}

function undecided(error: unknown): never {
  throw error instanceof Problem ? error : unavailable(error)
}
