/**
 * An incident for everyone: how long the plans take, and the time from the order to the last "valid" of two
 * instances with caches. It also checks the promise: a "valid" of a check that began after the answer ends
 * the run.
 * Before it, with nothing to do: what a minute reads of the table of sessions.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { participantOf, serve } from '../measure.ts'
import { count, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import type { Server } from '../processes.ts'
import { progress } from '../progress.ts'
import { seed } from '../seed.ts'
import { spread, tokenOf } from '../seeded.ts'
import { call } from './bystanders.ts'
import { keyOf } from './incident.ts'

export interface EveryoneSample {
  stored: number
  plans: { what: string; sessions: number; estimated: boolean; ms: number }[]
  /** Bytes on disk for each session. */
  bytes: { table: number; indexes: number }
  /** Bytes of the table and its indexes that are read in a minute without checks: the sweep. */
  idleBytes: number
  /** From the order to its answer, and to the start of the last check that was answered "valid". */
  answeredMs: number
  lastValidMs: number
  /** Checks during the incident and in the two seconds after. */
  checks: number
}

/** Checked continuously, by each instance. */
const CHECKED = 1_000
const AFTER_MS = 2_000
const MINUTE_MS = 60_000
/** PostgreSQL reports what a connection read within ten seconds. */
const REPORTED_MS = 11_000

const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()
const selections = (): [string, object][] => [
  ['everyone', { everyone: true }],
  ['signed in within an hour', { createdAfter: ago(1) }],
  ['signed in within a day', { createdAfter: ago(24) }],
  ['an address /24', { ipRange: '10.20.30.0/24' }],
  ['an address /16', { ipRange: '10.20.0.0/16' }],
  ['a browser', { userAgent: 'Firefox/117' }],
  ['a browser that is not there', { userAgent: 'Netscape' }],
]

export async function everyone(postgres: Postgres, { sessions }: Options): Promise<EveryoneSample> {
  const database = await seed(postgres, 'service_aged', sessions)
  const servers = [await serve(postgres, 'leased', database), await serve(postgres, 'leased', database)]
  try {
    const [{ base } = { base: '' }] = servers
    const headers = { ...(await keyOf(postgres, database)), 'content-type': 'application/json' }
    const incidents = `${base}/api/admin/incidents`
    const bytes = await bytesEach(postgres, database, sessions)
    const plans: EveryoneSample['plans'] = []
    for (const [what, select] of selections()) {
      const began = performance.now()
      const plan = await call(incidents, headers, { reason: 'benchmark', select })
      const ms = performance.now() - began
      plans.push({ what, sessions: plan.sessions, estimated: plan.estimated, ms })
      progress(`everyone: ${what}, ${count(plan.sessions)} planned in ${readable(ms / 1_000)} s`)
    }
    await sleep(MINUTE_MS)
    const before = await readBytes(postgres, database)
    await sleep(MINUTE_MS - REPORTED_MS)
    const idleBytes = (await readBytes(postgres, database)) - before
    progress(`everyone: ${readable(idleBytes / 1e6)} MB of the sessions read in a minute`)
    const { planId } = await call(incidents, headers, { reason: 'benchmark', select: { everyone: true } })
    const checking = startChecks(servers, sessions)
    await checking.warm
    const ordered = performance.now()
    await call(`${incidents}/${planId}/execute`, headers, {})
    const answered = performance.now()
    await sleep(AFTER_MS)
    const { lastValid, checks } = await checking.stop()
    if (lastValid > answered) throw new Error('a check that began after the answer was answered "valid"')
    return {
      stored: sessions,
      plans,
      bytes,
      idleBytes,
      answeredMs: answered - ordered,
      lastValidMs: lastValid - ordered,
      checks,
    }
  } finally {
    for (const server of servers) await server.stop()
    // Its rows are being deleted.
    await postgres.drop(database)
  }
}

async function bytesEach(postgres: Postgres, database: string, sessions: number) {
  const { rows } = await postgres.connected(database, (client) =>
    client.query(
      `select pg_table_size('session') / $1::float8 as "table", pg_indexes_size('session') / $1::float8 as indexes`,
      [sessions],
    ),
  )
  return rows[0]
}

/** Read of the table of sessions and its indexes so far, from disk or from shared buffers. */
async function readBytes(postgres: Postgres, database: string): Promise<number> {
  await sleep(REPORTED_MS)
  const { rows } = await postgres.connected(database, (client) =>
    client.query(
      `select 8192::float8 * (heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit) as bytes
        from pg_statio_all_tables where relid = 'session'::regclass`,
    ),
  )
  return rows[0].bytes
}

/** `warm` resolves once each instance has answered "valid" for every token, and so has cached them. */
function startChecks(servers: Server[], sessions: number) {
  const { path, cookie } = participantOf('leased')
  const tokens = spread(sessions, CHECKED).map(tokenOf)
  let over = false
  let lastValid = 0
  let checks = 0
  const check = async ({ base }: Server, token: string): Promise<number> => {
    const began = performance.now()
    const { status } = await fetch(base + path, { headers: { cookie: cookie(token) } })
    if (status === 200) lastValid = Math.max(lastValid, began)
    return status
  }
  const warm = Promise.all(
    servers.map(async (server) => {
      for (const token of tokens) {
        const status = await check(server, token)
        if (status !== 200) throw new Error(`/check answered ${status} for a session of the seed`)
      }
    }),
  )
  const loops = warm.then(() =>
    Promise.all(
      servers.map(async (server) => {
        for (let i = 0; !over; i++, checks++) {
          const status = await check(server, tokens[i % tokens.length] as string)
          if (status !== 200 && status !== 401) throw new Error(`/check answered ${status}`)
        }
      }),
    ),
  )
  loops.catch(() => {})
  return {
    warm,
    async stop() {
      over = true
      await loops
      return { lastValid, checks }
    },
  }
}
