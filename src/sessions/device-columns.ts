/** What a new session records of its device and its sign-in. Packages bundle this module, so it imports no dependency. */
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

/** How and where the user signed in, as the application or its CDN says. */
export interface SignIn {
  /** "password", "passkey", "Google": shown to the user. */
  method?: string | null | undefined
  /** ISO 3166-1 alpha-2. */
  country?: string | null | undefined
  city?: string | null | undefined
}

/** Longest texts that are stored of a sign-in, in characters. */
export const SIGN_IN_LENGTHS = { method: 40, country: 2, city: 80 } as const

/** Never throws, as `deviceColumns`. What is no code of a country becomes null: CDNs say `XX` and `T1` for what they do not know. */
export function signInColumns({ method, country, city }: SignIn) {
  const code = country?.trim().toUpperCase() ?? ''
  return {
    method: visible(method, SIGN_IN_LENGTHS.method),
    country: /^[A-Z]{2}$/.test(code) && code !== 'XX' ? code : null,
    city: visible(city, SIGN_IN_LENGTHS.city),
  }
}

/** `profile` of `log_in()` and `sign_in()`: what is known of the user and, if anything, of this sign-in. */
export function profileText(profile: object, signIn: SignIn | null | undefined): string {
  const facts = signIn ? signInColumns(signIn) : {}
  return JSON.stringify(Object.values(facts).some(Boolean) ? { ...profile, signIn: facts } : profile)
}

function visible(text: string | null | undefined, length: number): string | null {
  return text == null ? null : cut(recordable(text).trim(), length) || null
}

/** By whole characters, as PostgreSQL counts them. */
const cut = (text: string, length: number): string => [...text].slice(0, length).join('').trim()

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
