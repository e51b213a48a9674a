/** The guards of a route in Next.js, by GUARD: none, leased, HS256, ES256. A build has neither a service nor a key. */
import { createClient } from '@global-logout/client'
import { createNextSessions } from '@global-logout/client/next'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { tokenOf, userIdOf } from '../seeded.ts'
import { tokenIn } from '../servers/token-in.ts'

const COOKIE = 'authjs.session-token='
const { GUARD = 'none', SERVICE_URL = '', SERVICE_KEY } = process.env

// Next loads this module once for each route.
globalThis.bench ??= {}
const kept = globalThis.bench

async function keys() {
  if (GUARD !== 'HS256') return generateKeyPair(GUARD)
  const secret = crypto.getRandomValues(new Uint8Array(32))
  return { publicKey: secret, privateKey: secret }
}

function pair() {
  kept.pair ??= keys()
  return kept.pair
}

function client() {
  kept.client ??= createClient({ url: SERVICE_URL, key: SERVICE_KEY, checks: 'leased' })
  return kept.client
}

const route = () => Response.json({ ok: true })
const { withSession } = createNextSessions(client)

async function verified(request) {
  const { publicKey } = await pair()
  return jwtVerify(tokenIn(request.headers.get('cookie') ?? ''), publicKey).then(route, () =>
    Response.json({}, { status: 401 }),
  )
}

const guards = { none: route, leased: withSession(route) }
export const guarded = guards[GUARD] ?? verified

/** The cookie of session `n`. */
export async function cookie(n) {
  if (GUARD === 'none' || GUARD === 'leased') return COOKIE + tokenOf(n)
  const jwt = new SignJWT().setProtectedHeader({ alg: GUARD }).setSubject(userIdOf(n)).setExpirationTime('1h')
  return COOKIE + (await jwt.sign((await pair()).privateKey))
}
