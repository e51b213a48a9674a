/**
 * Finds the session token of a request: the session cookie, else `Authorization: Bearer`. Of several names, the first that
 * has a value decides. Two cookies of that name that differ are refused: an attacker on a sibling domain can plant the second
 * one. A cookie parser would silently pick one of the two, so this file reads the header itself.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { MAX_TOKEN_LENGTH } from './tokens.ts'

export type Credential =
  | { kind: 'none' }
  /** `ambiguous`: the names of the session cookies that differ, to be removed; empty for a malformed token. */
  | { kind: 'refused'; ambiguous: readonly string[] }
  | { kind: 'token'; token: string; via: 'cookie' | 'bearer' }

const NONE: Credential = { kind: 'none' }
const MALFORMED: Credential = { kind: 'refused', ambiguous: [] }
/** Stands for a value that cannot be decoded. No token contains it. */
const UNREADABLE = '\0'
const TOKEN = new RegExp(`^[\\x21-\\x7e]{1,${MAX_TOKEN_LENGTH}}$`)

/** The session cookie takes precedence; a bearer token is read only without one. */
export function readCredential(headers: IncomingHttpHeaders, cookieNames: readonly string[]): Credential {
  const cookie = headers.cookie ? findCookie(headers.cookie, cookieNames) : null
  if (cookie && cookie.values.length > 1) return { kind: 'refused', ambiguous: [cookie.name] }
  if (cookie) return credentialOf(cookie.values[0], 'cookie')
  const bearer = bearerOf(headers)
  return bearer === undefined ? NONE : credentialOf(bearer, 'bearer')
}

/** The text after `Bearer`, which may be empty; undefined for any other scheme. */
export function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  const bearer = /^bearer(?:[ \t]+(.*))?$/i.exec(stripped(authorization ?? ''))
  return bearer ? (bearer[1] ?? '') : undefined
}

/** The value of any other cookie; undefined unless all cookies of this name agree. */
export function readCookie({ cookie }: IncomingHttpHeaders, name: string): string | undefined {
  const found = cookie ? findCookie(cookie, [name]) : null
  return found?.values.length === 1 ? found.values[0] : undefined
}

/** The cookies of the request that have one of `names`, or are a part of such a cookie (`NAME.0`), with or without a value. */
export function namesIn({ cookie = '' }: IncomingHttpHeaders, names: readonly string[]): string[] {
  const sent = new Set(cookie.split(';').map((pair) => stripped(pair.split('=', 1)[0] ?? '')))
  return names.flatMap((name) => [...sent].filter((each) => each === name || wholeOf(each) === name))
}

/** The name of the cookie of which this one is a part. Auth.js cuts a JWT that is longer than 4 kB into `NAME.0`, `NAME.1` and so on. */
export function wholeOf(name: string): string {
  return name.replace(/\.\d$/, '')
}

/** Whether the text can be a session token at all. */
export function credentialOf(text: string, via: 'cookie' | 'bearer'): Credential {
  return TOKEN.test(text) ? { kind: 'token', token: text, via } : MALFORMED
}

/** A cookie with its distinct values that are not empty, two at most. */
export interface FoundCookie {
  name: string
  values: [string, string?]
}

/**
 * The first of `names` that has a value. Scans the header once instead of splitting it: this runs for every check, and a header
 * may be long.
 */
export function findCookie(header: string, names: readonly string[]): FoundCookie | null {
  let found: FoundCookie | null = null
  let rank = names.length
  let equals = header.indexOf('=')
  for (let start = 0, end = 0; equals >= 0; start = end + 1) {
    end = header.indexOf(';', start)
    if (end < 0) end = header.length
    if (equals < start) equals = header.indexOf('=', start)
    if (equals < 0 || equals > end) continue
    const name = stripped(header, start, equals)
    const at = names.indexOf(name)
    if (at < 0 || at > rank) continue
    const value = decode(stripped(header, equals + 1, end))
    if (value === '') continue
    if (at < rank) {
      rank = at
      found = { name, values: [value] }
    } else if (found && found.values[0] !== value) found.values[1] = value
  }
  return found
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
