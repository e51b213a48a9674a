/**
 * Creating a session, without HTTP: our `sessions.create` and the stock DrizzleAdapter's `createSession`, each in this
 * process, on a copy of its own database, with ten logins under way at once. Ours takes the user's lock first, so
 * that a logout of the same moment misses none; the stock one is a single insert.
 */

import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { openDatabase } from '../../src/database/database.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import { percentile, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import { progress } from '../progress.ts'
import { seed } from '../seed.ts'
import { DAY_MS, userIdOf } from '../seeded.ts'
import type { StoreName } from '../stores.ts'
import { cpuOfPostgres } from '../usage.ts'

export interface LoginSample {
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** µs of CPU for each login. */
  postgresCpu: number
}

const AT_ONCE = 10
const COPY = 'login_copy'

interface Contender {
  store: StoreName
  open(url: string): { logIn(userId: string): Promise<unknown>; close(): Promise<void> }
}

const contenders: Record<string, Contender> = {
  'global-logout': {
    store: 'service',
    open(url) {
      const database = openDatabase(url, { max: AT_ONCE })
      // Neither is used: a login that replaces no session updates none and waits for none.
      const sessions = createSessions(
        database,
        { record() {} },
        async () => null,
        async () => false,
      )
      return {
        logIn: (userId) => sessions.create({ userId, userAgent: 'bench', ipAddress: '203.0.113.7' }),
        close: database.close,
      }
    },
  },
  'Auth.js DrizzleAdapter': {
    store: 'authjs',
    open(url) {
      const pool = new pg.Pool({ connectionString: url, max: AT_ONCE })
      pool.on('error', () => {})
      const { createSession } = DrizzleAdapter(drizzle(pool))
      return {
        logIn: async (userId) =>
          createSession?.({
            sessionToken: crypto.randomUUID(),
            userId,
            expires: new Date(Date.now() + 30 * DAY_MS),
          }),
        close: () => pool.end(),
      }
    },
  },
}

export async function login(
  postgres: Postgres,
  { rounds, sessions, seconds }: Options,
): Promise<Record<string, LoginSample[]>> {
  const series: Record<string, LoginSample[]> = {}
  for (let round = 1; round <= rounds; round++) {
    for (const [name, { store, open }] of Object.entries(contenders)) {
      await postgres.copy(await seed(postgres, store, sessions), COPY)
      const contender = open(postgres.urlOf(COPY))
      const logIn = () => contender.logIn(userIdOf(1 + Math.floor(Math.random() * sessions)))
      await spin(logIn, seconds / 2)
      const before = await cpuOfPostgres(postgres.pid)
      const ms = await spin(logIn, seconds)
      const postgresCpu = ((await cpuOfPostgres(postgres.pid)) - before) / ms.length
      await contender.close()
      await postgres.drop(COPY)
      const sample = {
        perSecond: ms.length / seconds,
        p50Ms: percentile(ms, 0.5),
        p99Ms: percentile(ms, 0.99),
        postgresCpu,
      }
      series[name] = [...(series[name] ?? []), sample]
      progress(`login ${round}/${rounds}: ${name} ${readable(sample.perSecond)} a second`)
    }
  }
  return series
}

/** Repeats the login, this many at once. @returns how long each took. */
async function spin(work: () => Promise<unknown>, seconds: number): Promise<number[]> {
  const end = performance.now() + seconds * 1000
  const ms: number[] = []
  const one = async () => {
    while (performance.now() < end) {
      const began = performance.now()
      await work()
      ms.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return ms
}
