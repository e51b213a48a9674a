/** What all routes for browsers share, derived from the settings: cookies, cookie settings and redirects. */
import type { Config } from '../config.ts'
import type { Log } from '../lib/log.ts'
import { createCookies } from './cookies.ts'
import { createCredentialReader } from './credential-reader.ts'
import { createFinishLogout } from './finish-logout.ts'
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
  }: Pick<Config, 'cookie' | 'authSecrets' | 'publicOrigin' | 'allowedRedirects' | 'clearSiteData'>,
  signInPath: string | null,
  log: Log,
) {
  const cookies = createCookies(cookie, publicOrigin)
  return {
    cookies,
    cookieSettings: {
      readCredential: createCredentialReader(cookie.names, authSecrets, log),
      publicOrigin,
      warnUnlisted: createUnlistedCookieWarning(cookie.names, log),
    },
    finishLogout: createFinishLogout(cookies, publicOrigin, allowedRedirects, clearSiteData),
    signInPath,
  }
}
