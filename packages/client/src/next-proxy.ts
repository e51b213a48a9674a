/**
 * A guard in front of an application of Next: `proxy.ts` (Next 16) or `middleware.ts` (Next 15, on the edge or in Node). For every
 * request that its matcher covers:
 *
 * 1. Identity headers that the client sent are removed, on public paths too.
 * 2. The rest of the application sees `X-User-ID` and `X-Session-ID` of a session that was valid when this request was checked.
 * 3. Nothing else passes: a page without a session leads to the sign-in, data gets 401, and 503 where the service cannot decide.
 */
import { NextResponse } from 'next/server.js'
import { admit, isIdentityHeader, type Refusal } from './admission.ts'
import type { Verdict } from './check.ts'
import type { RequestLike } from './credentials.ts'
import { forget, handOver } from './next-handover.ts'
import { requestOf } from './next-request.ts'
import { atService } from './next-rewrites.ts'
import type { Identity, Sessions } from './sessions.ts'

export interface ProxyOptions {
  /** The path of the sign-in page. Default: that of Auth.js, `/api/auth/signin`. */
  signIn?: string
  /** Paths that need no session. One that ends in `/*` includes all below it. Default: those of Auth.js, `/api/auth/*`. */
  public?: readonly string[]
}

/** The parts of a NextRequest that are used. */
interface ProxyRequest {
  readonly method: string
  readonly headers: Headers
  /** Its `pathname` is without the application's base path. */
  readonly nextUrl: { pathname: string; search: string; basePath: string; origin: string }
}

export type Guard = (request: ProxyRequest) => Promise<Response>

/** Where the sign-in of Auth.js is, unless the application says otherwise. */
export const AUTHJS_SIGN_IN = '/api/auth/signin'

/** What a guard needs of sessions. */
export type Checks = Pick<Sessions, 'check'> & { verdict?: (request: RequestLike) => Promise<Verdict> }

/** @throws TypeError when `signIn` is not a path of this application. */
export function createProxyWith(
  getSessions: () => Checks,
  { signIn = AUTHJS_SIGN_IN, public: open = ['/api/auth/*'] }: ProxyOptions = {},
): Guard {
  if (!/^\/(?![/\\])/.test(signIn)) throw new TypeError('signIn: must be a path of this application')
  const isPublic = matcherOf([signIn, ...open])

  return async function proxy({ method, headers: received, nextUrl }) {
    const headers = new Headers(received)
    for (const name of [...headers.keys()]) if (isIdentityHeader(name)) headers.delete(name)
    forget(headers)
    const forwarded = { request: { headers } }
    const { ip } = requestOf(headers)
    // With `trailingSlash` every path has one.
    const path = nextUrl.pathname.replace(/(?<=.)\/$/, '')
    const service = atService(path)
    if (service) {
      // The service trusts what Next says about addresses, so a client must not say it.
      if (ip) headers.set('x-forwarded-for', ip)
      else headers.delete('x-forwarded-for')
      return NextResponse.rewrite(service + nextUrl.search, forwarded)
    }
    if (isPublic(path)) return NextResponse.next(forwarded)

    // Seen by the check here, and by those of the page. Next shows the header only with `skipProxyUrlNormalize`.
    if (headers.has('next-router-prefetch')) headers.set('x-session-activity', 'none')
    const admission = await admit(verdictsOf(getSessions()), { headers, ip })
    if ('identity' in admission) {
      const identity = admission.identity as Identity
      headers.set('x-user-id', headerValue(identity.userId))
      headers.set('x-session-id', identity.sessionId)
      handOver(identity, method, headers)
      return NextResponse.next(forwarded)
    }
    const { refusal, cookies } = admission
    if (!isNavigation(method, headers)) return answer(refusal, cookies)
    return refusal.status === 401
      ? toSignIn(nextUrl, headers, signIn, cookies)
      : answer(pageOf(refusal), cookies)
  }
}

/** `check` alone does not say why a request is refused, and removes no cookies. */
export function verdictsOf(sessions: Checks): { verdict: (request: RequestLike) => Promise<Verdict> } {
  if (sessions.verdict) return { verdict: sessions.verdict }
  return {
    async verdict(request) {
      const identity = await sessions.check(request)
      return identity ? { identity } : { identity: null, code: 'invalid_token' }
    },
  }
}

export function answer(
  { status, headers, body }: Omit<Refusal, 'status'> & { status: number },
  cookies: readonly string[],
): Response {
  const response = new Response(body, { status, headers })
  for (const line of cookies) response.headers.append('set-cookie', line)
  return response
}

/**
 * Whether the browser shows the answer as a page. A fetch of data, such as that of Next's router, gets 401: the router then loads
 * the page anew, and is led to the sign-in. Without `Sec-Fetch-Mode` (plain http, other programs), `Accept` decides.
 */
function isNavigation(method: string, headers: Headers): boolean {
  const mode = headers.get('sec-fetch-mode')
  if (mode) return mode === 'navigate'
  return /^(GET|HEAD)$/.test(method) && /\btext\/html\b/.test(headers.get('accept') ?? '')
}

function toSignIn(
  { pathname, search, basePath, origin }: ProxyRequest['nextUrl'],
  headers: Headers,
  signIn: string,
  cookies: readonly string[],
): Response {
  const to = new URL(basePath + signIn, publicOrigin(headers) ?? origin)
  to.searchParams.set('callbackUrl', `${basePath}${pathname.replace(/^[/\\]+/, '/')}${search}`)
  const found = { location: to.href, 'cache-control': 'no-store' }
  return answer({ status: 303, headers: found, body: '' }, cookies)
}

/**
 * The origin that the browser sees. Behind a reverse proxy, the one that Next names is internal. A client that forges these headers
 * misleads itself only, because no cache keeps the answer.
 */
function publicOrigin(headers: Headers): string | undefined {
  const [proto, host] = ['x-forwarded-proto', 'x-forwarded-host'].map((name) => first(headers.get(name)))
  const url = `${proto === 'https' ? 'https' : 'http'}://${host ?? headers.get('host')}`
  return URL.canParse(url) ? new URL(url).origin : undefined
}

function first(list: string | null): string | undefined {
  return list?.split(',')[0]?.trim() || undefined
}

function pageOf({ status, headers }: Refusal): Refusal {
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Temporarily unavailable</title>
<h1>Temporarily unavailable</h1><p>Your session could not be checked. You are still signed in as before. Try again.</p></html>`
  return { status, headers: { ...headers, 'content-type': 'text/html; charset=utf-8' }, body }
}

function matcherOf(paths: readonly string[]): (path: string) => boolean {
  const exact = new Set(paths)
  const below = paths.filter((path) => path.endsWith('/*')).map((path) => path.slice(0, -1))
  return (path) => exact.has(path) || below.some((prefix) => path.startsWith(prefix))
}

/** As the service writes it: a header takes visible ASCII only. */
function headerValue(id: string): string {
  return /^[\x21-\x24\x26-\x7e]+$/.test(id) ? id : encodeURIComponent(id)
}
