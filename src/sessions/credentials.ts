/**
 * Finds the session token of a request: the session cookie, else `Authorization: Bearer`. The cookie header is
 * read here and not by a cookie parser, because a parser picks one of two cookies with the same name, and an
 * attacker on a sibling domain can plant the second: two that differ are refused.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { MAX_TOKEN_LENGTH } from './tokens.ts'

export type Credential =
  | { kind: 'none' }
  /** Nobody's: malformed; or `ambiguous`, because two session cookies differ. */
  | { kind: 'refused'; ambiguous: boolean }
  | { kind: 'token'; token: string; via: 'cookie' | 'bearer' }

const NONE: Credential = { kind: 'none' }
const MALFORMED: Credential = { kind: 'refused', ambiguous: false }
const AMBIGUOUS: Credential = { kind: 'refused', ambiguous: true }
/** What a value is taken for that cannot be decoded. No token holds it. */
const UNREADABLE = '\0'
const TOKEN = new RegExp(`^[\\x21-\\x7e]{1,${MAX_TOKEN_LENGTH}}$`)

/** A session cookie decides alone when there is one; a bearer token is looked at only without it. */
export function readCredential(headers: IncomingHttpHeaders, cookieName: string): Credential {
  const values = headers.cookie ? cookieValues(headers.cookie, cookieName) : []
  if (values.length > 1) return AMBIGUOUS
  if (values[0] !== undefined) return token(values[0], 'cookie')
  const bearer = bearerOf(headers)
  return bearer === undefined ? NONE : token(bearer, 'bearer')
}

/** What follows `Bearer`, the empty string where nothing does; undefined without that scheme. */
export function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  const bearer = /^bearer(?:[ \t]+(.*))?$/i.exec(stripped(authorization ?? ''))
  return bearer ? (bearer[1] ?? '') : undefined
}

/** The value of a cookie that is no session: undefined unless all cookies of this name agree. */
export function readCookie({ cookie }: IncomingHttpHeaders, name: string): string | undefined {
  const values = cookie ? cookieValues(cookie, name) : []
  return values.length === 1 ? values[0] : undefined
}

function token(text: string, via: 'cookie' | 'bearer'): Credential {
  return TOKEN.test(text) ? { kind: 'token', token: text, via } : MALFORMED
}

/**
 * The distinct values of the cookies with this name, two at most; an empty one is none. Scanned once, not split: this runs for
 * every check, and a header may be long.
 */
function cookieValues(header: string, name: string): string[] {
  const values: string[] = []
  let equals = header.indexOf('=')
  for (let start = 0, end = 0; equals >= 0 && values.length < 2; start = end + 1) {
    end = header.indexOf(';', start)
    if (end < 0) end = header.length
    if (equals < start) equals = header.indexOf('=', start)
    if (equals < 0 || equals > end || stripped(header, start, equals) !== name) continue
    const value = decode(stripped(header, equals + 1, end))
    if (value !== '' && !values.includes(value)) values.push(value)
  }
  return values
}

/**
 * Without the spaces and tabs around it. RFC 6265 strips no other character; `trim()` also strips U+00A0, which is how
 * Node reads the byte 0xA0, and browsers accept that byte in front of `__Host-` from a sibling domain.
 */
function stripped(text: string, start = 0, end = text.length): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Auth.js percent-encodes cookie values; its own tokens and ours never need it. */
function decode(value: string): string {
  const bare = /^".*"$/.test(value) ? value.slice(1, -1) : value
  if (!bare.includes('%')) return bare
  try {
    return decodeURIComponent(bare)
  } catch {
    return UNREADABLE
  }
}
