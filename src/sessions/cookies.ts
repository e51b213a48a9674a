/**
 * The cookies this service sets. The session cookie has the attributes Auth.js gives it, so that either may clear it.
 * Whenever it is cleared, every form goes that a browser may hold under its name: the host-only one, and one for each
 * domain above the host. One that stayed behind would stand beside that of the next sign-in, and both would be refused.
 */
import { isIP } from 'node:net'
import { type SetCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { readCookie } from './credentials.ts'

/** Holds the receipt of the operation whose outcome the next page shows; lives shortly and is cleared once shown. */
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
  const own = stringifySetCookie({ ...session, ...EXPIRED, name })
  const others = otherDomains(name, domain, publicOrigin).map((domain) =>
    stringifySetCookie({ ...base, ...EXPIRED, name, ...(domain && { domain }) }),
  )
  const add = (reply: FastifyReply, ...lines: string[]) => reply.header('set-cookie', lines)
  const set = (reply: FastifyReply, cookie: SetCookie) => add(reply, stringifySetCookie(cookie))
  const sessionGone = [own, ...others]

  return {
    /** The session cookie, for an application that sets it itself. */
    session: { name, attributes: session },
    /** `Set-Cookie` lines that remove the session cookie in every form. */
    sessionGone,
    setSession: (reply: FastifyReply, token: string, expires: Date) =>
      add(reply, stringifySetCookie({ ...session, name, value: token, expires }), ...others),
    /** Only ever after a committed logout, or where two session cookies differ and neither opens anything. */
    clearSession: (reply: FastifyReply) => add(reply, ...sessionGone),
    setOutcome: (reply: FastifyReply, receipt: string) =>
      set(reply, { ...outcome, value: receipt, maxAge: OUTCOME_SECONDS }),
    readOutcome: (request: FastifyRequest) => readCookie(request.headers, outcome.name),
    clearOutcome: (reply: FastifyReply) => set(reply, { ...outcome, ...EXPIRED }),
  }
}

/**
 * The domains that a cookie of this name may have in browsers that visit the public origin, but for its own; undefined for
 * the host-only form. Browsers refuse what is a public suffix (`co.uk`) by themselves.
 */
function otherDomains(name: string, own: string | undefined, publicOrigin: string): (string | undefined)[] {
  const { hostname } = new URL(publicOrigin)
  const labels =
    /^__Host-/i.test(name) || isIP(hostname) || hostname.startsWith('[') ? [] : hostname.split('.')
  const above = labels.slice(0, -1).map((_, first) => labels.slice(first).join('.'))
  const all = [undefined, ...above]
  return all.filter((domain) => domain !== own?.replace(/^\./, '').toLowerCase())
}
