/** The configuration of Better Auth; its own migration creates the tables from the same options. */
import type { BetterAuthOptions } from 'better-auth'
import type pg from 'pg'
import { SECRET } from '../seeded.ts'

export function betterAuthOptions(pool: pg.Pool, baseURL: string, cookieCache: boolean) {
  return {
    database: pool,
    baseURL,
    secret: SECRET,
    emailAndPassword: { enabled: true },
    // In production it answers 100 requests of an address in 10 seconds, and all of ours come from one.
    rateLimit: { enabled: false },
    // An hour instead of five minutes, so that the cookies last for all rounds.
    session: { cookieCache: { enabled: cookieCache, maxAge: 3600 } },
  } satisfies BetterAuthOptions
}
