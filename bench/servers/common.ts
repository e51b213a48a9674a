/** What the servers of the comparison share: where to listen, the same pool for each, the cheapest way to the cookie. */
import pg from 'pg'

export const port = Number(process.env.PORT)
export const host = '127.0.0.1'

/** As many connections as node-postgres takes by itself, and as our own service has for everything but checks. */
export const openPool = () => new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

const COOKIE = 'authjs.session-token='

/** The session token in a cookie header, without any parser; an empty text when there is none. */
export function tokenIn(header = ''): string {
  const start = header.indexOf(COOKIE)
  if (start < 0) return ''
  const end = header.indexOf(';', start)
  return header.slice(start + COOKIE.length, end < 0 ? undefined : end)
}
