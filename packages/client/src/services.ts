/** Calls that need a service key: token introspection (RFC 7662) and creating sessions. */
import { ServiceError } from './errors.ts'
import { type Exchange, REPEATABLE, retryAfterOf } from './exchange.ts'

/** RFC 7662. Times are in seconds since 1970; `exp` is when the session ends if it is not used again. */
export type Introspection =
  | { active: false }
  | { active: true; sub: string; sid: string; iat: number; exp: number; token_type: 'session' }

export interface NewSession {
  /** The user who signs in, by the application's id. A field that is left out keeps its value. */
  user: { id: string; name?: string | null; email?: string | null; image?: string | null }
  /** The device that signs in, for the list of devices. */
  userAgent?: string | null | undefined
  ipAddress?: string | null | undefined
  /** The previous token of this browser; its session ends in the same transaction. */
  replaces?: string | null | undefined
}

export interface CreatedSession {
  /** The secret; use it only for the cookie. */
  token: string
  sessionId: string
  /** ISO 8601. */
  expires: string
  /** How to set the cookie, so that the service can clear it. */
  cookie: {
    name: string
    attributes: { path: string; httpOnly: boolean; sameSite: 'lax'; secure: boolean; domain?: string }
  }
}

/** The header of a service key. @throws TypeError without one. */
export function keyHeader(key: string | undefined): { authorization: string } {
  if (!key) throw new TypeError('This needs a service key: createClient({ url, key })')
  return { authorization: `Bearer ${key}` }
}

/**
 * Minimum timeout in milliseconds when a session is replaced. The answer waits until no instance can answer "valid" for the
 * old session (up to 3.3 seconds), in addition to the usual maximum of 1.7 seconds.
 */
const REPLACING = { atLeastMs: 6_000 }

export function createServices(exchange: Exchange, key: string | undefined) {
  return {
    /**
     * Needs the scope `introspect`. Counts as session activity.
     * @throws ServiceError
     */
    introspect: async (token: string): Promise<Introspection> => {
      const request = { method: 'POST', headers: keyHeader(key), body: new URLSearchParams({ token }) }
      return answered(
        exchange.ask('/introspect', request, expect<Introspection>(200, isIntrospection), REPEATABLE),
      )
    },

    /**
     * Needs the scope `sessions:create`. Signs a user in. Never retried, because a retry could create a second session.
     * @throws ServiceError, with the code `user_locked` for a locked user. With `no_answer`, a session may exist whose token was
     * lost.
     */
    create: async (session: NewSession): Promise<CreatedSession> => {
      const headers = { ...keyHeader(key), 'content-type': 'application/json' }
      const request = { method: 'POST', headers, body: JSON.stringify(session) }
      const timeout = session.replaces ? REPLACING : {}
      return answered(exchange.ask('/api/sessions', request, expect<CreatedSession>(201, isCreated), timeout))
    },
  }
}

const isIntrospection = (body: Partial<Introspection> & { sub?: unknown; sid?: unknown }) =>
  body.active === false || (body.active === true && isText(body.sub) && isText(body.sid))
const isCreated = (body: Partial<CreatedSession>) => isText(body.token) && isText(body.sessionId)
const isText = (value: unknown) => typeof value === 'string' && value !== ''

/** Returns a reader that accepts only this status and body; any other answer becomes an error. */
function expect<T>(status: number, isIt: (body: Partial<T>) => boolean) {
  return async (response: Response): Promise<T> => {
    if (response.status !== status) throw await problemOf(response)
    const body = await response.json().catch(() => null)
    if (body && isIt(body)) return body
    throw noAnswer('another server answered in its place')
  }
}

/** Converts a problem body (RFC 9457) to an error; `no_answer` for a body that is not from the service. */
export async function problemOf(response: Response): Promise<ServiceError> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
  const body = isProblem ? await response.json().catch(() => null) : await response.body?.cancel()
  const retryAfterSeconds = retryAfterOf(response)
  if (typeof body?.code !== 'string' || typeof body.detail !== 'string')
    return noAnswer(`another server answered in its place (status ${response.status})`, { retryAfterSeconds })
  return new ServiceError(
    { status: response.status, code: body.code, detail: body.detail },
    { retryAfterSeconds },
  )
}

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ServiceError) throw error
    throw noAnswer('it is down or too slow', { cause: error })
  }
}

function noAnswer(reason: string, options?: ConstructorParameters<typeof ServiceError>[1]): ServiceError {
  const detail = `The session service gave no answer: ${reason}. The request may have been executed.`
  return new ServiceError({ status: 503, code: 'no_answer', detail }, options)
}
