/**
 * What an application needs of sessions, in one interface. Two packages implement it, and one suite of tests holds both:
 * `createClient` asks the service over HTTP, `createDatabaseSessions` of `@global-logout/postgres` asks the database itself.
 */
import type { RequestLike } from './credentials.ts'

/** The user and the session of a request. */
export interface Identity {
  readonly userId: string
  /** The public id of the session: safe to show and to log. */
  readonly sessionId: string
  readonly createdAt: Date
  /** When the session ends if it is not used again. */
  readonly expiresAt: Date
  /** When the user proved who they are: at the sign-in that created the session. */
  readonly authTime: Date
}

/** The longest text of a user that the service takes, in characters. */
export const LONGEST_USER_TEXT = 1_024

/** A field that is left out keeps its value; null removes it. */
export interface SessionUser {
  /** The application's id of the user, as text. */
  id: string
  name?: string | null | undefined
  email?: string | null | undefined
  image?: string | null | undefined
}

export interface NewSession {
  user: SessionUser
  /** The device that signs in, for the list of devices. */
  userAgent?: string | null | undefined
  ipAddress?: string | null | undefined
  /**
   * How and where the user signed in, for the list of devices: `method` is shown to the user ("passkey", "Google"), `country` is
   * ISO 3166-1 alpha-2. Never refused for what it says.
   */
  signIn?:
    | {
        method?: string | null | undefined
        country?: string | null | undefined
        city?: string | null | undefined
      }
    | null
    | undefined
  /** The previous token of this browser; its session ends in the same transaction. */
  replaces?: string | null | undefined
  /** A session that another store holds: its token stays, and gets a session that ends at `expires` or before. */
  takeOver?: { token: string; expires: Date } | null | undefined
}

export interface CreatedSession {
  /** The secret; use it only for the cookie. */
  token: string
  sessionId: string
  /** The latest time at which the session can end: for the cookie. */
  expiresAt: Date
  /** How to set the cookie, so that the service can clear it. */
  cookie: {
    name: string
    attributes: { path: string; httpOnly: boolean; sameSite: 'lax'; secure: boolean; domain?: string }
  }
}

/** `local`: this session; `others`: all but this one; `global`: all of the user. */
export type LogoutScope = 'local' | 'others' | 'global'

export interface EndedSession {
  id: string
  /** The name that the user gave the device. */
  name: string | null
  createdAt: Date
  lastSeenAt: Date
  userAgent: string | null
  ipAddress: string | null
}

export interface LogoutOutcome {
  /** How many sessions this call ended. 0 where an earlier logout ended them. */
  revokedCount: number
  /** These sessions: the last seen, 100 at most for each user whose session a cookie of the request has. */
  revoked: EndedSession[]
  /** The operation in the audit log; null where the sessions had ended before. */
  operationId: string | null
}

export interface Sessions {
  /**
   * The identity of a request with a valid session, else null. Counts as a use of the session.
   * @throws UndecidedError without a definite answer. The session may be valid.
   */
  check(request: RequestLike): Promise<Identity | null>
  /**
   * Signs a user in. Never retried, because a retry could create a second session.
   * @throws ServiceError, with the code `user_locked` for a locked user, and `insufficient_scope` for security staff whom the caller may
   * not sign in. With `takeOver`, the code `session_over` for a token that
   * has ended, or whose user was signed out or locked: the other store is to forget it.
   */
  create(session: NewSession): Promise<CreatedSession>
  /**
   * Ends sessions of the user of a request. Resolves only when they have durably ended, everywhere.
   * @throws NotSignedOutError in every other case: `invalid_token` where the request has no session that may ask for this,
   * otherwise without a definite answer. The sessions may be valid; the caller repeats.
   */
  logout(request: RequestLike, options?: { scope?: LogoutScope }): Promise<LogoutOutcome>
  /**
   * Ends all sessions of a user whom the application deletes. Resolves only when they have durably ended, everywhere.
   * @throws NotSignedOutError in every other case.
   */
  removeUser(userId: string): Promise<void>
}
