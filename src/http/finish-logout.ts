/** What every logout does to the browser once it is committed: cookies, and where to go next. */
import type { FastifyReply } from 'fastify'
import type { Outcome } from '../sessions/sessions.ts'
import { receiptOf } from '../sessions/tokens.ts'
import type { Cookies } from './cookies.ts'
import { allowedRedirect } from './redirects.ts'

export type FinishLogout = ReturnType<typeof createFinishLogout>

export function createFinishLogout(
  cookies: Cookies,
  publicOrigin: string,
  allowedRedirects: readonly string[],
) {
  /** Call it only with a committed outcome, and the token that asked for it. @returns the address to go to. */
  return (reply: FastifyReply, token: string, outcome: Outcome, callbackUrl?: string): string => {
    if (outcome.signedOut) cookies.clearSession(reply)
    if (outcome.operationId) cookies.setOutcome(reply, receiptOf(outcome.operationId, token))
    if (!callbackUrl) return outcome.signedOut ? '/signed-out' : '/'
    const target = allowedRedirect(callbackUrl, publicOrigin, allowedRedirects)
    if (!target)
      reply.log.warn(
        { origin: originOf(callbackUrl) },
        'callbackUrl names no allowed origin; set ALLOWED_REDIRECTS to follow it',
      )
    return target ?? '/signed-out'
  }
}

/** What of an address may be logged: its path and query are the visitor's. */
function originOf(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : 'none'
}
