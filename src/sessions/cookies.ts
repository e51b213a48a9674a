/**
 * Sets and clears the cookies of this service. The session cookie has the attributes that Auth.js gives it, so either
 * side can clear it. Clearing removes every form of the cookie: the host-only one and one for each parent domain. A leftover
 * form would conflict with the cookie of the next sign-in, and both would be refused.
 */
import { isIP } from 'node:net'
import { type SetCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { namesIn, readCookie, wholeOf } from './credentials.ts'

/** Holds the receipt of the operation that the next page reports. Cleared when shown, or after ten minutes. */
const OUTCOME_COOKIE = 'global-logout.outcome'
const OUTCOME_SECONDS = 600
/** Holds when this browser last looked at the devices: for what is new since. Browsers keep no cookie for longer. */
const VISIT_COOKIE = 'global-logout.visit'
const VISIT_SECONDS = 400 * 86_400
/**
 * `Set-Cookie` lines of a refused check, 150 bytes each: nginx answers 500 for headers above 4 kB. Only a planted set of many parts
 * needs more. The last parts go first: what is left is still refused, and the next request removes it.
 */
const MOST_REMOVALS = 20
const EXPIRED = { value: '', expires: new Date(0), maxAge: 0 }

export type Cookies = ReturnType<typeof createCookies>

export function createCookies({ name, names, domain, secure }: Config['cookie'], publicOrigin: string) {
  const base = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const
  const session = domain ? { ...base, domain } : base
  // A sibling domain cannot set a cookie with this prefix.
  const outcome = {
    ...base,
    name: secure ? `__Host-${OUTCOME_COOKIE}` : OUTCOME_COOKIE,
    sameSite: 'strict',
  } as const
  // Lax, so that a link from a message sends it, too.
  const visit = { ...base, name: secure ? `__Host-${VISIT_COOKIE}` : VISIT_COOKIE } as const
  /** The lines that remove a cookie, by its name and domain. The configured domain is first; undefined is the host-only form. */
  const removals = new Map(
    names.map((name) => [
      name,
      domainsOf(name, domain, publicOrigin).map((domain) =>
        stringifySetCookie({ ...base, ...EXPIRED, name, ...(domain && { domain }) }),
      ),
    ]),
  )
  const removalsOf = (names: readonly string[]) =>
    names.flatMap((name) => {
      const whole = removals.has(name) ? name : wholeOf(name)
      return (removals.get(whole) ?? []).map((line) => name + line.slice(whole.length))
    })
  /** The other forms of the cookie that is set, and the cookies under other names that the browser sent. */
  const leftovers = ({ headers }: FastifyRequest) => [
    ...removalsOf([name]).slice(1),
    ...removalsOf(namesIn(headers, names).filter((sent) => sent !== name)),
  ]
  const ambiguousRemovals = (names: readonly string[]) =>
    removalsOf([...names].reverse()).slice(0, MOST_REMOVALS)
  const add = (reply: FastifyReply, ...lines: string[]) => reply.header('set-cookie', lines)
  const set = (reply: FastifyReply, cookie: SetCookie) => add(reply, stringifySetCookie(cookie))

  return {
    /** The session cookie, for an application that sets it itself. */
    session: { name, attributes: session },
    /** `Set-Cookie` lines that remove session cookies that differ, which makes all of them useless. */
    ambiguousRemovals,
    setSession: (reply: FastifyReply, token: string, expires: Date) =>
      add(
        reply,
        stringifySetCookie({ ...session, name, value: token, expires }),
        ...leftovers(reply.request),
      ),
    /** Removes every session cookie that the browser sent. Call it only after a committed logout. */
    clearSession: (reply: FastifyReply) => {
      const sent = namesIn(reply.request.headers, names)
      add(reply, ...removalsOf(sent.length > 0 ? sent : [name]))
    },
    /** Removes the session cookies of a request that differ. */
    clearAmbiguous: (reply: FastifyReply, names: readonly string[]) =>
      add(reply, ...ambiguousRemovals(names)),
    setOutcome: (reply: FastifyReply, receipt: string) =>
      set(reply, { ...outcome, value: receipt, maxAge: OUTCOME_SECONDS }),
    readOutcome: (request: FastifyRequest) => readCookie(request.headers, outcome.name),
    clearOutcome: (reply: FastifyReply) => set(reply, { ...outcome, ...EXPIRED }),
    setVisit: (reply: FastifyReply, value: string) => set(reply, { ...visit, value, maxAge: VISIT_SECONDS }),
    readVisit: (request: FastifyRequest) => readCookie(request.headers, visit.name),
  }
}

/**
 * Every domain that a cookie of this name can have at the public origin, the configured one first. Undefined stands for the
 * host-only cookie. Browsers ignore public suffixes such as `co.uk`.
 */
function domainsOf(
  name: string,
  configured: string | undefined,
  publicOrigin: string,
): (string | undefined)[] {
  if (/^__Host-/i.test(name)) return [undefined]
  const { hostname } = new URL(publicOrigin)
  const labels = isIP(hostname) || hostname.startsWith('[') ? [] : hostname.split('.')
  const above = labels.slice(0, -1).map((_, first) => labels.slice(first).join('.'))
  const own = configured?.replace(/^\./, '').toLowerCase()
  return [configured, ...[undefined, ...above].filter((domain) => domain !== own)]
}
