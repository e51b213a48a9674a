/**
 * Authenticates services by `Authorization: Bearer glk_…`. Wrong keys are rate-limited by client address. A valid key is
 * never limited: staff behind the same address may be ending sessions.
 */
import fastifyRateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { hashToken } from '../database/token-hash.ts'
import { Problem } from '../errors.ts'
import { callerNetwork } from '../lib/address-blocks.ts'
import { bearerOf } from '../sessions/credentials.ts'
import type { Keys } from './keys.ts'
import type { FoundKey } from './queries.ts'
import type { KeyScope } from './scopes.ts'

declare module 'fastify' {
  interface FastifyInstance {
    requireKey: RequireKey
  }
  interface FastifyRequest {
    /** Set by `app.requireKey`. */
    serviceKey: FoundKey
  }
}

/** Problem codes of every route that requires a key. */
export const KEY_PROBLEMS = [
  'key_required',
  'invalid_key',
  'insufficient_scope',
  'too_many_attempts',
] as const

/** Most keys that are remembered as accepted. */
const MOST_KEYS = 1_000
/** Wrong keys per address and minute; further ones get 429. */
const WRONG_KEYS = { max: 20, timeWindow: 60_000 }

/**
 * @returns a function that makes a hook for a scope; the hook runs before the body is read.
 * @throws Problem `key_required`, `invalid_key`, `insufficient_scope` or `too_many_attempts`.
 */
function createRequireKey(app: FastifyInstance, keys: Keys) {
  const countWrongKey = app.createRateLimit({
    ...WRONG_KEYS,
    keyGenerator: ({ address: { nearest } }) => callerNetwork(nearest ?? '::'),
  })

  async function require(request: FastifyRequest, secret: string, scope: KeyScope): Promise<FoundKey> {
    return keys.require(secret, scope).catch(async (error) => {
      if (!(error instanceof Problem && error.code === 'invalid_key')) throw error
      const wrong = await countWrongKey(request)
      if (wrong.isAllowed || !wrong.isExceeded) throw error
      throw new Problem('too_many_attempts', 'Use a key from "global-logout keys list", or wait.', {
        retryAfterSeconds: wrong.ttlInSeconds,
      })
    })
  }

  /** @param rememberMs how long an accepted key is not looked up again; without it, each request reads the database. */
  return (scope: KeyScope, rememberMs?: number) => {
    const accepted = rememberMs ? new LRUCache<string, FoundKey>({ max: MOST_KEYS, ttl: rememberMs }) : null
    return async (request: FastifyRequest) => {
      const secret = bearerOf(request.headers)
      if (!secret)
        throw new Problem(
          'key_required',
          `Send "Authorization: Bearer glk_…" with a service key that has the scope ${scope}.`,
        )
      const hash = hashToken(secret)
      request.serviceKey = accepted?.get(hash) ?? (await require(request, secret, scope))
      if (accepted && !accepted.has(hash)) accepted.set(hash, request.serviceKey)
    }
  }
}

type RequireKey = ReturnType<typeof createRequireKey>

/** Decorates the app with `requireKey(scope)`, a hook for routes. */
export const keyGuard = fp<{ keys: Keys }>(
  async (app, { keys }) => {
    await app.register(fastifyRateLimit, { global: false })
    app.decorateRequest('serviceKey')
    app.decorate('requireKey', createRequireKey(app, keys))
  },
  { name: 'key-guard', dependencies: ['error-handlers'] },
)
