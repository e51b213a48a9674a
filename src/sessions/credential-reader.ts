/**
 * Reads the credential of a request as `credentials.ts` does and, with AUTH_SECRET, the session token inside a JWT cookie. Answers at
 * once, except for a JWT that it has not read before.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Log } from '../lib/log.ts'
import { type Credential, credentialOf, type FoundCookie, findCookie, readCredential } from './credentials.ts'
import { createJwtReader, isEncryptedJwt } from './jwt-cookie.ts'

/** The numbers of parts, which have 4 kB each. Most servers refuse longer headers. */
const PARTS = Array.from({ length: 10 }, (_, number) => number)

export type ReadCredential = (
  headers: IncomingHttpHeaders,
  /** The session cookies to read, of those that are configured: all by default. */
  names?: readonly string[],
) => Credential | Promise<Credential>

/**
 * @param cookieNames the session cookies: the first that has a value decides.
 * @param authSecrets AUTH_SECRET; none: no JWT is read.
 */
export function createCredentialReader(
  cookieNames: readonly string[],
  authSecrets: readonly string[],
  log: Log,
): ReadCredential {
  if (authSecrets.length === 0) return withoutSecret(cookieNames, log)
  const jwts = createJwtReader(authSecrets)
  return (headers, names = cookieNames) => {
    const cookie = headers.cookie ? findJwt(headers.cookie, names) : null
    if (!cookie) return readCredential(headers, names)
    if ('ambiguous' in cookie) return { kind: 'refused', ...cookie }
    const token = jwts.read(cookie.jwt, cookie.name)
    return token instanceof Promise ? token.then(inCookie) : inCookie(token)
  }
}

/** Warns once of a JWT: to this service, the user of such an application is not signed in. */
function withoutSecret(cookieNames: readonly string[], log: Log): ReadCredential {
  let due = true
  return (headers, names = cookieNames) => {
    // A header of JSON begins so.
    if (due && headers.cookie?.includes('=eyJ') && findJwt(headers.cookie, names)) {
      due = false
      log.warn('JWT cookie ignored: set AUTH_SECRET to that of the application')
    }
    return readCredential(headers, names)
  }
}

/** A JWT that cannot be read is refused like a malformed token. */
function inCookie(token: string | null): Credential {
  return credentialOf(token ?? '', 'cookie')
}

/** The first of the cookies that has a value, if that is a JWT; whole, or in the parts `NAME.0`, `NAME.1` and so on. */
function findJwt(
  header: string,
  names: readonly string[],
): { name: string; jwt: string } | { ambiguous: readonly string[] } | null {
  for (const name of names) {
    const whole = findCookie(header, [name])
    const parts = partsOf(header, name)
    // A part without the first is what another site has set, or a rest that the next sign-in replaces.
    if (!whole && parts[0]?.name !== `${name}.0`) continue
    const cookies = whole ? [whole, ...parts] : parts
    if (!isOneSet(cookies, name)) return { ambiguous: cookies.map((cookie) => cookie.name) }
    const jwt = cookies.map(({ values }) => values[0]).join('')
    return whole && !isEncryptedJwt(jwt) ? null : { name, jwt }
  }
  return null
}

function partsOf(header: string, name: string): FoundCookie[] {
  if (!header.includes(`${name}.`)) return []
  return PARTS.flatMap((part) => findCookie(header, [`${name}.${part}`]) ?? [])
}

/**
 * Whether Auth.js can have set these cookies together: the whole alone, or at least two parts without a gap, of one length but for
 * the last. It removes what it had set before. So any other set has a cookie of another site, and Auth.js cannot read it either.
 * Nothing here depends on AUTH_SECRET: a wrong one must never remove the cookie of an application.
 */
function isOneSet(cookies: readonly FoundCookie[], name: string): boolean {
  if (cookies.some(({ values }) => values.length > 1)) return false
  const [first, ...rest] = cookies
  if (first?.name === name) return rest.length === 0
  const lengths = rest.map(({ values: [text] }) => text.length)
  const full = first?.values[0].length ?? 0
  return (
    rest.length > 0 &&
    rest.every((part, i) => part.name === `${name}.${i + 1}`) &&
    lengths.every((length, i) => (i < lengths.length - 1 ? length === full : length <= full))
  )
}
