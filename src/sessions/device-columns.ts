/** The device columns of a new session. The Auth.js adapter bundles this module, so it imports no dependency. */
import { readAddress } from '../lib/read-address.ts'

/** Longest user agent that is stored, in characters. ua-parser-js reads 500. */
export const MAX_USER_AGENT = 512

/** The device as a request or an application describes it. */
export interface DeviceHints {
  userAgent?: string | null
  ipAddress?: string | null
}

/**
 * Never throws, because bad device data must not block a sign-in. Text that is not an IP address becomes null, for
 * example a list from `X-Forwarded-For`.
 */
export function deviceColumns({ userAgent, ipAddress }: DeviceHints) {
  return {
    userAgent: userAgent == null ? null : recordable(userAgent),
    ipAddress: readAddress(ipAddress ?? ''),
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Node and `fetch` decode header bytes as Latin-1, but most clients send UTF-8. */
function decodeUtf8(text: string): string {
  if (!/[\x80-\xff]/.test(text) || /[^\0-\xff]/.test(text)) return text
  try {
    return utf8.decode(Buffer.from(text, 'latin1'))
  } catch {
    return text
  }
}

/** Replaces control characters and lone surrogates: PostgreSQL rejects NUL and half characters. */
function recordable(text: string): string {
  const kept = decodeUtf8(text)
    .slice(0, MAX_USER_AGENT)
    .toWellFormed()
    .replace(/\p{Cc}/gu, '\u{fffd}')
  // A copy: a slice would keep the whole header, up to 64 KB, in memory.
  return Buffer.from(kept).toString()
}
