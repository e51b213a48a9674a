/**
 * How long a global logout takes until it has answered, over HTTP, on a copy of the database; with one and with
 * several live instances. Before each, every instance is asked about the sessions that will end, so that each has
 * something to forget; after it, each must refuse them at once, or there is nothing to measure.
 */
import type pg from 'pg'
import { serve } from '../measure.ts'
import { count, percentile, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import type { Server } from '../processes.ts'
import { progress } from '../progress.ts'
import { seed } from '../seed.ts'
import { inSql, tokenOf } from '../seeded.ts'

export interface LogoutSeries {
  mode: string
  instances: number
  sessions: number
  ms: number[]
}

const COPY = 'logout_copy'
/** This many of a user's sessions are checked before and after. */
const ASKED = 10
/** With several instances the waiting for them matters, not the deleting. */
const SESSIONS_WITH_MANY = 10
/** Logouts before the first that counts, in each turn. */
const WARM_UP = 10

export async function logout(postgres: Postgres, options: Options): Promise<LogoutSeries[]> {
  const modes = ['database', 'leased'].filter((mode) => options.only.includes(mode))
  await postgres.copy(await seed(postgres, 'service', options.sessions), COPY)
  const all: LogoutSeries[] = options.instances.flatMap((instances) =>
    options.logouts
      .filter(({ sessions }) => instances === 1 || sessions === SESSIONS_WITH_MANY)
      .flatMap(({ sessions }) => modes.map((mode) => ({ mode, instances, sessions, ms: [] }))),
  )
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const instances of options.instances) {
        for (const mode of modes) {
          const some = all.filter((series) => series.mode === mode && series.instances === instances)
          await turn(postgres, options, some, `${mode}-${instances}-${round}`)
          for (const { sessions, ms } of some)
            progress(
              `logout ${round}/${options.rounds}: ${mode}, ${instances} instances, ${count(sessions)} sessions, p50 ${readable(percentile(ms, 0.5))} ms`,
            )
        }
      }
    }
  } finally {
    await postgres.drop(COPY)
  }
  return all
}

/** One round of some series of the same mode and number of instances. */
async function turn(postgres: Postgres, options: Options, some: LogoutSeries[], id: string): Promise<void> {
  const { mode = '', instances = 0 } = some[0] ?? {}
  const servers: Server[] = []
  try {
    for (let i = 0; i < instances; i++) servers.push(await serve(postgres, mode, COPY))
    await postgres.connected(COPY, async (client) => {
      for (const { sessions, ms } of some) {
        const times = options.logouts.find((each) => each.sessions === sessions)?.times ?? 0
        for (let i = -WARM_UP; i < times; i++) {
          const user = `${id}-${sessions}-${i}`
          // A warm-up with as many sessions as the largest logouts have would take longer than they do.
          const took = await logOut(client, servers, user, i < 0 ? Math.min(sessions, ASKED) : sessions)
          if (i >= 0) ms.push(took)
        }
      }
    })
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

/** Signs a user in this many times, and out everywhere. @returns the milliseconds of the logout. */
async function logOut(client: pg.Client, servers: Server[], user: string, sessions: number): Promise<number> {
  await addUser(client, user, sessions)
  const tokens = Array.from({ length: Math.min(sessions, ASKED) }, (_, i) => tokenOf(`${user} ${i + 1}`))
  await expectAll(servers, tokens, 200)
  const [first] = servers
  const began = performance.now()
  const response = await fetch(`${first?.base}/api/logout`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens[0]}`, 'content-type': 'application/json' },
    body: '{"scope":"global"}',
  })
  const body = await response.text()
  const took = performance.now() - began
  if (response.status !== 200) throw new Error(`the logout answered ${response.status}: ${body}`)
  await expectAll(servers, tokens, 401)
  return took
}

async function addUser(client: pg.Client, user: string, sessions: number): Promise<void> {
  await client.query('insert into "user" (id) values ($1)', [user])
  await client.query(
    `insert into session ("sessionToken", "userId", expires)
      select ${inSql.hashedToken(`($1::text || ' ' || n)`)}, $1::text, (now() + interval '30 days') at time zone 'utc'
      from generate_series(1, $2::int) n`,
    [user, sessions],
  )
}

async function expectAll(servers: Server[], tokens: string[], wanted: number): Promise<void> {
  await Promise.all(
    servers.flatMap(({ base }) =>
      tokens.map(async (token) => {
        const { status } = await fetch(`${base}/check`, { headers: { authorization: `Bearer ${token}` } })
        if (status !== wanted) throw new Error(`/check answered ${status}, not ${wanted}`)
      }),
    ),
  )
}
