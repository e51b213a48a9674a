/**
 * Is this request's session valid, and whose is it? Three outcomes, never mixed up: an identity, null for "signed out",
 * and an error for "nobody can say". Only an answer that the service itself could have given counts.
 */
import { type Credentials, credentialsOf, type RequestLike } from './credentials.ts'
import { UndecidedError } from './errors.ts'
import { type Exchange, REPEATABLE, retryAfterOf } from './exchange.ts'

/** Whose session it is. */
export interface Identity {
  readonly userId: string
  /** The public id of the session: safe to show and to log. */
  readonly sessionId: string
}

/** What comes with the service's own 401. A proxy that wants a password says 401, too, and so does a firewall. */
const CHALLENGES = ['Bearer', 'Bearer error="invalid_token"']

export function createCheck(exchange: Exchange) {
  /**
   * @returns null when the request comes without a living session.
   * @throws UndecidedError for anything but a clear answer: the service away, too slow, unable to decide, or somebody
   * else answering in its place.
   */
  return async function check(request: RequestLike): Promise<Identity | null> {
    const credentials = credentialsOf(request)
    if (isEmpty(credentials)) return null
    try {
      return await exchange.ask('/check', { headers: credentials }, verdict, REPEATABLE)
    } catch (error) {
      if (error instanceof UndecidedError) throw error
      throw new UndecidedError('The session service gave no answer.', { cause: error })
    }
  }
}

function isEmpty({ cookie, authorization }: Credentials): boolean {
  return cookie === undefined && authorization === undefined
}

async function verdict(response: Response): Promise<Identity | null> {
  const answer = answerOf(response)
  if (answer === undefined) {
    await response.body?.cancel()
    throw new UndecidedError(`The answer to the session check decides nothing (status ${response.status}).`, {
      retryAfterSeconds: retryAfterOf(response),
    })
  }
  // Read to its end, the connection can be used again.
  await response.arrayBuffer()
  return answer
}

/** Undefined for what the service would not have answered. */
function answerOf({ status, headers }: Response): Identity | null | undefined {
  if (status === 200) return identityOf(headers)
  if (status === 401 && CHALLENGES.includes(headers.get('www-authenticate') ?? '')) return null
  return undefined
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
