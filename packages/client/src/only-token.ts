/**
 * The session token of a request that has one credential, read as the service reads it. Wherever the service might see another one, it is
 * asked. A text that is no token needs no care here: the memory holds only what the service has called valid.
 */
import type { Credentials } from './credentials.ts'

const EQUALS = 0x3d
const DOT = 0x2e

/**
 * @param cookieNames of the session cookies that the service reads.
 * @returns null where there is no token, or where only the service can tell which one counts.
 */
export function onlyToken(
  { cookie, authorization }: Credentials,
  cookieNames: readonly string[],
): string | null {
  const found = cookie ? onlyCookie(cookie, cookieNames) : undefined
  if (!authorization) return found ?? null
  return found === undefined && /^bearer /i.test(authorization) ? authorization.slice(7) : null
}

/**
 * Scans the header instead of splitting it: this runs for every check.
 * @returns undefined without a session cookie; null for several, for a part of one, and for a value that the service decodes.
 */
function onlyCookie(header: string, names: readonly string[]): string | null | undefined {
  let found: string | undefined
  for (let start = 0, end = 0; start < header.length; start = end + 1) {
    end = header.indexOf(';', start)
    if (end < 0) end = header.length
    while (isBlank(header.charCodeAt(start))) start++
    for (const name of names) {
      if (!header.startsWith(name, start)) continue
      const next = header.charCodeAt(start + name.length)
      // Auth.js cuts a long value into `NAME.0`, `NAME.1` and so on.
      if (next === DOT || isBlank(next)) return null
      if (next !== EQUALS) continue
      if (found !== undefined) return null
      found = header.slice(start + name.length + 1, end)
    }
  }
  return found?.includes('%') || found?.includes('"') ? null : found
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
