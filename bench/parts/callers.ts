/**
 * A logout everywhere while many applications hold leases over HTTP: how long it takes until it has answered, and what the
 * applications cost PostgreSQL. Before each, some have the session in memory; after it, each of these must refuse it at once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { createLeaseKey } from '../../test/support/lease-key.ts'
import { serve } from '../measure.ts'
import { count, percentile, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import { type Server, startServer } from '../processes.ts'
import { progress } from '../progress.ts'
import { seed } from '../seed.ts'
import { inSql, tokenOf } from '../seeded.ts'
import { cpuOf, cpuOfPostgres } from '../usage.ts'

export interface CallersSample {
  callers: number
  /** Milliseconds of each logout, over HTTP. */
  ms: number[]
  /** CPU seconds a second: of PostgreSQL, of the instances together, and of the process of all callers. */
  postgresCores: number
  serviceCores: number
  callerCores: number
}

const COPY = 'callers_copy'
const INSTANCES = 3
/** Milliseconds between two logouts. */
const EVERY_MS = 200
/** This many callers have a session in memory when it ends. */
const ASKED = 10
const WARM_UP = 10

export async function callers(postgres: Postgres, options: Options): Promise<CallersSample[]> {
  await postgres.copy(await seed(postgres, 'service', options.sessions), COPY)
  const servers: Server[] = []
  const samples: CallersSample[] = []
  try {
    const key = await createLeaseKey(postgres.urlOf(COPY), 'bench')
    for (let i = 0; i < INSTANCES; i++) servers.push(await serve(postgres, 'leased', COPY))
    for (const callers of options.callers) {
      const sample = await measure(postgres, servers, key, callers, options)
      samples.push(sample)
      progress(
        `callers: ${count(callers)}, ${sample.ms.length} logouts took ${readable(percentile(sample.ms, 0.5))} ms, p99 ${readable(percentile(sample.ms, 0.99))} ms; ${readable(sample.postgresCores)} cores of PostgreSQL`,
      )
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
    await postgres.drop(COPY)
  }
  return samples
}

async function measure(
  postgres: Postgres,
  servers: Server[],
  key: string,
  callers: number,
  { seconds, rounds }: Options,
): Promise<CallersSample> {
  const script = new URL('../servers/callers.ts', import.meta.url)
  const process = await startServer(script, [String(callers), ...servers.map(({ base }) => base)], {
    SERVICE_KEY: key,
  })
  const asked = Math.min(callers, ASKED)
  async function check(token: string, some: number) {
    const answer = await fetch(`${process.base}/?token=${token}&callers=${some}`)
    return (await answer.json()) as { valid: number; fromMemory: number }
  }
  const used = async () => {
    const services = await Promise.all(servers.map(({ pid }) => cpuOf(pid)))
    return [
      await cpuOfPostgres(postgres.pid),
      services.reduce((sum, each) => sum + each),
      await cpuOf(process.pid),
    ] as const
  }
  async function logOut(client: pg.Client): Promise<number> {
    const token = await signIn(client)
    await check(token, asked)
    const before = await check(token, asked)
    if (before.fromMemory !== asked)
      throw new Error(`${before.fromMemory} of ${asked} callers have the session`)
    const began = performance.now()
    const response = await fetch(`${servers[0]?.base}/api/logout`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"scope":"global"}',
    })
    await response.text()
    const took = performance.now() - began
    if (response.status !== 200) throw new Error(`the logout answered ${response.status}`)
    const { valid } = await check(token, asked)
    if (valid > 0) throw new Error(`${valid} callers said "valid" after the logout`)
    return took
  }

  try {
    return await postgres.connected(COPY, async (client) => {
      const stays = await signIn(client)
      while ((await check(stays, callers)).fromMemory < callers) await sleep(500)
      for (let i = 0; i < WARM_UP; i++) await logOut(client)
      const ms: number[] = []
      const [began, before] = [performance.now(), await used()]
      for (const end = began + seconds * rounds * 1_000; performance.now() < end; await sleep(EVERY_MS))
        ms.push(await logOut(client))
      const [us, after] = [(performance.now() - began) * 1_000, await used()]
      const [postgresCores = 0, serviceCores = 0, callerCores = 0] = after.map(
        (each, i) => (each - (before[i] ?? 0)) / us,
      )
      return { callers, ms, postgresCores, serviceCores, callerCores }
    })
  } finally {
    await process.stop()
  }
}

/** @returns the token of a new session of a new user. */
async function signIn(client: pg.Client): Promise<string> {
  const id = crypto.randomUUID()
  await client.query('insert into "user" (id) values ($1)', [id])
  await client.query(
    `insert into session ("sessionToken", "userId", expires)
      select ${inSql.hashedToken('$1::text')}, $1, (now() + interval '30 days') at time zone 'utc'`,
    [id],
  )
  return tokenOf(id)
}
