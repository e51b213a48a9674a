/** What routes for browsers share, made of the settings: cookies, who visits, and where a logout leads. */
import type { Config } from '../config.ts'
import { createCookies } from './cookies.ts'
import { createFinishLogout } from './finish-logout.ts'

export type WebContext = ReturnType<typeof createWebContext>

/** @param signInPath where to sign in, when that is on this site. */
export function createWebContext(
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
    cookieSettings: { cookieName: cookie.name, publicOrigin },
    finishLogout: createFinishLogout(cookies, publicOrigin, allowedRedirects, clearSiteData),
    signInPath,
  }
}
