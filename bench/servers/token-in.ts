const COOKIE = 'authjs.session-token='

/** The session token in a cookie header, without a parser; an empty text if there is none. */
export function tokenIn(header = ''): string {
  const start = header.indexOf(COOKIE)
  if (start < 0) return ''
  const end = header.indexOf(';', start)
  return header.slice(start + COOKIE.length, end < 0 ? undefined : end)
}
