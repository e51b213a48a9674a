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

/** The distinct values of the cookies with this name. */
function cookieValues(header: string, name: string): string[] {
  const values = new Set<string>()
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) values.add(pair.slice(equals + 1).trim())
  }
  return [...values]
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
