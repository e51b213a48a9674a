/** Completes a committed logout in the browser: clears the cookie and site data, and picks the page to go to. */
import type { FastifyReply } from 'fastify'
import type { Site } from '../ui/site.ts'
import type { Cookies } from './cookies.ts'
import type { Outcome } from './log-out.ts'
import type { Ignored } from './logout-request.ts'
import { allowedRedirect } from './redirects.ts'
import { receiptOf } from './tokens.ts'

/** The page of a user's devices, and the one that says why they are signed out. */
export const DEVICES = '/devices'
export const SIGNED_OUT = '/signed-out'

export type FinishLogout = ReturnType<typeof createFinishLogout>

export interface Finished {
  /** The address to go to next. */
  redirect: string
  /** Whether that is the `callbackUrl`. */
  followed: boolean
  ignored: Ignored[]
}

export function createFinishLogout(
  cookies: Cookies,
  site: Pick<Site, 'path'>,
  publicOrigin: string,
  allowedRedirects: readonly string[],
  clearSiteData: readonly string[],
) {
  const siteData = clearSiteData.map((kind) => `"${kind}"`).join(', ')
  /** Call it only with a committed outcome and the token that requested it. */
  return (
    reply: FastifyReply,
    token: string,
    outcome: Outcome,
    { callbackUrl, ignored = [] }: { callbackUrl?: string | undefined; ignored?: Ignored[] } = {},
  ): Finished => {
    if (outcome.signedOut) cookies.clearSession(reply)
    if (outcome.signedOut && siteData) reply.header('clear-site-data', siteData)
    if (outcome.operationId) cookies.setOutcome(reply, receiptOf(outcome.operationId, token))
    const redirect = site.path(outcome.signedOut ? SIGNED_OUT : DEVICES)
    if (!callbackUrl) return { redirect, followed: false, ignored }
    const target = allowedRedirect(callbackUrl, publicOrigin, allowedRedirects)
    if (target) return { redirect: target, followed: true, ignored }
    reply.log.warn(
      { origin: originOf(callbackUrl) },
      'callbackUrl ignored: its origin is not in ALLOWED_REDIRECTS',
    )
    const reason = 'has an origin that ALLOWED_REDIRECTS does not list'
    return { redirect, followed: false, ignored: [{ field: 'callbackUrl', reason }, ...ignored] }
  }
}

/** The part of an address that may be logged; path and query may hold personal data. */
function originOf(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : 'none'
}
