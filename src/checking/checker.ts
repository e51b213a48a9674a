/**
 * The question of every request: is this token valid, and whose is it? Every answer comes from a read that
 * began after the question was asked. What cannot be decided is thrown as a 503, never answered.
 */
import { Problem, unavailable } from '../errors.ts'
import type { Touches } from '../sessions/touches.ts'
import type { Database } from '../storage/database.ts'
import { checkTokens } from '../storage/sessions.ts'
import { gather } from './gather.ts'

export type Verdict = { valid: true; userId: string; sessionId: string } | { valid: false }

export interface Checker {
  /** @throws Problem `unavailable` when nobody can say. */
  check(token: string): Promise<Verdict>
}

/** Two queries under way keep one connection reading while the other is answered; more gained nothing. */
const LIMITS = { inFlight: 2, batch: 256, waiting: 5_000, waitMs: 700 }

/** Reads PostgreSQL for every check; checks that arrive together share one query. */
export function databaseChecker({ query }: Pick<Database, 'query'>, touches: Pick<Touches, 'add'>): Checker {
  const lookUp = gather((tokens: string[]) => checkTokens(query, tokens), LIMITS)
  return {
    async check(token) {
      const found = await lookUp(token).catch((error) => {
        throw error instanceof Problem ? error : unavailable(error)
      })
      if (!found) return { valid: false }
      if (found.stale) touches.add(found.sessionId)
      return { valid: true, userId: found.userId, sessionId: found.sessionId }
    },
  }
}
