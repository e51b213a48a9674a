/**
 * Warns once when a browser sends a session cookie of Auth.js under a name that SESSION_COOKIE does not list: to this service,
 * such a user is not signed in. `doctor` cannot see requests, so the log has to say it.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Log } from '../lib/log.ts'
import { KNOWN_NAMES } from './cookie-names.ts'
import { namesIn } from './credentials.ts'

/** @returns a function for the headers of requests that have none of the listed cookies. */
export function createUnlistedCookieWarning(listed: readonly string[], log: Log) {
  const unlisted = KNOWN_NAMES.filter((name) => !listed.includes(name))
  let due = unlisted.length > 0
  return (headers: IncomingHttpHeaders): void => {
    const cookie = due ? namesIn(headers, unlisted)[0] : undefined
    if (!cookie) return
    due = false
    log.warn({ cookie, listed }, 'session cookie ignored: SESSION_COOKIE does not list its name')
  }
}
