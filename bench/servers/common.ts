/**
 * Shared by the servers of the comparison: the port, the same pool for each, and the cheapest way to read the
 * cookie.
 */
import pg from 'pg'

export const port = Number(process.env.PORT)
export const host = '127.0.0.1'

/**
 * As many connections as node-postgres uses by default, and as our own service has for everything but checks.
 */
export const openPool = () => new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

const COOKIE = 'authjs.session-token='

/** The session token in a cookie header, without a parser; an empty text if there is none. */
export function tokenIn(header = ''): string {
  const start = header.indexOf(COOKIE)
  if (start < 0) return ''
  const end = header.indexOf(';', start)
  return header.slice(start + COOKIE.length, end < 0 ? undefined : end)
}
