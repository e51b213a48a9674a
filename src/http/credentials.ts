/**
 * Finds the session token of a request: the session cookie, else `Authorization: Bearer`. The cookie header is
 * read here and not by a cookie parser, because a parser picks one of two cookies with the same name, and an
 * attacker on a sibling domain can plant the second: two that differ are refused.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { MAX_TOKEN_LENGTH } from '../sessions/tokens.ts'

export type Credential =
  | { kind: 'none' }
  /** Ambiguous or malformed: nobody's. */
  | { kind: 'refused' }
  | { kind: 'token'; token: string; via: 'cookie' | 'bearer' }

const NONE: Credential = { kind: 'none' }
const REFUSED: Credential = { kind: 'refused' }
const TOKEN = new RegExp(`^[\\x21-\\x7e]{1,${MAX_TOKEN_LENGTH}}$`)

/** A session cookie decides alone when there is one; a bearer token is looked at only without it. */
export function readCredential(headers: IncomingHttpHeaders, cookieName: string): Credential {
  const values = headers.cookie ? cookieValues(headers.cookie, cookieName) : []
  if (values.length > 1) return REFUSED
  if (values[0]) return token(decode(values[0]), 'cookie')
  const bearer = /^bearer(?:\s+(.*))?$/i.exec(headers.authorization?.trim() ?? '')
  return bearer ? token(bearer[1] ?? '', 'bearer') : NONE
}

function token(text: string, via: 'cookie' | 'bearer'): Credential {
  return TOKEN.test(text) ? { kind: 'token', token: text, via } : REFUSED
}

/** The distinct values of the cookies with this name. Scanned, not split: this runs for every check. */
function cookieValues(header: string, name: string): string[] {
  const values: string[] = []
  for (let start = 0, end = 0; start < header.length; start = end + 1) {
    end = header.indexOf(';', start)
    if (end < 0) end = header.length
    const equals = header.indexOf('=', start)
    if (equals < 0 || equals > end || header.slice(start, equals).trim() !== name) continue
    const value = header.slice(equals + 1, end).trim()
    if (!values.includes(value)) values.push(value)
  }
  return values
}

/** Auth.js percent-encodes cookie values; its own tokens and ours never need it. */
function decode(value: string): string {
  const bare = /^".*"$/.test(value) ? value.slice(1, -1) : value
  if (!bare.includes('%')) return bare
  try {
    return decodeURIComponent(bare)
  } catch {
    return ''
  }
}
