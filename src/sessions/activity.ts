/**
 * Whether a check is an activity of the user. A browser that fetches ahead and a page that polls say that theirs is none: such a
 * check is answered as always, and does not extend the session. Imports nothing: `@global-logout/postgres` bundles this module.
 */

/** @param headers as Node names them: `sec-purpose`, set by browsers, and `x-session-activity`, set by pages. */
export function isActivity(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): boolean {
  const { 'sec-purpose': purpose, 'x-session-activity': activity } = headers
  if (purpose === undefined && activity === undefined) return true
  // Browsers send `prefetch` or `prefetch;prerender`.
  return activity !== 'none' && !/^prefetch\b/i.test(String(purpose ?? ''))
}
