/**
 * Bytes on disk for each row, with its indexes, as they grow in use: sessions one insert after the other, then a logout everywhere of
 * each user, ten sessions each. For docs/scale.md.
 */
import { openDatabase } from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrate.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import { seal } from '../../src/staff/audit/chain.ts'
import { count, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import { progress } from '../progress.ts'
import { inSql, SESSIONS_PER_USER } from '../seeded.ts'
import { usersOf } from '../stores.ts'

export interface Size {
  what: string
  rows: number
  /** Bytes for each row. */
  table: number
  indexes: number
}

const DATABASE = 'sizes'
const MOST = 1_000_000
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'
/** The token of a user's first session, which signs out. */
const tokenOf = (user: number) => `sizes ${user}`

export async function sizes(postgres: Postgres, options: Options): Promise<Size[]> {
  const sessions = Math.min(options.sessions, MOST)
  const users = usersOf(sessions)
  await postgres.drop(DATABASE)
  await postgres.connected('postgres', (client) => client.query(`create database ${DATABASE}`))
  try {
    await migrate(postgres.urlOf(DATABASE))
    await signIn(postgres, users)
    const found = [await size(postgres, 'user'), await size(postgres, 'session')]
    await signOut(postgres, users)
    for (const table of ['revoked_session', 'operation', 'audit_link'])
      found.push(await size(postgres, table))
    for (const { what, table, indexes } of found)
      progress(
        `sizes: ${what}, ${readable(table + indexes)} bytes a row, of them ${readable(indexes)} of indexes`,
      )
    return found
  } finally {
    await postgres.drop(DATABASE)
  }
}

/** With the indexes in place and in the order of time, so that pages fill as in use. */
async function signIn(postgres: Postgres, users: number): Promise<void> {
  progress(`sizes: ${count(users * SESSIONS_PER_USER)} sessions of ${count(users)} users`)
  await postgres.connected(DATABASE, async (client) => {
    await client.query(
      `insert into "user" (id, name, email) select ${inSql.userId('k')}, 'User ' || k, k || '@example.com' from generate_series(1, $1::int) k`,
      [users],
    )
    for (let n = 1; n <= SESSIONS_PER_USER; n++)
      await client.query(
        `insert into session ("sessionToken", "userId", expires, "ipAddress", "userAgent")
          select case when $2 = 1 then hash else ${inSql.hashedToken(`(k * 10 + $2)`)} end, ${inSql.userId('k')},
            (now() + interval '30 days') at time zone 'utc', '203.0.113.7', $3
          from unnest($1::text[]) with ordinality as made (hash, k)`,
        [Array.from({ length: users }, (_, k) => hashToken(tokenOf(k + 1))), n, AGENT],
      )
  })
}

async function signOut(postgres: Postgres, users: number): Promise<void> {
  const database = openDatabase(postgres.urlOf(DATABASE), { max: 4 })
  const { logout } = createSessions(
    database,
    { record() {} },
    async () => null,
    async () => false,
  )
  const source = { userAgent: AGENT, ipAddress: '203.0.113.7', requestId: crypto.randomUUID() }
  try {
    let next = 1
    const loop = async () => {
      for (let k = next++; k <= users; k = next++) await logout(tokenOf(k), 'global', source)
    }
    await Promise.all(Array.from({ length: 4 }, loop))
    await seal(database)
  } finally {
    await database.close()
  }
}

async function size(postgres: Postgres, table: string): Promise<Size> {
  return postgres.connected(DATABASE, async (client) => {
    await client.query(`vacuum (analyze) "${table}"`)
    const { rows } = await client.query(
      `select count(*)::float8 as rows, pg_table_size($1::regclass)::float8 as "table", pg_indexes_size($1::regclass)::float8 as indexes
        from "${table}"`,
      [`global_logout."${table}"`],
    )
    const { rows: n, table: bytes, indexes } = rows[0]
    return { what: table, rows: n, table: bytes / n, indexes: indexes / n }
  })
}
