/**
 * The question of every request: is this token valid, and whose is it? Whoever was told that a session is over hears
 * "valid" of it from no checker after that. What cannot be decided is thrown as a 503, never answered.
 */
import { Problem, unavailable } from '../errors.ts'
import { hashToken } from '../sessions/tokens.ts'
import type { Touches } from '../sessions/touches.ts'
import { checkTokens, readTokens } from '../storage/checks.ts'
import type { Database } from '../storage/database.ts'
import { gather } from './gather.ts'
import { type Memory, Remembered } from './memory.ts'

export type Verdict = { valid: true; userId: string; sessionId: string } | { valid: false }

export interface Checker {
  /** Answers at once where it can. @throws Problem `unavailable` when nobody can say. */
  check(token: string): Verdict | Promise<Verdict>
}

/**
 * Up to four single checks go their own way; more share a query. One large query at a time brought 10 to 35 % more checks
 * with 32 connections than two that halve them.
 */
const LIMITS = { inFlight: 4, few: 4, batch: 256, waiting: 5_000, waitMs: 700 }

const INVALID: Verdict = { valid: false }

/** Reads PostgreSQL for every check, after it was asked; checks that arrive together share one query. */
export function databaseChecker({ query }: Pick<Database, 'query'>, touches: Pick<Touches, 'add'>): Checker {
  const lookUp = gather((hashes: string[]) => checkTokens(query, hashes), LIMITS)
  return {
    async check(token) {
      const found = await lookUp(hashToken(token)).catch(undecided)
      if (!found) return INVALID
      if (found.stale) touches.add(found.sessionId)
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
  touches: Pick<Touches, 'add'>,
  memory: Memory,
  clock: () => number,
): LeasedChecker {
  const lookUp = gather((hashes: string[]) => readTokens(query, hashes), LIMITS)
  const counts = { hits: 0, misses: 0 }

  async function read(key: string, askedAt: number): Promise<Verdict> {
    const load = async () => {
      const found = await lookUp(key)
      return found && new Remembered(found, askedAt)
    }
    const found = await memory.read(key, askedAt, load).catch(undecided)
    return found ? used(found, clock()) : INVALID
  }

  function used(session: Remembered, now: number): Verdict {
    if (now >= session.touchAt * 1000) {
      session.touchAt = Math.floor(now / 1000) + session.touchInterval
      touches.add(session.sessionId)
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
