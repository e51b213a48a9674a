/**
 * Is this request's session valid, and whose is it? Three outcomes, never mixed up: an identity, null for "signed out",
 * and an error for "nobody can say". Only an answer that the service itself could have given counts.
 */
import { credentialsOf, hasToken, type RequestLike } from './credentials.ts'
import { UndecidedError } from './errors.ts'
import { type Exchange, REPEATABLE, retryAfterOf } from './exchange.ts'
import { type RefusalCode, refusalOf } from './refusal.ts'

/** Whose session it is. */
export interface Identity {
  readonly userId: string
  /** The public id of the session: safe to show and to log. */
  readonly sessionId: string
}

/**
 * `code`: why nobody is signed in. `cookies`: `Set-Cookie` lines to pass on, which remove session cookies that differ; without
 * them the next sign-in would be refused, too.
 */
export type Verdict =
  | { identity: Identity }
  | { identity: null; code: RefusalCode; cookies?: readonly string[] }

/** As the service writes it. What a load balancer between adds is not for browsers. */
const REMOVAL = /^[^=;]+=; Max-Age=0;/

export function createCheck(exchange: Exchange) {
  /** As `check`, with the reason. @throws UndecidedError */
  async function verdict(request: RequestLike): Promise<Verdict> {
    const headers = credentialsOf(request)
    if (!hasToken(headers)) return { identity: null, code: 'unauthenticated' }
    try {
      return await exchange.ask('/check', { headers }, verdictOf, REPEATABLE)
    } catch (error) {
      if (error instanceof UndecidedError) throw error
      throw new UndecidedError('The session service gave no answer.', { cause: error })
    }
  }

  return {
    verdict,

    /**
     * @returns null when the request comes without a living session.
     * @throws UndecidedError for anything but a clear answer: the service away, too slow, unable to decide, or somebody
     * else answering in its place.
     */
    check: async (request: RequestLike): Promise<Identity | null> => (await verdict(request)).identity,
  }
}

async function verdictOf(response: Response): Promise<Verdict> {
  const code = await refusalOf(response)
  const cookies = response.headers.getSetCookie().filter((line) => REMOVAL.test(line))
  if (code) return { identity: null, code, ...(cookies.length > 0 && { cookies }) }
  const identity = response.status === 200 ? identityOf(response.headers) : undefined
  // Read to its end, the connection can be used again.
  if (identity) await response.arrayBuffer()
  else if (!response.bodyUsed) await response.body?.cancel()
  if (identity) return { identity }
  throw new UndecidedError(`The answer to the session check decides nothing (status ${response.status}).`, {
    retryAfterSeconds: retryAfterOf(response),
  })
}

/** Undefined unless both headers are there, once: the service never sends a space, and a repeated header has one. */
function identityOf(headers: Headers): Identity | undefined {
  const [userId, sessionId] = ['x-user-id', 'x-session-id'].map((name) => headers.get(name))
  if (!userId || !sessionId || !/^[\x21-\x7e]+$/.test(userId + sessionId)) return undefined
  try {
    // The service encodes every id that holds a `%`, so that there is only one way to read it.
    return { userId: decodeURIComponent(userId), sessionId }
  } catch {
    return undefined
  }
}
