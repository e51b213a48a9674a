/**
 * Checks the session of a request. Three distinct outcomes: an identity, null for "signed out", and an error for
 * "undecided". Only an answer that the service itself could have given is accepted.
 */
import { credentialsOf, hasToken, type RequestLike } from './credentials.ts'
import { UndecidedError } from './errors.ts'
import { type Exchange, REPEATABLE, retryAfterOf } from './exchange.ts'
import { type RefusalCode, refusalOf } from './refusal.ts'
import type { Identity } from './sessions.ts'

/**
 * `code`: why the request is not signed in. `cookies`: `Set-Cookie` lines to pass on. They remove session cookies that differ;
 * otherwise the next sign-in would be refused too.
 */
export type Verdict =
  | { identity: Identity }
  | { identity: null; code: RefusalCode; cookies?: readonly string[] }

/** A cookie removal as the service writes it. Cookies that a load balancer adds are not passed on. */
const REMOVAL = /^[^=;]+=; Max-Age=0;/

export type AskCheck = ReturnType<typeof createAskCheck>

/** Asks the service, with more headers than those of the request. @param onValid gets the headers of the answer. */
export function createAskCheck(exchange: Exchange) {
  return async (
    request: RequestLike,
    more: Readonly<Record<string, string>> = {},
    onValid: (identity: Identity, headers: Headers) => void = () => {},
  ): Promise<Verdict> => {
    const headers = credentialsOf(request)
    if (!hasToken(headers)) return { identity: null, code: 'unauthenticated' }
    try {
      return await exchange.ask(
        '/check',
        { headers: { ...headers, ...more } },
        async (response) => {
          const verdict = await verdictOf(response)
          if (verdict.identity) onValid(verdict.identity, response.headers)
          return verdict
        },
        REPEATABLE,
      )
    } catch (error) {
      if (error instanceof UndecidedError) throw error
      throw new UndecidedError('The session service gave no answer.', { cause: error })
    }
  }
}

/** @param decide synchronous where it can. */
export function createCheck(decide: (request: RequestLike) => Verdict | Promise<Verdict>) {
  return {
    /** As `check`, with the reason of a refusal. @throws UndecidedError */
    verdict: async (request: RequestLike): Promise<Verdict> => decide(request),

    /**
     * @returns null when the request has no active session.
     * @throws UndecidedError without a definite answer: the service is down, too slow or cannot decide, or another server
     * answered in its place.
     */
    check: async (request: RequestLike): Promise<Identity | null> => {
      const verdict = decide(request)
      return (verdict instanceof Promise ? await verdict : verdict).identity
    },
  }
}
async function verdictOf(response: Response): Promise<Verdict> {
  const code = await refusalOf(response)
  const cookies = response.headers.getSetCookie().filter((line) => REMOVAL.test(line))
  if (code) return { identity: null, code, ...(cookies.length > 0 && { cookies }) }
  const identity = response.status === 200 ? identityOf(response.headers) : undefined
  // Reading the whole body lets the connection be reused.
  if (identity) await response.arrayBuffer()
  else if (!response.bodyUsed) await response.body?.cancel()
  if (identity) return { identity }
  throw new UndecidedError(`The answer to the session check is not a decision (status ${response.status}).`, {
    retryAfterSeconds: retryAfterOf(response),
  })
}

/** Undefined unless each header occurs once: the service never sends a space, and a repeated header contains one. */
function identityOf(headers: Headers): Identity | undefined {
  const [userId, sessionId] = ['x-user-id', 'x-session-id'].map((name) => headers.get(name))
  const createdAt = instantOf(headers.get('x-session-created'))
  const expiresAt = instantOf(headers.get('x-session-expires'))
  if (!userId || !sessionId || !/^[\x21-\x7e]+$/.test(userId + sessionId)) return undefined
  if (!createdAt || !expiresAt) return undefined
  try {
    // The service encodes every id that contains a `%`, so decoding is unambiguous.
    return { userId: decodeURIComponent(userId), sessionId, createdAt, expiresAt, authTime: createdAt }
  } catch {
    return undefined
  }
}

/** @param seconds since 1970. */
function instantOf(seconds: string | null): Date | undefined {
  return seconds && /^\d{1,12}$/.test(seconds) ? new Date(Number(seconds) * 1000) : undefined
}
