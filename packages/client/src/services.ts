/** Calls that need a service key: token introspection (RFC 7662), creating sessions, deleting users. */
import { answered, type Body, dateOf, ENDING, expecting, isBody, isText, keyHeader } from './answers.ts'
import { type Exchange, REPEATABLE } from './exchange.ts'
import { asNotSignedOut } from './logout.ts'
import type { CreatedSession, NewSession } from './sessions.ts'

/** RFC 7662. Times are in seconds since 1970; `exp` is when the session ends if it is not used again. */
export type Introspection =
  | { active: false }
  | { active: true; sub: string; sid: string; iat: number; exp: number; token_type: 'session' }

export function createServices(exchange: Exchange, key: string | undefined) {
  return {
    /**
     * Needs the scope `introspect`. Counts as session activity.
     * @throws ServiceError
     */
    introspect: async (token: string): Promise<Introspection> => {
      const request = { method: 'POST', headers: keyHeader(key), body: new URLSearchParams({ token }) }
      return answered(exchange.ask('/introspect', request, expecting(200, introspectionOf), REPEATABLE))
    },

    /**
     * Needs the scope `sessions:create`. Signs a user in. Never retried, because a retry could create a second session.
     * @throws ServiceError, with the code `user_locked` for a locked user, and `insufficient_scope` for security staff, unless the key has
     * the scope `security`. With `no_answer`, a session may exist whose token was
     * lost.
     */
    create: async (session: NewSession): Promise<CreatedSession> => {
      requireUserId(session.user?.id, 'user.id')
      const headers = { ...keyHeader(key), 'content-type': 'application/json' }
      const request = { method: 'POST', headers, body: JSON.stringify(session) }
      const timeout = session.replaces ? ENDING : {}
      return answered(exchange.ask('/api/sessions', request, expecting(201, createdOf), timeout))
    },

    /**
     * Needs the scope `users:delete`. Ends all sessions of a user whom the application deletes. Resolves only when they have durably
     * ended, everywhere.
     * @throws NotSignedOutError in every other case. The sessions may be valid; repeat it.
     */
    removeUser: async (userId: string): Promise<void> => {
      requireUserId(userId, 'userId')
      const request = { method: 'DELETE', headers: keyHeader(key) }
      const path = `/api/users/${encodeURIComponent(userId)}`
      const answer = exchange.ask(path, request, expecting(200, removedOf), { ...REPEATABLE, ...ENDING })
      await answered(answer).catch((error) => {
        throw asNotSignedOut(error)
      })
    },
  }
}

function requireUserId(id: unknown, field: string): void {
  if (!isText(id)) throw new TypeError(`${field}: must be a text`)
}

function introspectionOf(body: Body): Introspection | undefined {
  if (body.active === false) return { active: false }
  return body.active === true && isText(body.sub) && isText(body.sid) ? (body as Introspection) : undefined
}

function createdOf({ token, sessionId, expiresAt, cookie }: Body): CreatedSession | undefined {
  const end = dateOf(expiresAt)
  if (!isText(token) || !isText(sessionId) || !end) return undefined
  if (!isBody(cookie) || !isText(cookie.name) || !isBody(cookie.attributes)) return undefined
  return { token, sessionId, expiresAt: end, cookie: cookie as unknown as CreatedSession['cookie'] }
}

function removedOf({ operationId, ended }: Body): true | undefined {
  return (operationId === null || isText(operationId)) && Number.isInteger(ended) ? true : undefined
}
