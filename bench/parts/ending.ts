/**
 * What PostgreSQL spends on ending sessions, without HTTP: a logout everywhere of ten sessions and of
 * 100,000, compared with a bare `delete` of as many rows, for which no trigger fires. Only CPU time, because
 * it depends little on other load of the machine.
 */
import { openDatabase } from '../../src/database/database.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import { count, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import { progress } from '../progress.ts'
import { seed } from '../seed.ts'
import { inSql } from '../seeded.ts'
import { cpuOfPostgres } from '../usage.ts'

export interface EndingSample {
  sessions: number
  /** µs of PostgreSQL's CPU for each session. */
  bare: number
  logout: number
}

/** This many users with this many sessions: enough for the clock of CPU time, which counts in 10 ms. */
const SIZES = [
  { sessions: 10, users: 300 },
  { sessions: 100_000, users: 1 },
]
const COPY = 'ending_copy'

export async function ending(postgres: Postgres, { rounds, sessions }: Options): Promise<EndingSample[]> {
  await postgres.copy(await seed(postgres, 'service', sessions), COPY)
  const database = openDatabase(postgres.urlOf(COPY), { max: 1 })
  const { logout } = createSessions(
    database,
    { record() {} },
    async () => null,
    async () => false,
  )
  const samples: EndingSample[] = []
  try {
    for (let round = 1; round <= rounds; round++)
      for (const { sessions, users } of SIZES) {
        const name = `ending-${round}-${sessions}`
        const cpu = async (work: (user: string) => Promise<unknown>, kind: string): Promise<number> => {
          const all = Array.from({ length: users }, (_, i) => `${name}-${kind}-${i}`)
          await addUsers(postgres, all, sessions)
          const before = await cpuOfPostgres(postgres.pid)
          for (const user of all) await work(user)
          return ((await cpuOfPostgres(postgres.pid)) - before) / (users * sessions)
        }
        const bare = await postgres.connected(COPY, async (client) => {
          await client.query('set session_replication_role = replica')
          const statement = { name: 'bare', text: 'delete from session where "userId" = $1' }
          return cpu((user) => client.query({ ...statement, values: [user] }), 'bare')
        })
        const source = { userAgent: null, ipAddress: null }
        const ours = await cpu((user) => logout(`${user} 1`, 'global', source), 'logout')
        samples.push({ sessions, bare, logout: ours })
        progress(
          `ending ${round}/${rounds}: ${count(sessions)} sessions, ${readable(ours / bare)} × a bare delete`,
        )
      }
  } finally {
    await database.close()
    await postgres.drop(COPY)
  }
  return samples
}

/** The token of a user's first session is `NAME 1`. A checkpoint first, so that both kinds write as many full pages. */
async function addUsers(postgres: Postgres, users: string[], sessions: number): Promise<void> {
  await postgres.connected(COPY, async (client) => {
    await client.query('insert into "user" (id) select unnest($1::text[])', [users])
    await client.query(
      `insert into session ("sessionToken", "userId", expires)
        select ${inSql.hashedToken(`(u || ' ' || n)`)}, u, (now() + interval '30 days') at time zone 'utc'
        from unnest($1::text[]) u, generate_series(2, $2::int) n`,
      [users, sessions],
    )
    await client.query(
      `insert into session ("sessionToken", "userId", expires)
        select hash, u, (now() + interval '30 days') at time zone 'utc' from unnest($1::text[], $2::text[]) as made (u, hash)`,
      [users, users.map((user) => hashToken(`${user} 1`))],
    )
    await client.query('checkpoint')
  })
}
