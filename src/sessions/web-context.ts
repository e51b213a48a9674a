/** What all routes for browsers share, derived from the settings: cookies, cookie settings and redirects. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Config } from '../config.ts'
import type { Log } from '../lib/log.ts'
import { createSite } from '../ui/site.ts'
import { createCookies } from './cookies.ts'
import { createCredentialReader } from './credential-reader.ts'
import type { Credential } from './credentials.ts'
import { createFinishLogout } from './finish-logout.ts'
import { otherTokens } from './other-tokens.ts'
import { createReadPlaceHeaders } from './place-headers.ts'
import { allowedRedirect } from './redirects.ts'
import { createUnlistedCookieWarning } from './unlisted-cookies.ts'

export type WebContext = ReturnType<typeof createWebContext>

/** @param signInPath the sign-in page of the demo; null for any other service. */
export function createWebContext(
  {
    cookie,
    authSecrets,
    publicOrigin,
    allowedRedirects,
    clearSiteData,
    placeHeaders,
    trustProxy,
    site: settings,
  }: Pick<
    Config,
    | 'cookie'
    | 'authSecrets'
    | 'publicOrigin'
    | 'allowedRedirects'
    | 'clearSiteData'
    | 'placeHeaders'
    | 'trustProxy'
    | 'site'
  >,
  signInPath: string | null,
  log: Log,
) {
  const cookies = createCookies(cookie, publicOrigin)
  const site = createSite(settings, publicOrigin, signInPath)
  const readCredential = createCredentialReader(cookie.names, authSecrets, log)
  return {
    cookies,
    cookieSettings: {
      readCredential,
      readOthers: (headers: IncomingHttpHeaders, credential: Credential) =>
        otherTokens(headers, credential, cookie.names, readCredential),
      publicOrigin,
      warnUnlisted: createUnlistedCookieWarning(cookie.names, log),
    },
    placeHeadersOf: createReadPlaceHeaders({ placeHeaders, trustProxy }),
    site,
    finishLogout: createFinishLogout(cookies, site, publicOrigin, allowedRedirects, clearSiteData),
    /** The address to which a sign-in may return; null for one of an origin that is not allowed. */
    returnTo: (address: string) => allowedRedirect(address, publicOrigin, allowedRedirects),
  }
}
