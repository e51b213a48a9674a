/**
 * The question of every request: is this token valid, and whose is it? Every answer comes from a read that
 * began after the question was asked. What cannot be decided is thrown as a 503, never answered.
 */
import { Problem, unavailable } from '../errors.ts'
import type { Touches } from '../sessions/touches.ts'
import type { Database } from '../storage/database.ts'
import { checkToken } from '../storage/sessions.ts'

export type Verdict = { valid: true; userId: string; sessionId: string } | { valid: false }

export interface Checker {
  /** @throws Problem `unavailable` when nobody can say. */
  check(token: string): Promise<Verdict>
}

/** Reads PostgreSQL for every check. */
export function databaseChecker({ run }: Pick<Database, 'run'>, touches: Pick<Touches, 'add'>): Checker {
  return {
    async check(token) {
      const found = await run((db) => checkToken(db, token)).catch((error) => {
        throw error instanceof Problem ? error : unavailable(error)
      })
      if (!found) return { valid: false }
      if (found.stale) touches.add(found.sessionId)
      return { valid: true, userId: found.userId, sessionId: found.sessionId }
    },
  }
}
