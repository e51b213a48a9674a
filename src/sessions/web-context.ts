/** What all routes for browsers share, derived from the settings: cookies, cookie settings and redirects. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Config } from '../config.ts'
import type { Log } from '../lib/log.ts'
import { createCookies } from './cookies.ts'
import { createCredentialReader } from './credential-reader.ts'
import type { Credential } from './credentials.ts'
import { createFinishLogout } from './finish-logout.ts'
import { otherTokens } from './other-tokens.ts'
import { createReadPlaceHeaders } from './place-headers.ts'
import { createUnlistedCookieWarning } from './unlisted-cookies.ts'

export type WebContext = ReturnType<typeof createWebContext>

/** @param signInPath the sign-in page, when this service has one. */
export function createWebContext(
  {
    cookie,
    authSecrets,
    publicOrigin,
    allowedRedirects,
    clearSiteData,
    placeHeaders,
    trustProxy,
  }: Pick<
    Config,
    | 'cookie'
    | 'authSecrets'
    | 'publicOrigin'
    | 'allowedRedirects'
    | 'clearSiteData'
    | 'placeHeaders'
    | 'trustProxy'
  >,
  signInPath: string | null,
  log: Log,
) {
  const cookies = createCookies(cookie, publicOrigin)
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
    finishLogout: createFinishLogout(cookies, publicOrigin, allowedRedirects, clearSiteData),
    placeHeadersOf: createReadPlaceHeaders({ placeHeaders, trustProxy }),
    signInPath,
  }
}
