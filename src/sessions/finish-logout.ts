/** What every logout does to the browser once it is committed: what it forgets, and where it goes next. */
import type { FastifyReply } from 'fastify'
import type { Cookies } from './cookies.ts'
import type { Ignored } from './logout-request.ts'
import { allowedRedirect } from './redirects.ts'
import type { Outcome } from './sessions.ts'
import { receiptOf } from './tokens.ts'

export type FinishLogout = ReturnType<typeof createFinishLogout>

export interface Finished {
  /** The address to go to. */
  redirect: string
  /** Whether that is the `callbackUrl`. */
  followed: boolean
  ignored: Ignored[]
}

export function createFinishLogout(
  cookies: Cookies,
  publicOrigin: string,
  allowedRedirects: readonly string[],
  clearSiteData: readonly string[],
) {
  const forgotten = clearSiteData.map((what) => `"${what}"`).join(', ')
  /** Call it only with a committed outcome, and the token that asked for it. */
  return (
    reply: FastifyReply,
    token: string,
    outcome: Outcome,
    { callbackUrl, ignored = [] }: { callbackUrl?: string | undefined; ignored?: Ignored[] } = {},
  ): Finished => {
    if (outcome.signedOut) cookies.clearSession(reply)
    if (outcome.signedOut && forgotten) reply.header('clear-site-data', forgotten)
    if (outcome.operationId) cookies.setOutcome(reply, receiptOf(outcome.operationId, token))
    const redirect = outcome.signedOut ? '/signed-out' : '/'
    if (!callbackUrl) return { redirect, followed: false, ignored }
    const target = allowedRedirect(callbackUrl, publicOrigin, allowedRedirects)
    if (target) return { redirect: target, followed: true, ignored }
    reply.log.warn(
      { origin: originOf(callbackUrl) },
      'callbackUrl names no allowed origin; set ALLOWED_REDIRECTS to follow it',
    )
    const reason = 'names no origin that ALLOWED_REDIRECTS has'
    return { redirect, followed: false, ignored: [{ field: 'callbackUrl', reason }, ...ignored] }
  }
}

/** What of an address may be logged: its path and query are the visitor's. */
function originOf(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : 'none'
}
