/**
 * A check in the process of an application, one after the other: under this service's leases, and what applications use instead. What
 * only verifies a token says "valid" after a logout, too; the table says which.
 */
import { setImmediate } from 'node:timers/promises'
import { Auth, type AuthConfig } from '@auth/core'
import { encode } from '@auth/core/jwt'
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { withGlobalLogout } from '@global-logout/authjs'
import { createClient, type Sessions } from '@global-logout/client'
import { createDatabaseSessions } from '@global-logout/postgres'
import { betterAuth } from 'better-auth'
import { drizzle } from 'drizzle-orm/node-postgres'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose'
import pg from 'pg'
import { createLeaseKey } from '../../test/support/lease-key.ts'
import { serve } from '../measure.ts'
import { readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import { progress } from '../progress.ts'
import { seed } from '../seed.ts'
import { SECRET, signature, spread, tokenOf, userIdOf } from '../seeded.ts'
import { betterAuthOptions } from '../servers/better-auth-options.ts'
import type { StoreName } from '../stores.ts'

export interface InProcessSample {
  /** Whether a session is refused once its logout has answered. */
  revoked: boolean
  /** µs for a check, one for each round. */
  us: number[]
}

interface Contender {
  revoked: boolean
  store: StoreName | null
  /** @param url of the database with its store. */
  open(url: string, postgres: Postgres): Opened | Promise<Opened>
}

interface Opened {
  /** The `Cookie` header of session `n`. */
  cookie(n: number): string | Promise<string>
  /** @returns the user of a request; null for none. */
  check(request: Request): Promise<string | null>
  close?(): Promise<unknown>
}

/** Sessions in use. */
const IN_USE = 1_000
/** Checks in one turn of the event loop. */
const TURN = 64
const ORIGIN = 'http://127.0.0.1'
const NAME = 'authjs.session-token'
const ALGORITHMS = ['HS256', 'RS256', 'ES256', 'EdDSA']

const cookieOf = (token: string) => `${NAME}=${token}`
const tokenIn = (request: Request) => request.headers.get('cookie')?.slice(NAME.length + 1) ?? ''

export const BY_HTTP = 'global-logout, leases over HTTP'
export const ON_DATABASE = 'global-logout, on the database'
export const AUTHJS_LEASED = 'Auth.js auth(), database, with global-logout'

const contenders: Record<string, Contender> = {
  [BY_HTTP]: {
    revoked: true,
    store: 'service',
    async open(url, postgres) {
      const server = await serve(postgres, 'leased', new URL(url).pathname.slice(1))
      const client = createClient({
        url: server.base,
        key: await createLeaseKey(url, 'bench'),
        checks: 'leased',
      })
      return {
        ...ours(client),
        async close() {
          await client.close()
          await server.stop()
        },
      }
    },
  },
  [ON_DATABASE]: {
    revoked: true,
    store: 'service',
    open: (connectionString) => ours(createDatabaseSessions({ connectionString, checks: 'leased' })),
  },
  [AUTHJS_LEASED]: {
    revoked: true,
    store: 'service',
    async open(connectionString) {
      const pool = openPool(connectionString)
      await pool.query(USERS_OF_AUTHJS)
      const sessions = createDatabaseSessions({ connectionString, checks: 'leased' })
      return {
        cookie: (n) => cookieOf(tokenOf(n)),
        check: authjs({
          adapter: withGlobalLogout(DrizzleAdapter(drizzle(pool)), sessions, { takeOver: false }),
          callbacks: WITH_ID,
        }),
        close: () => Promise.all([sessions.close(), pool.end()]),
      }
    },
  },
  ...Object.fromEntries(ALGORITHMS.map((alg) => [`jose.jwtVerify, ${alg}`, jwt(alg)])),
  'Auth.js auth(), JWT': {
    revoked: false,
    store: null,
    open: () => ({
      cookie: async (n) =>
        cookieOf(await encode({ token: { sub: userIdOf(n) }, secret: SECRET, salt: NAME })),
      check: authjs({
        callbacks: { session: ({ session, token }) => ({ ...session, user: { id: token.sub } as never }) },
      }),
    }),
  },
  'Auth.js auth(), database': {
    revoked: true,
    store: 'authjs',
    open(url) {
      const pool = openPool(url)
      return {
        cookie: (n) => cookieOf(tokenOf(n)),
        check: authjs({
          adapter: DrizzleAdapter(drizzle(pool)),
          callbacks: WITH_ID,
        }),
        close: () => pool.end(),
      }
    },
  },
  'Better Auth': better(false),
  'Better Auth, cookie cache': better(true),
}

export async function inProcess(
  postgres: Postgres,
  { rounds, sessions, seconds }: Options,
): Promise<Record<string, InProcessSample>> {
  const samples: Record<string, InProcessSample> = {}
  const numbers = spread(sessions, IN_USE)
  for (let round = 1; round <= rounds; round++)
    for (const [name, { store, revoked, open }] of Object.entries(contenders)) {
      const opened = await open(store ? postgres.urlOf(await seed(postgres, store, sessions)) : '', postgres)
      const cookies = await Promise.all(numbers.map((n) => opened.cookie(n)))
      const requests = cookies.map(requestOf)
      await verify(name, opened, cookies, numbers)
      await spin(opened, requests, seconds / 2)
      const us = await spin(opened, requests, seconds)
      await opened.close?.()
      samples[name] = { revoked, us: [...(samples[name]?.us ?? []), us] }
      progress(`in-process ${round}/${rounds}: ${name} ${readable(us)} µs`)
    }
  return samples
}

const requestOf = (cookie: string) => new Request(`${ORIGIN}/auth/session`, { headers: { cookie } })

/** Checks one request after the other. @returns µs for each. */
async function spin({ check }: Opened, requests: Request[], seconds: number): Promise<number> {
  const began = performance.now()
  const end = began + seconds * 1_000
  let checks = 0
  while (performance.now() < end)
    for (const request of requests) {
      await check(request)
      if (++checks % TURN > 0) continue
      // Answers from memory give nothing else a turn, not even the renewal of the lease.
      await setImmediate()
      if (performance.now() > end) break
    }
  return ((performance.now() - began) * 1_000) / checks
}

/** @throws Error unless each session names its user, and a forged one none. */
async function verify(name: string, { check }: Opened, cookies: string[], numbers: number[]): Promise<void> {
  for (const [i, n] of numbers.entries()) {
    const [user, forged] = await Promise.all(
      [cookies[i] ?? '', (cookies[i] ?? '').replace(/.{8}(?=;|$)/g, 'forged00')].map((cookie) =>
        check(requestOf(cookie)),
      ),
    )
    if (user !== userIdOf(n) || forged !== null)
      throw new Error(`${name}: answered ${user} and ${forged} for a session of ${userIdOf(n)}`)
  }
}

/** The application keeps its own, beside our schema. */
const USERS_OF_AUTHJS = `create table if not exists public."user"
    (id text primary key, name text, email text unique, "emailVerified" timestamp, image text);
  insert into public."user" (id, name, email) select id, name, email from global_logout."user" on conflict do nothing`

/** By default the answer has no id. */
const WITH_ID: NonNullable<AuthConfig['callbacks']> = {
  session: ({ session, user }) => ({ ...session, user: { ...session.user, id: user.id } }),
}

function ours(sessions: Pick<Sessions, 'check'> & { close(): Promise<unknown> }): Opened {
  return {
    cookie: (n) => cookieOf(tokenOf(n)),
    check: async (request) => (await sessions.check(request))?.userId ?? null,
    close: () => sessions.close(),
  }
}

function jwt(alg: string): Contender {
  return {
    revoked: false,
    store: null,
    async open() {
      const pair = alg === 'HS256' ? null : await generateKeyPair(alg)
      const secret = new TextEncoder().encode(SECRET)
      const sign = (n: number) =>
        new SignJWT().setProtectedHeader({ alg }).setSubject(userIdOf(n)).setExpirationTime('1h')
      return {
        cookie: async (n) => cookieOf(await sign(n).sign(pair?.privateKey ?? secret)),
        check: (request) =>
          jwtVerify(tokenIn(request), pair?.publicKey ?? secret).then(
            ({ payload }) => payload.sub ?? null,
            () => null,
          ),
      }
    },
  }
}

/** What `auth()` of Auth.js does: a request for the session, in process. */
function authjs(options: Pick<AuthConfig, 'adapter' | 'callbacks'>): Opened['check'] {
  const config: AuthConfig = {
    ...options,
    basePath: '/auth',
    secret: SECRET,
    trustHost: true,
    providers: [],
    logger: { error() {} },
  }
  return async (request) => {
    const session = await (await Auth(request, config)).json()
    return session?.user?.id ?? null
  }
}

function better(cookieCache: boolean): Contender {
  return {
    revoked: !cookieCache,
    store: 'better_auth',
    open(url) {
      const pool = openPool(url)
      const auth = betterAuth(betterAuthOptions(pool, ORIGIN, cookieCache))
      const signed = (n: number) => {
        const token = tokenOf(n)
        return `better-auth.session_token=${encodeURIComponent(`${token}.${signature(token)}`)}`
      }
      return {
        async cookie(n) {
          if (!cookieCache) return signed(n)
          const request = new Request(`${ORIGIN}/api/auth/get-session`, { headers: { cookie: signed(n) } })
          const [kept] = (await auth.handler(request)).headers
            .getSetCookie()
            .filter((line) => line.includes('session_data='))
          if (!kept) throw new Error('Better Auth: no cookie to cache the session')
          return `${signed(n)}; ${kept.split(';')[0]}`
        },
        check: async ({ headers }) => (await auth.api.getSession({ headers }))?.user.id ?? null,
        close: () => pool.end(),
      }
    },
  }
}

function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url })
  pool.on('error', () => {})
  return pool
}
