/** Checks where a logout may redirect to: this site, or an origin in `ALLOWED_REDIRECTS`. Never an open redirect. */

/**
 * @returns the URL to go to, or null when the origin of `callbackUrl` is not allowed. A URL on this site is returned as
 * path, query and fragment, so that an unusual spelling of the origin cannot change the target.
 */
export function allowedRedirect(
  callbackUrl: string,
  publicOrigin: string,
  allowed: readonly string[],
): string | null {
  if (!URL.canParse(callbackUrl, publicOrigin)) return null
  const url = new URL(callbackUrl, publicOrigin)
  if (url.username || url.password || !/^https?:$/.test(url.protocol)) return null
  if (url.origin === publicOrigin) return `/${url.pathname.replace(/^\/+/, '')}${url.search}${url.hash}`
  return allowed.includes(url.origin) ? url.href : null
}
