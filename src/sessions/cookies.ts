/**
 * Sets and clears the cookies of this service. The session cookie has the attributes that Auth.js gives it, so either
 * side can clear it. Clearing removes every variant of the name: the host-only cookie and one for each parent domain.
 * A leftover variant would conflict with the cookie of the next sign-in, and both would be refused.
 */
import { isIP } from 'node:net'
import { type SetCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { readCookie } from './credentials.ts'

/** Holds the receipt of the operation that the next page reports. Cleared when shown, or after ten minutes. */
const OUTCOME_COOKIE = 'global-logout.outcome'
const OUTCOME_SECONDS = 600
const EXPIRED = { value: '', expires: new Date(0), maxAge: 0 }

export type Cookies = ReturnType<typeof createCookies>

export function createCookies({ name, domain, secure }: Config['cookie'], publicOrigin: string) {
  const base = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const
  const session = domain ? { ...base, domain } : base
  // A sibling domain cannot set a cookie with this prefix.
  const outcome = {
    ...base,
    name: secure ? `__Host-${OUTCOME_COOKIE}` : OUTCOME_COOKIE,
    sameSite: 'strict',
  } as const
  const removal = stringifySetCookie({ ...session, ...EXPIRED, name })
  const otherRemovals = otherDomains(name, domain, publicOrigin).map((domain) =>
    stringifySetCookie({ ...base, ...EXPIRED, name, ...(domain && { domain }) }),
  )
  const add = (reply: FastifyReply, ...lines: string[]) => reply.header('set-cookie', lines)
  const set = (reply: FastifyReply, cookie: SetCookie) => add(reply, stringifySetCookie(cookie))
  const sessionRemovals = [removal, ...otherRemovals]

  return {
    /** The session cookie, for an application that sets it itself. */
    session: { name, attributes: session },
    /** `Set-Cookie` lines that remove every variant of the session cookie. */
    sessionRemovals,
    setSession: (reply: FastifyReply, token: string, expires: Date) =>
      add(reply, stringifySetCookie({ ...session, name, value: token, expires }), ...otherRemovals),
    /** Call it only after a committed logout, or when two session cookies differ, which makes both useless. */
    clearSession: (reply: FastifyReply) => add(reply, ...sessionRemovals),
    setOutcome: (reply: FastifyReply, receipt: string) =>
      set(reply, { ...outcome, value: receipt, maxAge: OUTCOME_SECONDS }),
    readOutcome: (request: FastifyRequest) => readCookie(request.headers, outcome.name),
    clearOutcome: (reply: FastifyReply) => set(reply, { ...outcome, ...EXPIRED }),
  }
}

/**
 * Every domain that a cookie of this name can have at the public origin, except the configured one. Undefined stands
 * for the host-only cookie. Browsers ignore public suffixes such as `co.uk`.
 */
function otherDomains(name: string, own: string | undefined, publicOrigin: string): (string | undefined)[] {
  const { hostname } = new URL(publicOrigin)
  const labels =
    /^__Host-/i.test(name) || isIP(hostname) || hostname.startsWith('[') ? [] : hostname.split('.')
  const above = labels.slice(0, -1).map((_, first) => labels.slice(first).join('.'))
  const all = [undefined, ...above]
  return all.filter((domain) => domain !== own?.replace(/^\./, '').toLowerCase())
}
