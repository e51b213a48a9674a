/** Where a logout may lead afterwards: our own pages, or an origin that the settings allow. Never an open redirect. */

/**
 * @returns the absolute or local address to go to, or null when `callbackUrl` names no allowed origin.
 * A local address is returned as path and query, so that nothing of a clever spelling survives.
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
