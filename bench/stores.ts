/**
 * The compared tables, one database each: created as their authors create them, and the SQL that fills them.
 * Every row is fresh, so that no peer finds a session due for its sliding renewal (half of 30 days for Lucia,
 * a day for Auth.js and Better Auth).
 */
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { migrate } from '../src/database/migrate.ts'
import { inSql, SESSIONS_PER_USER } from './seeded.ts'

export type StoreName = 'service' | 'service_aged' | 'authjs' | 'express_session' | 'lucia' | 'better_auth'

export interface Store {
  /** Makes the tables in an empty database. */
  prepare(url: string): Promise<unknown>
  /** Adds `$1::int` users. */
  users?: string
  sessions: { table: string; insert: string }
}

const AGENT = `'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'`
const eachUser = 'generate_series(1, $1::int) k'
const eachSession = 'generate_series(1, $1::int) n'
const authjsUsers = `insert into "user" (id, name, email)
  select ${inSql.userId('k')}, 'User ' || k, k || '@example.com' from ${eachUser}`

export const stores: Record<StoreName, Store> = {
  service: {
    prepare: (url) => migrate(url),
    users: authjsUsers,
    sessions: {
      table: 'session',
      insert: `insert into session ("sessionToken", "userId", expires, "ipAddress", "userAgent")
        select ${inSql.hashedToken('n')}, ${inSql.userIdOfSession('n')},
          (now() + interval '30 days') at time zone 'utc', '203.0.113.7', ${AGENT} from ${eachSession}`,
    },
  },

  // As the table is after three weeks: signed in one after the other, from many addresses, with several browsers.
  service_aged: {
    prepare: (url) => migrate(url),
    users: authjsUsers,
    sessions: {
      table: 'session',
      insert: `insert into session ("sessionToken", "userId", expires, "createdAt", "ipAddress", "userAgent")
        select ${inSql.hashedToken('n')}, ${inSql.userIdOfSession('n')}, (now() + interval '30 days') at time zone 'utc',
          now() - interval '21 days' * (1 - n::float8 / $1::int), '10.0.0.0'::inet + n::bigint * 7919 % 16777216,
          replace(${AGENT}, '144', (100 + n % 45)::text) from ${eachSession}`,
    },
  },

  authjs: {
    prepare: (url) =>
      execute(
        url,
        `create table "user" (id text primary key, name text, email text unique, "emailVerified" timestamp, image text);
         create table session ("sessionToken" text primary key,
           "userId" text not null references "user" (id) on delete cascade, expires timestamp not null)`,
      ),
    users: authjsUsers,
    sessions: {
      table: 'session',
      insert: `insert into session ("sessionToken", "userId", expires)
        select ${inSql.token('n')}, ${inSql.userIdOfSession('n')},
          (now() + interval '30 days') at time zone 'utc' from ${eachSession}`,
    },
  },

  express_session: {
    prepare: async (url) => {
      const file = new URL(import.meta.resolve('connect-pg-simple/table.sql'))
      await execute(url, await readFile(file, 'utf8'))
    },
    sessions: {
      table: 'session',
      insert: `insert into session (sid, sess, expire)
        select ${inSql.token('n')}, json_build_object(
            'cookie', json_build_object('originalMaxAge', 2592000000,
              'expires', to_char((now() + interval '30 days') at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
              'httpOnly', true, 'path', '/'),
            'userId', ${inSql.userIdOfSession('n')}),
          now() + interval '30 days' from ${eachSession}`,
    },
  },

  lucia: {
    prepare: (url) =>
      execute(
        url,
        `create table auth_user (id text primary key);
         create table user_session (id text primary key, expires_at timestamptz not null,
           user_id text not null references auth_user (id))`,
      ),
    users: `insert into auth_user (id) select ${inSql.userId('k')} from ${eachUser}`,
    sessions: {
      table: 'user_session',
      insert: `insert into user_session (id, expires_at, user_id)
        select ${inSql.token('n')}, now() + interval '30 days', ${inSql.userIdOfSession('n')} from ${eachSession}`,
    },
  },

  better_auth: {
    prepare: migrateBetterAuth,
    users: `insert into "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
      select ${inSql.userId('k')}, 'User ' || k, k || '@example.com', true, now(), now() from ${eachUser}`,
    sessions: {
      table: 'session',
      insert: `insert into session (id, token, "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId")
        select gen_random_uuid()::text, ${inSql.token('n')}, now() + interval '7 days', now(), now(),
          '203.0.113.7', ${AGENT}, ${inSql.userIdOfSession('n')} from ${eachSession}`,
    },
  },
}

/** Users with this many sessions. */
export const usersOf = (sessions: number) => Math.ceil(sessions / SESSIONS_PER_USER)

async function migrateBetterAuth(url: string): Promise<void> {
  const { getMigrations } = await import('better-auth/db/migration')
  const { betterAuthOptions } = await import('./servers/better-auth-options.ts')
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  try {
    const { runMigrations } = await getMigrations(betterAuthOptions(pool, 'http://127.0.0.1', false))
    await runMigrations()
  } finally {
    await pool.end()
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(sql).finally(() => client.end())
}
