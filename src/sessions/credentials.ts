/**
 * Finds the session token of a request: the session cookie, else `Authorization: Bearer`. Two session cookies that
 * differ are refused: an attacker on a sibling domain can plant the second one. A cookie parser would silently pick
 * one of the two, so this file reads the header itself.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { MAX_TOKEN_LENGTH } from './tokens.ts'

export type Credential =
  | { kind: 'none' }
  /** Malformed; or `ambiguous`: two session cookies differ. */
  | { kind: 'refused'; ambiguous: boolean }
  | { kind: 'token'; token: string; via: 'cookie' | 'bearer' }

const NONE: Credential = { kind: 'none' }
const MALFORMED: Credential = { kind: 'refused', ambiguous: false }
const AMBIGUOUS: Credential = { kind: 'refused', ambiguous: true }
/** Stands for a value that cannot be decoded. No token contains it. */
const UNREADABLE = '\0'
const TOKEN = new RegExp(`^[\\x21-\\x7e]{1,${MAX_TOKEN_LENGTH}}$`)

/** The session cookie takes precedence; a bearer token is read only without one. */
export function readCredential(headers: IncomingHttpHeaders, cookieName: string): Credential {
  const values = headers.cookie ? cookieValues(headers.cookie, cookieName) : []
  if (values.length > 1) return AMBIGUOUS
  if (values[0] !== undefined) return token(values[0], 'cookie')
  const bearer = bearerOf(headers)
  return bearer === undefined ? NONE : token(bearer, 'bearer')
}

/** The text after `Bearer`, which may be empty; undefined for any other scheme. */
export function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  const bearer = /^bearer(?:[ \t]+(.*))?$/i.exec(stripped(authorization ?? ''))
  return bearer ? (bearer[1] ?? '') : undefined
}

/** The value of any other cookie; undefined unless all cookies of this name agree. */
export function readCookie({ cookie }: IncomingHttpHeaders, name: string): string | undefined {
  const values = cookie ? cookieValues(cookie, name) : []
  return values.length === 1 ? values[0] : undefined
}

function token(text: string, via: 'cookie' | 'bearer'): Credential {
  return TOKEN.test(text) ? { kind: 'token', token: text, via } : MALFORMED
}

/**
 * The distinct non-empty values of the cookies with this name, at most two. Scans the header once instead of splitting
 * it: this runs for every check, and a header may be long.
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
 * Removes surrounding spaces and tabs, and nothing else (RFC 6265). `trim()` would also remove U+00A0, which is how
 * Node reads the byte 0xA0, and browsers accept a cookie with that byte before `__Host-` from a sibling domain.
 */
function stripped(text: string, start = 0, end = text.length): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Auth.js percent-encodes cookie values, though no token needs it. */
function decode(value: string): string {
  const bare = /^".*"$/.test(value) ? value.slice(1, -1) : value
  if (!bare.includes('%')) return bare
  try {
    return decodeURIComponent(bare)
  } catch {
    return UNREADABLE
  }
}
