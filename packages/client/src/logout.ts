/**
 * Ends sessions of the user of a request. Only a committed logout that the service itself answered is one; everything else is
 * NotSignedOutError.
 */
import { answered, type Body, dateOf, ENDING, expecting, isBody, isText } from './answers.ts'
import { credentialsOf, hasToken, type RequestLike } from './credentials.ts'
import { NotSignedOutError, ServiceError } from './errors.ts'
import { type Exchange, REPEATABLE } from './exchange.ts'
import type { EndedSession, LogoutOutcome, LogoutScope } from './sessions.ts'

/**
 * The proof that the service asks of a request with a cookie. No script of a page can set this header, so it opens nothing to
 * another site; a server can, and vouches for the request that it forwards.
 */
const FROM_A_SERVER = { 'sec-fetch-site': 'same-origin' }

/** What the service writes: the removal of session cookies, and what its page `/signed-out` reads to say what has ended. */
const OF_THE_SERVICE = /^([^=;]+=; Max-Age=0;|(__Host-)?global-logout\.outcome=)/

/** `cookies`: `Set-Cookie` lines to pass on to the browser that asked. Without them it only looks as if it were signed in. */
export interface ClientLogoutOutcome extends LogoutOutcome {
  cookies: readonly string[]
}

export function createLogout(exchange: Exchange) {
  return {
    /**
     * Needs no key: the credentials of the request are sent. Check before that the request is the user's own: a cookie comes along
     * whichever site asks (CSRF).
     * @throws NotSignedOutError
     */
    logout: async (
      request: RequestLike,
      { scope = 'local' }: { scope?: LogoutScope } = {},
    ): Promise<ClientLogoutOutcome> => {
      const credentials = credentialsOf(request)
      if (!hasToken(credentials)) throw notSignedIn()
      const headers = { ...credentials, ...FROM_A_SERVER, 'content-type': 'application/json' }
      const init = { method: 'POST', headers, body: JSON.stringify({ scope }) }
      const readBody = expecting(200, (body) => outcomeOf(body, scope))
      const read = async (response: Response) => ({
        ...(await readBody(response)),
        cookies: response.headers.getSetCookie().filter((line) => OF_THE_SERVICE.test(line)),
      })
      // A logout may be repeated: then the first one counts.
      const answer = exchange.ask('/api/logout', init, read, { ...REPEATABLE, ...ENDING })
      return answered(answer).catch((error) => {
        throw asNotSignedOut(error)
      })
    },
  }
}

/** The same error, as one that says that the sessions may be valid. */
export function asNotSignedOut(error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error
  const { status, code, detail, retryAfterSeconds } = error
  if (code === 'unauthenticated') return notSignedIn()
  return new NotSignedOutError({ status, code, detail }, { cause: error, retryAfterSeconds })
}

function notSignedIn(): NotSignedOutError {
  const detail = 'Sign in again. Nothing was ended by this request.'
  return new NotSignedOutError({ status: 401, code: 'invalid_token', detail })
}

function outcomeOf(body: Body, asked: LogoutScope): LogoutOutcome | undefined {
  const { operationId, scope, revokedCount, revoked } = body
  if (scope !== asked || !Number.isInteger(revokedCount) || !Array.isArray(revoked)) return undefined
  if (operationId !== null && !isText(operationId)) return undefined
  const ended = revoked.map(endedOf)
  return ended.every((each) => each !== undefined)
    ? { operationId, revokedCount: Number(revokedCount), revoked: ended }
    : undefined
}

function endedOf(session: unknown): EndedSession | undefined {
  if (!isBody(session) || !isText(session.id)) return undefined
  const createdAt = dateOf(session.createdAt)
  const lastSeenAt = dateOf(session.lastSeenAt)
  if (!createdAt || !lastSeenAt) return undefined
  const { id, name, userAgent, ipAddress } = session
  return {
    id,
    name: textOrNull(name),
    createdAt,
    lastSeenAt,
    userAgent: textOrNull(userAgent),
    ipAddress: textOrNull(ipAddress),
  }
}

const textOrNull = (value: unknown): string | null => (isText(value) ? value : null)
