/** What an application tells of the device it is talking to, made fit for the session's row. */
import { isIP } from 'node:net'

export interface Device {
  userAgent?: string | null
  ipAddress?: string | null
}

/** Longest user agent worth keeping, in characters. */
const MAX_USER_AGENT = 512

/**
 * A device that cannot be recorded is no reason to refuse a sign-in: what is no address becomes null, such as the
 * list of an `X-Forwarded-For` header, or a zone, which PostgreSQL's `inet` does not know.
 */
export function deviceColumns({ userAgent, ipAddress }: Device) {
  const address = ipAddress?.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '') ?? ''
  return {
    userAgent: userAgent?.slice(0, MAX_USER_AGENT) ?? null,
    ipAddress: isIP(address) ? address : null,
  }
}
