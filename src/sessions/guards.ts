/** Finds the active session of a request, and refuses requests without one. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { assertSameOrigin } from '../http/csrf.ts'
import type { ReadCredential } from './credential-reader.ts'
import type { Credential } from './credentials.ts'
import { deviceColumns } from './device-columns.ts'
import type { RequestSource } from './log-in.ts'
import type { OtherToken } from './other-tokens.ts'
import type { ActiveSession } from './queries.ts'
import type { Sessions } from './sessions.ts'

declare module 'fastify' {
  interface FastifyInstance {
    requireSession: RequireSession
    /** A hook for what shows or ends a user's other sessions, after `requireSession` if that is one, too. */
    requireRecentSignIn: (request: FastifyRequest) => Promise<void>
  }
  interface FastifyRequest {
    /** Set by `app.requireSession`, and by `app.requireStaff` for users. */
    session: ActiveSession
  }
}

export interface CookieSettings {
  /** Of the session cookies, the first that has a value decides. */
  readCredential: ReadCredential
  /** The tokens of the other session cookies of a request with this credential. */
  readOthers(headers: IncomingHttpHeaders, credential: Credential): Promise<OtherToken[]>
  publicOrigin: string
  /** Call it with the headers of a request without a session cookie. */
  warnUnlisted(headers: IncomingHttpHeaders): void
}

/** The token of the request. @throws Problem `unauthenticated` without one, `invalid_token` for an ambiguous one. */
export function requireToken(
  request: FastifyRequest,
  cookieSettings: CookieSettings,
): Extract<Credential, { kind: 'token' }> {
  const { credential } = request
  if (credential.kind === 'none') {
    cookieSettings.warnUnlisted(request.headers)
    throw new Problem('unauthenticated', 'Send the session cookie or a bearer token.')
  }
  if (credential.kind === 'refused') throw new Problem('invalid_token', 'Sign in again.')
  return credential
}

/** The token of a request that changes something. With a cookie, the request must prove that it is same-origin. */
export function requireTokenForChange(request: FastifyRequest, cookieSettings: CookieSettings): string {
  const { token, via } = requireToken(request, cookieSettings)
  if (via === 'cookie') assertSameOrigin(request.headers, cookieSettings.publicOrigin)
  return token
}

/** The same, with the tokens of the other session cookies: a sign-out of this browser ends their sessions, too. */
export async function requireTokensForSignOut(
  request: FastifyRequest,
  cookieSettings: CookieSettings,
): Promise<{ token: string; others: string[] }> {
  const token = requireTokenForChange(request, cookieSettings)
  const others = await cookieSettings.readOthers(request.headers, request.credential)
  return { token, others: others.map((other) => other.token) }
}

/** A hook that refuses users who are not signed in, and sets `request.session`. */
function createRequireSession(sessions: Pick<Sessions, 'find'>, cookieSettings: CookieSettings) {
  return async (request: FastifyRequest) => {
    const found = await sessions.find(requireToken(request, cookieSettings).token)
    if (!found) throw new Problem('invalid_token', 'Sign in again.')
    request.session = found
  }
}

/**
 * A hook that refuses a session whose sign-in is older than `maxAgeSeconds`. A user who is not signed in passes: the route itself
 * says so. @throws Problem `insufficient_user_authentication`.
 */
function createRequireRecentSignIn(sessions: Pick<Sessions, 'find'>, maxAgeSeconds: number | null) {
  return async (request: FastifyRequest) => {
    const { credential } = request
    if (maxAgeSeconds === null || credential.kind !== 'token') return
    request.session ??= (await sessions.find(credential.token)) as ActiveSession
    if (!request.session || isRecent(request, maxAgeSeconds)) return
    const detail = `Sign in again: this needs a sign-in within the last ${maxAgeSeconds} seconds.`
    throw new Problem('insufficient_user_authentication', detail, { maxAgeSeconds })
  }
}

/** Whether the session is young enough, by the database's clock. A sign-in in the future is not: the date is forged. */
export function isRecent(
  { session }: Pick<FastifyRequest, 'session'>,
  maxAgeSeconds: number | null,
): boolean {
  return maxAgeSeconds === null || (session.ageSeconds >= 0 && session.ageSeconds <= maxAgeSeconds)
}

type RequireSession = ReturnType<typeof createRequireSession>

export interface SessionGuard {
  sessions: Pick<Sessions, 'find'>
  cookieSettings: CookieSettings
  config: Pick<Config, 'devicesMaxAuthAgeSeconds'>
}

/** Decorates the app with `requireSession` and `requireRecentSignIn`, hooks for routes. */
export const sessionGuard = fp<SessionGuard>(
  async (app, { sessions, cookieSettings, config }) => {
    app.decorateRequest('session')
    app.decorate('requireSession', createRequireSession(sessions, cookieSettings))
    app.decorate('requireRecentSignIn', createRequireRecentSignIn(sessions, config.devicesMaxAuthAgeSeconds))
  },
  { name: 'session-guard', dependencies: ['error-handlers', 'request-credential'] },
)

/** Device, address and id of the request, for the audit log. */
export function sourceOf(request: FastifyRequest): RequestSource {
  const hints = { userAgent: request.headers['user-agent'] ?? null, ipAddress: request.address.client }
  return { ...deviceColumns(hints), requestId: request.id }
}
