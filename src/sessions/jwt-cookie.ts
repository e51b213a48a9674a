/**
 * Reads the session token inside the JWT cookie of an application with Auth.js 5 or next-auth 4, where `jwtSessions` of
 * `@global-logout/authjs` puts it. The JWT proves nothing here: its token is checked like any other. So who knows AUTH_SECRET can
 * read a stolen cookie, but cannot make one that is valid.
 */
import { hkdfSync } from 'node:crypto'
import { decodeProtectedHeader, jwtDecrypt } from 'jose'
import { LRUCache } from 'lru-cache'
import { hashToken } from '../database/token-hash.ts'

/** The most JWTs whose token is remembered, in memory alone, about 20 MB. A remembered one costs 7 µs of CPU, any other up to 1 ms. */
const REMEMBERED = 50_000
/** How long after its expiry a JWT is accepted, as Auth.js does, in seconds. */
const CLOCK_TOLERANCE = 15
/** An encrypted JWT with a key that both sides know ("dir"), which leaves the second of its five parts empty. */
const ENCRYPTED_JWT = /^eyJ[\w-]*\.\.[\w-]+\.[\w-]+\.[\w-]+$/

export function isEncryptedJwt(text: string): boolean {
  return ENCRYPTED_JWT.test(text)
}

/**
 * Keys as Auth.js 5 and next-auth 4 derive them. Version 5 uses the cookie's name as salt. Version 4 uses none for the session.
 * The older betas of version 5 encrypted as version 4 does.
 */
const KEYS: Record<string, ((secret: string, cookieName: string) => Uint8Array)[]> = {
  'A256CBC-HS512': [(secret, name) => derive(secret, name, `Auth.js Generated Encryption Key (${name})`, 64)],
  A256GCM: [
    (secret) => derive(secret, '', 'NextAuth.js Generated Encryption Key', 32),
    (secret, name) => derive(secret, name, `Auth.js Generated Encryption Key (${name})`, 32),
  ],
}

/**
 * @param secrets of the application; several while one replaces another.
 * @param now in milliseconds, as `Date.now`.
 */
export function createJwtReader(secrets: readonly string[], now = Date.now) {
  const keys = new Map<string, Uint8Array[]>()
  const remembered = new LRUCache<string, { token: string; until: number }>({ max: REMEMBERED })

  function keysFor(enc: string, cookieName: string): Uint8Array[] {
    const known = keys.get(`${enc} ${cookieName}`)
    if (known) return known
    const derived = secrets.flatMap((secret) => (KEYS[enc] ?? []).map((key) => key(secret, cookieName)))
    keys.set(`${enc} ${cookieName}`, derived)
    return derived
  }

  async function decrypt(jwt: string, cookieName: string, memo: string): Promise<string | null> {
    const { enc } = headerOf(jwt)
    if (!enc || !Object.hasOwn(KEYS, enc)) return null
    for (const key of keysFor(enc, cookieName)) {
      const payload = await jwtDecrypt(jwt, key, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: [enc],
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['exp'],
        currentDate: new Date(now()),
      }).then(
        ({ payload }) => payload,
        () => null,
      )
      const token = (payload?.globalLogout as { token?: unknown } | undefined)?.token
      if (!payload?.exp || typeof token !== 'string') continue
      remembered.set(memo, { token, until: (payload.exp + CLOCK_TOLERANCE) * 1000 })
      return token
    }
    return null
  }

  return {
    /**
     * The session token of a JWT; null when it cannot be read, is expired, or has none. Answers at once what it has read before.
     * @param cookieName of the cookie that held it, without the number of a part.
     */
    read(jwt: string, cookieName: string): string | null | Promise<string | null> {
      const memo = hashToken(`${cookieName}=${jwt}`)
      const found = remembered.get(memo)
      if (found && now() < found.until) return found.token
      return decrypt(jwt, cookieName, memo)
    },
  }
}

function derive(secret: string, salt: string, info: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, info, bytes))
}

function headerOf(jwt: string): { enc?: string | undefined } {
  try {
    return decodeProtectedHeader(jwt)
  } catch {
    return {}
  }
}
