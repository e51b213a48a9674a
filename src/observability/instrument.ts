/** Wraps services to count the outcomes of their calls; behaviour does not change. */
import { Problem } from '../errors.ts'
import { LOGOUT_SCOPES } from '../operations/kinds.ts'
import type { Keys } from '../service-api/keys.ts'
import type { Sessions } from '../sessions/sessions.ts'

/** Labels of logouts: the scope, or `one` for a single session by its id. */
export const COUNTED_SCOPES = [...LOGOUT_SCOPES, 'one'] as const
export type CountedScope = (typeof COUNTED_SCOPES)[number]

/**
 * `done`: committed. `refused`: not allowed, or no such session. `unknown`: the answer to the commit was lost. `failed`:
 * nothing was changed.
 */
export const LOGOUT_OUTCOMES = ['done', 'refused', 'unknown', 'failed'] as const
export type LogoutOutcome = (typeof LOGOUT_OUTCOMES)[number]

export function instrumentSessions(
  sessions: Sessions,
  on: { created(): void; logout(scope: CountedScope, outcome: LogoutOutcome): void },
): Sessions {
  const logout = async <T>(scope: CountedScope, ended: Promise<T>): Promise<T> => {
    try {
      const outcome = await ended
      on.logout(scope, 'done')
      return outcome
    } catch (error) {
      on.logout(scope, outcomeOf(error))
      throw error
    }
  }
  return {
    ...sessions,
    async create(login) {
      const created = await sessions.create(login)
      on.created()
      return created
    },
    logout: (token, scope, ...rest) => logout(scope, sessions.logout(token, scope, ...rest)),
    endOne: (...call) => logout('one', sessions.endOne(...call)),
  }
}

function outcomeOf(error: unknown): LogoutOutcome {
  if (!(error instanceof Problem)) return 'failed'
  if (error.code === 'outcome_unknown') return 'unknown'
  return error.status < 500 ? 'refused' : 'failed'
}

/** @param refused called for each refused key, with the reason: its secret or its scope. */
export function instrumentKeys(
  keys: Keys,
  refused: (why: 'invalid_key' | 'insufficient_scope') => void,
): Keys {
  return {
    ...keys,
    async require(secret, scope) {
      try {
        return await keys.require(secret, scope)
      } catch (error) {
        const code = error instanceof Problem && error.code
        if (code === 'invalid_key' || code === 'insufficient_scope') refused(code)
        throw error
      }
    },
  }
}
