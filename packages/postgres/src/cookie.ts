/** The session cookie: the names that are read, the first with a value deciding, and how a new one is set. */
import type { CreatedSession } from '@global-logout/client'
import { defaultNames, isSettable, KNOWN_NAMES } from './service.ts'

/** As in the settings of the service. */
export interface CookieOptions {
  /** PUBLIC_URL: the origin that browsers see. Without it, cookies are read under every known name, and set for https. */
  publicUrl?: string | URL
  /** SESSION_COOKIE: by default the names that Auth.js and next-auth set. */
  cookieNames?: readonly string[]
  /** COOKIE_DOMAIN. */
  cookieDomain?: string
}

export interface SessionCookie {
  names: readonly string[]
  /** How to set it. */
  created: CreatedSession['cookie']
}

/** @throws TypeError when browsers would store a cookie under none of the names. */
export function sessionCookie({
  publicUrl,
  cookieNames,
  cookieDomain: domain,
}: CookieOptions): SessionCookie {
  const secure = publicUrl === undefined || new URL(publicUrl).protocol === 'https:'
  const names = cookieNames ?? (publicUrl === undefined ? KNOWN_NAMES : defaultNames({ secure, domain }))
  const name = names.find((name) => isSettable(name, { secure, domain }))
  if (!name)
    throw new TypeError('cookieNames: browsers would store none of these, by publicUrl and cookieDomain')
  const attributes = {
    path: '/',
    httpOnly: true,
    sameSite: 'lax' as const,
    secure,
    ...(domain && { domain }),
  }
  return { names, created: { name, attributes } }
}
