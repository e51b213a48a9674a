/**
 * Reads the credential of a request as `credentials.ts` does and, with AUTH_SECRET, the session token inside a JWT cookie. Answers at
 * once, except for a JWT that it has not read before.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Log } from '../lib/log.ts'
import { type Credential, credentialOf, findCookie, readCredential } from './credentials.ts'
import { createJwtReader, isEncryptedJwt } from './jwt-cookie.ts'

/** Of 4 kB each. Most servers refuse longer headers. */
const MOST_PARTS = 10

export type ReadCredential = (headers: IncomingHttpHeaders) => Credential | Promise<Credential>

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
  return (headers) => {
    const cookie = headers.cookie ? findJwt(headers.cookie, cookieNames) : null
    if (!cookie) return readCredential(headers, cookieNames)
    if ('ambiguous' in cookie) return { kind: 'refused', ...cookie }
    const token = jwts.read(cookie.jwt, cookie.name)
    return token instanceof Promise ? token.then(inCookie) : inCookie(token)
  }
}

/** Warns once of a JWT: to this service, the user of such an application is not signed in. */
function withoutSecret(cookieNames: readonly string[], log: Log): ReadCredential {
  let due = true
  return (headers) => {
    // A header of JSON begins so.
    if (due && headers.cookie?.includes('=eyJ') && findJwt(headers.cookie, cookieNames)) {
      due = false
      log.warn('JWT cookie ignored: set AUTH_SECRET to that of the application')
    }
    return readCredential(headers, cookieNames)
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
): { name: string; jwt: string } | { ambiguous: string } | null {
  for (const name of names) {
    const whole = findCookie(header, [name])
    const parts = partsOf(header, name)
    const cookies = whole ? [whole] : parts
    if (cookies.length === 0) continue
    // Auth.js sets one or the other, and removes what it had set before.
    if (whole && parts.length > 0) return { ambiguous: name }
    const differing = cookies.find(({ values }) => values.length > 1)
    if (differing) return { ambiguous: differing.name }
    const jwt = cookies.map(({ values }) => values[0]).join('')
    return whole && !isEncryptedJwt(jwt) ? null : { name, jwt }
  }
  return null
}

function partsOf(header: string, name: string) {
  const parts: NonNullable<ReturnType<typeof findCookie>>[] = []
  if (!header.includes(`${name}.0=`)) return parts
  for (let i = 0; i < MOST_PARTS; i++) {
    const part = findCookie(header, [`${name}.${i}`])
    if (!part) break
    parts.push(part)
  }
  return parts
}
