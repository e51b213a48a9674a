/** What is recorded of the device that signs in. The Auth.js adapter ships this module: it imports no dependency. */
import { readAddress } from '../lib/read-address.ts'

/** Characters that are read, and kept, of a user agent. ua-parser-js reads 500. */
export const MAX_USER_AGENT = 512

/** What a request or an application tells of the device it comes from. */
export interface DeviceHints {
  userAgent?: string | null
  ipAddress?: string | null
}

/**
 * A device that cannot be recorded is no reason to refuse a sign-in: what is no address becomes null, such as the
 * list of an `X-Forwarded-For` header.
 */
export function deviceColumns({ userAgent, ipAddress }: DeviceHints) {
  return {
    userAgent: userAgent == null ? null : recordable(userAgent),
    ipAddress: readAddress(ipAddress ?? ''),
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Node and `fetch` give the bytes of a header as so many characters: most clients meant UTF-8. */
function decoded(text: string): string {
  if (!/[\x80-\xff]/.test(text) || /[^\0-\xff]/.test(text)) return text
  try {
    return utf8.decode(Buffer.from(text, 'latin1'))
  } catch {
    return text
  }
}

/** PostgreSQL has neither NUL nor half a character, and no other control character belongs into a user agent. */
function recordable(text: string): string {
  const kept = decoded(text)
    .slice(0, MAX_USER_AGENT)
    .toWellFormed()
    .replace(/\p{Cc}/gu, '\u{fffd}')
  // V8 keeps the whole header, up to 64 KB, for as long as a slice of it lives: a copy does not.
  return Buffer.from(kept).toString()
}
