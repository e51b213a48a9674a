/** What routes for browsers share, made of the settings: cookies, who visits, and where a logout leads. */
import type { Config } from '../config.ts'
import { createCookies } from './cookies.ts'
import { createFinishLogout } from './finish-logout.ts'

export type Site = ReturnType<typeof createSite>

/** @param signInPath where to sign in, when that is on this site. */
export function createSite(
  {
    cookie,
    publicOrigin,
    allowedRedirects,
    clearSiteData,
  }: Pick<Config, 'cookie' | 'publicOrigin' | 'allowedRedirects' | 'clearSiteData'>,
  signInPath: string | null,
) {
  const cookies = createCookies(cookie, publicOrigin)
  return {
    cookies,
    visitor: { cookieName: cookie.name, publicOrigin },
    finish: createFinishLogout(cookies, publicOrigin, allowedRedirects, clearSiteData),
    signInPath,
  }
}
