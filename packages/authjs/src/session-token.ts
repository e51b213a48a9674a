/** Ends the session of a token, which is sent as a request would send it. */
import type { RequestLike, Sessions } from '@global-logout/client'

export function bearer(token: string): RequestLike {
  return { headers: { authorization: `Bearer ${token}` } }
}

/** Ends the session of a token. @returns false for a token that `sessions` does not know. @throws what `logout` throws otherwise. */
export async function endSession(sessions: Pick<Sessions, 'logout'>, token: string): Promise<boolean> {
  try {
    await sessions.logout(bearer(token), { scope: 'local' })
    return true
  } catch (error) {
    if (codeOf(error) === 'invalid_token') return false
    throw error
  }
}

/** The code of a `ServiceError`; an application may have several copies of its class. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
