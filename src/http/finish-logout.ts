/** What every logout does to the browser once it is committed: cookies, and where to go next. */
import type { FastifyReply } from 'fastify'
import type { Outcome } from '../sessions/sessions.ts'
import type { Cookies } from './cookies.ts'
import { allowedRedirect } from './redirects.ts'

export type FinishLogout = ReturnType<typeof createFinishLogout>

export function createFinishLogout(
  cookies: Cookies,
  publicOrigin: string,
  allowedRedirects: readonly string[],
) {
  /** Call it only with a committed outcome. @returns the address to go to. */
  return (reply: FastifyReply, outcome: Outcome, callbackUrl?: string): string => {
    if (outcome.signedOut) cookies.clearSession(reply)
    if (outcome.operationId && outcome.own) cookies.setOutcome(reply, outcome.operationId)
    if (!callbackUrl) return outcome.signedOut ? '/signed-out' : '/'
    const target = allowedRedirect(callbackUrl, publicOrigin, allowedRedirects)
    if (!target)
      reply.log.warn(
        { callbackUrl: callbackUrl.slice(0, 200) },
        'callbackUrl names no allowed origin; set ALLOWED_REDIRECTS to follow it',
      )
    return target ?? '/signed-out'
  }
}
