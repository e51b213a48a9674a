/** What a service asks with its key: about a token (RFC 7662), for a new session. */
import { ServiceError } from './errors.ts'
import { type Exchange, REPEATABLE, retryAfterOf } from './exchange.ts'

/** RFC 7662. Times are in seconds since 1970; `exp` is when the session ends unless it is used. */
export type Introspection =
  | { active: false }
  | { active: true; sub: string; sid: string; iat: number; exp: number; token_type: 'session' }

export interface NewSession {
  userId: string
  /** The device that signs in, for the list of devices. */
  userAgent?: string | null | undefined
  ipAddress?: string | null | undefined
  /** The token that this browser had before; its session is ended in the same transaction. */
  replaces?: string | null | undefined
}

export interface CreatedSession {
  /** The secret, for the cookie and nothing else. */
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
 * In milliseconds. Where a session is replaced, the answer waits until no instance can say "valid" of the old one (up to 3.3
 * seconds), beside the 1.7 that any answer may take.
 */
const REPLACING = { atLeastMs: 6_000 }

export function createServices(exchange: Exchange, key: string | undefined) {
  return {
    /**
     * Scope `introspect`. To the service, asking is using: it counts as a use of the session.
     * @throws ServiceError
     */
    introspect: async (token: string): Promise<Introspection> => {
      const request = { method: 'POST', headers: keyHeader(key), body: new URLSearchParams({ token }) }
      return answered(
        exchange.ask('/introspect', request, expect<Introspection>(200, isIntrospection), REPEATABLE),
      )
    },

    /**
     * Scope `sessions:create`: signs a user in. Sent once only, because twice would make two sessions.
     * @throws ServiceError, with the code `user_locked` for a user who may not sign in; `no_answer` when it is not known
     * whether a session was made. Nobody holds the token of such a session.
     */
    createSession: async (session: NewSession): Promise<CreatedSession> => {
      const headers = { ...keyHeader(key), 'content-type': 'application/json' }
      const request = { method: 'POST', headers, body: JSON.stringify(session) }
      const patience = session.replaces ? REPLACING : {}
      return answered(
        exchange.ask('/api/sessions', request, expect<CreatedSession>(201, isCreated), patience),
      )
    },
  }
}

const isIntrospection = (body: Partial<Introspection> & { sub?: unknown; sid?: unknown }) =>
  body.active === false || (body.active === true && isText(body.sub) && isText(body.sid))
const isCreated = (body: Partial<CreatedSession>) => isText(body.token) && isText(body.sessionId)
const isText = (value: unknown) => typeof value === 'string' && value !== ''

/** Reads an answer with this status and a body of this kind; any other becomes an error. */
function expect<T>(status: number, isIt: (body: Partial<T>) => boolean) {
  return async (response: Response): Promise<T> => {
    if (response.status !== status) throw await problemOf(response)
    const body = await response.json().catch(() => null)
    if (body && isIt(body)) return body
    throw noAnswer('something else answers in its place')
  }
}

/** The error that a problem body (RFC 9457) tells; `no_answer` for a body that is none of the service's. */
export async function problemOf(response: Response): Promise<ServiceError> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
  const body = isProblem ? await response.json().catch(() => null) : await response.body?.cancel()
  const retryAfterSeconds = retryAfterOf(response)
  if (typeof body?.code !== 'string' || typeof body.detail !== 'string')
    return noAnswer(`something else answers in its place (status ${response.status})`, { retryAfterSeconds })
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
    throw noAnswer('it is away or too slow', { cause: error })
  }
}

function noAnswer(reason: string, options?: ConstructorParameters<typeof ServiceError>[1]): ServiceError {
  const detail = `The session service gave no answer: ${reason}. What was asked may have been done.`
  return new ServiceError({ status: 503, code: 'no_answer', detail }, options)
}
