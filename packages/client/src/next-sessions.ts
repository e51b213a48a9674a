/**
 * The session of the request that Next is handling, for pages, route handlers and actions. A page is checked once, however many
 * components ask, Auth.js included. An error of the check passes: `error.tsx` shows it, and no user is signed out by it.
 */

import { cache } from 'react'
import { admit } from './admission.ts'
import { type Credentials, credentialsOf, type RequestLike } from './credentials.ts'
import { handedOver } from './next-handover.ts'
import {
  AUTHJS_SIGN_IN,
  answer,
  type Checks,
  createProxyWith,
  type Guard,
  type ProxyOptions,
  verdictsOf,
} from './next-proxy.ts'
import { currentRequest, redirectTo, requestOf, sessionCookies } from './next-request.ts'
import type { Identity } from './sessions.ts'

export interface RequireOptions {
  /** The maximum age of the sign-in, in seconds. An older session has to sign out and in again. */
  maxAge?: number
  /** The path of the sign-in page. Default: that of Auth.js, `/api/auth/signin`. */
  signIn?: string
  /** The path to come back to. */
  callbackUrl?: string
}

/** A route handler gets a Response instead of its own result where the request has no session; an action is redirected. */
export type Guarded<Args extends unknown[], Result> = (
  ...args: Args
) => Promise<Args extends [Request, ...unknown[]] ? Result | Response : Result>

export interface NextSessions {
  /** The identity of the current request, or null. @throws UndecidedError when the service cannot decide. */
  session(): Promise<Identity | null>
  /** The identity of the current request. Redirects to the sign-in page without one. @throws UndecidedError */
  requireSession(options?: RequireOptions): Promise<Identity>
  /** Guards a route handler (401 and 503 with problem bodies) or a server action (redirect to the sign-in). */
  withSession<Args extends unknown[], Result>(
    handler: (identity: Identity, ...args: Args) => Result | Promise<Result>,
  ): Guarded<Args, Result>
  /** The guard for `proxy.ts` or `middleware.ts`. */
  createProxy(options?: ProxyOptions): Guard
}

/** @param getSessions called for each request, so that importing needs no settings. It returns the same object each time. */
export function createNextSessions<S extends Checks>(
  getSessions: () => S,
): NextSessions & {
  /** For the adapter of Auth.js: what `getSessions` returns, with checks that are shared with this page. */
  sessions(): S
} {
  const session = cache(async () => {
    // First, so that a build, which has no request, learns that this page cannot be made before one.
    const request = await currentRequest()
    return handedOver(request.headers) ?? answered(getSessions().check(request))
  })

  /** Auth.js asks by token, and does not say whether the request is a prefetch. */
  async function check(request: RequestLike): Promise<Identity | null> {
    const current = await currentRequest().catch(() => null)
    const asked = credentialsOf(request)
    const isOfPage = current && isOnlyToken(asked.authorization, current)
    const identity = isOfPage ? await session() : null
    if (identity) return identity
    // Null is asked again: the adapter may have taken the session over since the page asked.
    const headers = { ...(current && activityOf(current)), ...asked }
    return answered(getSessions().check({ ...request, headers }))
  }

  async function requireSession({ maxAge, signIn = AUTHJS_SIGN_IN, callbackUrl }: RequireOptions = {}) {
    const identity = await session()
    const target = callbackUrl ? `${signIn}?callbackUrl=${encodeURIComponent(callbackUrl)}` : signIn
    if (!identity) return redirectTo(target)
    // Auth.js keeps a session that is valid, however often its user signs in. So this one has to end first.
    if (maxAge !== undefined && !isYounger(identity, maxAge))
      return redirectTo(`/logout?callbackUrl=${encodeURIComponent(target)}`)
    return identity
  }

  function withSession<Args extends unknown[], Result>(
    handler: (identity: Identity, ...args: Args) => Result | Promise<Result>,
  ): Guarded<Args, Result> {
    async function guarded(...args: Args): Promise<Result | Response> {
      const [request] = args
      if (!(request instanceof Request)) return handler(await requireSession(), ...args)
      const admission = await admit(verdictsOf(getSessions()), requestOf(request.headers))
      if ('refusal' in admission) return answer(admission.refusal, admission.cookies)
      return handler(admission.identity as Identity, ...args)
    }
    return guarded as Guarded<Args, Result>
  }

  return {
    sessions: () => ({ ...getSessions(), check }),
    session,
    requireSession,
    withSession,
    createProxy: (options) => createProxyWith(getSessions, options),
  }
}

/**
 * A check without end where Next has ended a prerender, which rejects what it still waits for. Nothing is shown of such a render,
 * and Auth.js would log an outage at each page of an application with `cacheComponents`.
 */
function answered<T>(check: Promise<T>): Promise<T> {
  return check.catch((error) => {
    if (error?.cause?.digest === 'HANGING_PROMISE_REJECTION') return new Promise<never>(() => {})
    throw error
  })
}

/** Whether the session cookies of a request are this token, and nothing else says who it is. */
function isOnlyToken(
  bearer: string | undefined,
  current: Awaited<ReturnType<typeof currentRequest>>,
): boolean {
  const tokens = sessionCookies(current)
  const isToken = ({ value }: { value: string }) => bearer === `Bearer ${value}`
  return !current.headers.get('authorization') && tokens.length > 0 && tokens.every(isToken)
}

function activityOf(request: RequestLike): Credentials {
  const isActivity = ([name]: [string, unknown]) => name === 'sec-purpose' || name === 'x-session-activity'
  return Object.fromEntries(Object.entries(credentialsOf(request)).filter(isActivity))
}

/** False also for an identity without a time. */
function isYounger({ authTime }: Identity, seconds: number): boolean {
  return Date.now() - authTime?.getTime() < seconds * 1000
}
