/**
 * Many instances, and five logouts a second: how long a logout waits until each instance has acknowledged it, and what that costs
 * PostgreSQL. The instances answer no checks: only leases, wakes and acknowledgements are measured.
 */
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../src/database/database.ts'
import { POOLS } from '../../src/database/pools.ts'
import { createBarrier } from '../../src/leases/barrier.ts'
import { barrierStore } from '../../src/leases/queries.ts'
import { user as users } from '../../src/sessions/schema.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import { count, percentile, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import { startServer } from '../processes.ts'
import { progress } from '../progress.ts'
import { seed } from '../seed.ts'
import { cpuOf, cpuOfPostgres } from '../usage.ts'

export interface FleetSample {
  instances: number
  /** Milliseconds that each logout waited after its commit. */
  waits: number[]
  /** Leases lost meanwhile. */
  lost: number
  /** CPU seconds a second: of PostgreSQL without a logout, with them, and of the process that holds the instances. */
  idleCores: number
  cores: number
  fleetCores: number
}

/** Milliseconds between two logouts: five a second. */
const EVERY_MS = 200
/** In reality instances have machines of their own, and a thousand backends do not take turns with them. */
const FIRST = -10
/** Each round measures so much longer than the load of other parts: a logout every fifth of a second is few. */
const LONGER = 3
const COPY = 'fleet_copy'
const DEVICE = { userAgent: null, ipAddress: null }

export async function fleet(postgres: Postgres, options: Options): Promise<FleetSample[]> {
  await postgres.copy(await seed(postgres, 'service', options.sessions), COPY)
  const samples: FleetSample[] = []
  try {
    for (const instances of options.fleets) {
      const sample = await measure(postgres, instances, LONGER * options.seconds * 1_000)
      samples.push(sample)
      progress(
        `fleet: ${count(instances)} instances, ${sample.waits.length} logouts waited ${readable(percentile(sample.waits, 0.5))} ms, p99 ${readable(percentile(sample.waits, 0.99))} ms; ${readable(sample.cores)} cores of PostgreSQL, ${readable(sample.idleCores)} without logouts`,
      )
    }
  } finally {
    await postgres.drop(COPY)
  }
  return samples
}

async function measure(postgres: Postgres, instances: number, ms: number): Promise<FleetSample> {
  const url = postgres.urlOf(COPY)
  const server = await startServer(new URL('../servers/fleet.ts', import.meta.url), [String(instances)], {
    DATABASE_URL: url,
  })
  for (const pid of [server.pid, process.pid]) goesFirst(pid)
  const requests = openDatabase(url, { max: POOLS.requests.max })
  const waiting = openDatabase(url, { max: POOLS.waits.max, deadlineMs: POOLS.waits.deadlineMs })
  const waits: number[] = []
  const barrier = createBarrier(barrierStore(waiting.run), { onWait: (waited) => waits.push(waited) })
  const sessions = createSessions(
    requests,
    { record() {} },
    (xid) => barrier.wait(xid),
    async () => false,
  )

  async function logOut(): Promise<void> {
    const user = { id: `fleet-${crypto.randomUUID()}` }
    await requests.run((db) => db.insert(users).values(user))
    const { token } = await sessions.create({ userId: user.id, ...DEVICE })
    await sessions.logout(token, 'global', DEVICE)
  }

  /** CPU seconds a second of PostgreSQL and of the fleet during `work`. */
  async function cores(work: () => Promise<unknown>): Promise<[postgres: number, fleet: number]> {
    const read = async () => [await cpuOfPostgres(postgres.pid), await cpuOf(server.pid)] as const
    const [began, before] = [performance.now(), await read()]
    await work()
    const [us, after] = [(performance.now() - began) * 1_000, await read()]
    return [(after[0] - before[0]) / us, (after[1] - before[1]) / us]
  }

  const state = async () => (await (await fetch(server.base)).json()) as { held: number; lost: number }

  try {
    while ((await state()).held < instances) await sleep(100)
    for (let i = 0; i < 10; i++) await logOut()
    waits.length = 0
    const { lost } = await state()
    const [idleCores] = await cores(() => sleep(ms / 3))
    const [used, fleetCores] = await cores(async () => {
      const logouts: Promise<void>[] = []
      for (const end = performance.now() + ms; performance.now() < end; await sleep(EVERY_MS))
        logouts.push(logOut())
      await Promise.all(logouts)
    })
    return { instances, waits, lost: (await state()).lost - lost, idleCores, cores: used, fleetCores }
  } finally {
    await server.stop()
    await requests.close()
    await waiting.close()
  }
}

/** Needs root; without it, backends delay the instances, and leases may be lost. */
function goesFirst(pid: number): void {
  try {
    setPriority(pid, FIRST)
  } catch {}
}
