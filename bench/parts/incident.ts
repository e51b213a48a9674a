/**
 * An incident: half of the stored sessions are ended as one act, by the process that answers the checks,
 * while other users sign in and log out. It runs on a copy of the database with as many additional sessions,
 * of the affected users. Checks are of the other half, at a steady rate that leaves the machine room: before,
 * during and after the incident.
 */
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/database/database.ts'
import { createKey } from '../../src/service-api/keys.ts'
import type { Load } from '../generator.ts'
import { load } from '../load.ts'
import { participantOf, serve } from '../measure.ts'
import { count, median, percentile, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import type { Server } from '../processes.ts'
import { progress } from '../progress.ts'
import { seed } from '../seed.ts'
import { inSql, spread, tokenOf } from '../seeded.ts'
import { type Bystanders, call, SESSIONS_PER_USER, startBystanders } from './bystanders.ts'

export interface IncidentSample extends Bystanders {
  mode: string
  sessions: number
  users: number
  planMs: number
  /** From the execution to the report. */
  ms: number
  quiet: Load[]
  during: Load[]
  walBytes: number
}

const COPY = 'incident_copy'
/** 1,000 checks a second: 32 connections that wait this many milliseconds each. */
const PACE = { connections: 32, pauseMs: 32 }
const WINDOW_SECONDS = 5
const AGENT = 'StolenApp/1.0'

export async function incident(postgres: Postgres, options: Options): Promise<IncidentSample[]> {
  const modes = ['database', 'leased'].filter((mode) => options.only.includes(mode))
  const samples: IncidentSample[] = []
  for (const mode of modes) {
    await postgres.copy(await seed(postgres, 'service', options.sessions), COPY)
    try {
      await addAffected(postgres, options.sessions)
      samples.push(await turn(postgres, options, mode))
    } finally {
      await postgres.drop(COPY)
    }
  }
  return samples
}

async function turn(
  postgres: Postgres,
  { sessions, seconds }: Options,
  mode: string,
): Promise<IncidentSample> {
  const server = await serve(postgres, mode, COPY)
  try {
    const headers = { ...(await keyOf(postgres, COPY)), 'content-type': 'application/json' }
    const windows = Math.max(1, Math.round((2 * seconds) / WINDOW_SECONDS))
    const check = await checksOf(server, mode, sessions)
    await check()
    const before = await repeat(windows, check)
    progress(`incident: ${mode}, ${count(sessions)} sessions, quiet p99 ${readable(p99Of(before))} ms`)

    const planned = performance.now()
    const select = { userAgent: AGENT }
    const plan = await call(`${server.base}/api/admin/incidents`, headers, { reason: 'benchmark', select })
    const planMs = performance.now() - planned
    const url = `${server.base}/api/admin/incidents/${plan.planId}`
    const others = startBystanders(postgres, COPY, server, headers, sessions)
    const wal = await walOf(postgres)
    await call(`${url}/execute`, headers, {})
    const during: Load[] = []
    let report = await call(url, headers)
    for (; report.state !== 'done'; report = await call(url, headers)) {
      during.push(await check())
      progress(
        `incident: ${mode}, ${count(report.ended)} ended, p99 ${readable(during.at(-1)?.p99Ms ?? 0)} ms`,
      )
    }
    const walBytes = (await walOf(postgres)) - wal
    const seen = await others.stop()
    const { endedPlanned, goneMeanwhile } = report.outcome
    if (endedPlanned + goneMeanwhile !== sessions) throw new Error('the report does not add up')
    await expectEnded(server, sessions)
    const after = await repeat(windows, check)
    const { sessions: found, users } = plan
    return {
      mode,
      sessions: found,
      users,
      planMs,
      ms: report.durationMs,
      quiet: [...before, ...after],
      during,
      walBytes,
      ...seen,
    }
  } finally {
    await server.stop()
  }
}

const p99Of = (loads: Load[]) => median(loads.map(({ p99Ms }) => p99Ms))

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (let i = 0; i < times; i++) all.push(await work())
  return all
}

async function addAffected(postgres: Postgres, sessions: number): Promise<void> {
  progress(`incident: adding ${count(sessions)} sessions of ${count(sessions / SESSIONS_PER_USER)} users`)
  await postgres.connected(COPY, async (client) => {
    await client.query(`insert into "user" (id) select 'affected ' || k from generate_series(1, $1::int) k`, [
      Math.ceil(sessions / SESSIONS_PER_USER),
    ])
    await client.query(
      `insert into session ("sessionToken", "userId", expires, "ipAddress", "userAgent")
        select ${inSql.hashedToken(`('affected ' || n)`)}, 'affected ' || ((n + ${SESSIONS_PER_USER - 1}) / ${SESSIONS_PER_USER}),
          (now() + interval '30 days') at time zone 'utc', '198.51.100.7', $2
        from generate_series(1, $1::int) n`,
      [sessions, AGENT],
    )
    await client.query('vacuum (freeze, analyze)')
    await client.query('checkpoint')
  })
}

/** The actor that creates the key, for the record. */
const BENCH = { actorKind: 'system', actorId: 'bench' } as const

/** The header of a service key for staff. */
export async function keyOf(postgres: Postgres, name: string) {
  const database = openDatabase(postgres.urlOf(name), { max: 1 })
  const wanted = {
    name: 'bench',
    scopes: ['security' as const, 'sessions:create' as const],
    lifetimeSeconds: null,
  }
  const { key } = await database.transaction((tx) => createKey(tx, wanted, BENCH))
  await database.close()
  return { authorization: `Bearer ${key}` }
}

async function checksOf({ base }: Server, mode: string, sessions: number): Promise<() => Promise<Load>> {
  const { path, cookie } = participantOf(mode)
  const cookieFile = join(tmpdir(), `global-logout-bench-incident-${process.pid}`)
  await writeFile(
    cookieFile,
    `${spread(sessions, 10_000)
      .map((n) => cookie(tokenOf(n)))
      .join('\n')}\n`,
  )
  return () => load({ url: base + path, cookieFile, seconds: WINDOW_SECONDS, ...PACE })
}

async function walOf(postgres: Postgres): Promise<number> {
  const { rows } = await postgres.connected(COPY, (client) =>
    client.query(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as bytes`),
  )
  return rows[0].bytes
}

async function expectEnded({ base }: Server, sessions: number): Promise<void> {
  for (const n of spread(sessions, 100)) {
    const headers = { authorization: `Bearer ${tokenOf(`affected ${n}`)}` }
    const { status } = await fetch(`${base}/check`, { headers })
    if (status !== 401) throw new Error(`/check answered ${status} for a session that is over`)
  }
}

/** The columns of its table in the report. */
export function incidentRow(sample: IncidentSample): string[] {
  const { mode, sessions, users, planMs, ms, quiet, during, loginMs, logoutMs, lockWaitMs, walBytes } = sample
  return [
    mode,
    count(sessions),
    count(users),
    readable(planMs / 1000),
    readable(ms / 1000),
    readable(p99Of(quiet)),
    readable(p99Of(during)),
    readable(p99Of(during) / p99Of(quiet)),
    readable(percentile(loginMs, 0.99)),
    readable(percentile(logoutMs, 0.99)),
    readable(lockWaitMs),
    readable(walBytes / 1e6),
  ]
}
