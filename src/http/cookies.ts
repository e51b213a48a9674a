/** The cookies this service sets. The session cookie has the attributes Auth.js gives it, so that either may clear it. */
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'

/** Names the operation whose outcome the next page shows; lives shortly and is cleared once shown. */
const OUTCOME_COOKIE = 'global-logout.outcome'
const OUTCOME_SECONDS = 600

export type Cookies = ReturnType<typeof createCookies>

export function createCookies({ name, domain, secure }: Config['cookie']) {
  const base = { path: '/', httpOnly: true, sameSite: 'lax', secure } satisfies CookieSerializeOptions
  const session = domain ? { ...base, domain } : base

  return {
    /** The session cookie, for an application that sets it itself. */
    session: { name, attributes: session },
    setSession: (reply: FastifyReply, token: string, expires: Date) =>
      reply.setCookie(name, token, { ...session, expires }),
    /** Only ever after a committed logout. */
    clearSession: (reply: FastifyReply) => reply.clearCookie(name, session),
    setOutcome: (reply: FastifyReply, operationId: string) =>
      reply.setCookie(OUTCOME_COOKIE, operationId, { ...base, sameSite: 'strict', maxAge: OUTCOME_SECONDS }),
    readOutcome: (request: FastifyRequest) => request.cookies[OUTCOME_COOKIE],
    clearOutcome: (reply: FastifyReply) => reply.clearCookie(OUTCOME_COOKIE, { ...base, sameSite: 'strict' }),
  }
}
