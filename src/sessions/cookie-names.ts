/**
 * Names of the session cookie. A request may carry several: the first listed one that has a value decides. Imports nothing:
 * `@global-logout/postgres` bundles this module.
 */

/**
 * As Auth.js and next-auth 4 set them on https, after the name that this service sets itself. The strictest prefix is first: a
 * sibling domain can plant the others.
 */
const ON_HTTPS = [
  '__Host-authjs.session-token',
  '__Secure-authjs.session-token',
  '__Secure-next-auth.session-token',
] as const
const ON_HTTP = ['authjs.session-token', 'next-auth.session-token'] as const

/** Every name that Auth.js, next-auth 4 or this service sets by default. */
export const KNOWN_NAMES: readonly string[] = [...ON_HTTPS, ...ON_HTTP]

/** Where the cookie is set: on https or not, for one host or for a domain. */
export interface CookieScope {
  secure: boolean
  domain?: string | undefined
}

/** The names that are read where SESSION_COOKIE is not set. */
export function defaultNames(scope: CookieScope): readonly string[] {
  return (scope.secure ? ON_HTTPS : ON_HTTP).filter((name) => isSettable(name, scope))
}

/** Whether browsers store a cookie of this name: the prefixes need https, and `__Host-` also no `Domain`. */
export function isSettable(name: string, { secure, domain }: CookieScope): boolean {
  if (/^__Host-/i.test(name)) return secure && !domain
  return secure || !/^__Secure-/i.test(name)
}
