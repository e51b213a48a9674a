/** Plans and executes incidents, runs them in a process that can be killed, and checks the sums of their reports. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { unclaimedIncidents } from '../../src/staff/incidents/claims.ts'
import type { IncidentActor } from '../../src/staff/incidents/incidents.ts'
import type { IncidentReport } from '../../src/staff/incidents/report.ts'
import type { Selection } from '../../src/staff/incidents/selector-values.ts'
import { FASTER, plainNode } from './plain-node.ts'
import type { Service } from './service.ts'
import { waitFor, within } from './within.ts'

const script = fileURLToPath(new URL('incident-process.ts', import.meta.url))

/** The staff member who plans and executes. */
export const STAFF: IncidentActor = {
  actorKind: 'staff',
  actorId: 'sam',
  userAgent: 'test',
  ipAddress: '192.0.2.1',
}

/** Adds users with sessions of many ages, directly to the table. @returns the ids of the sessions. */
export async function addSessions(
  { database }: Pick<Service, 'database'>,
  prefix: string,
  { users, each }: { users: number; each: number },
): Promise<string[]> {
  await database.psql(`insert into "user" (id) select $1 || n from generate_series(1, $2::int) n`, [
    prefix,
    users,
  ])
  const rows = await database.psql<{ id: string }>(
    `insert into session ("sessionToken", "userId", expires, "createdAt", "lastSeenAt", "ipAddress", "userAgent")
      select $1 || '-' || n, $1 || (1 + n % $2::int), now() at time zone 'utc' + interval '1 day',
        now() - interval '1 minute' * (1 + n % 1000), now(), '198.51.100.0'::inet + (n % 256), $1
      from generate_series(1, $2::int * $3::int) n returning id`,
    [prefix, users, each],
  )
  return rows.map(({ id }) => id)
}

/** Plans and executes an incident. @returns its id; it is running now. */
export async function begin({ incidents }: Pick<Service, 'incidents'>, select: Selection): Promise<string> {
  const { planId } = await incidents.plan(select, 'a test', STAFF)
  await incidents.execute(planId, STAFF)
  return planId
}

/**
 * Waits some seconds until the lease of a killed runner ends. Statements that it had sent may still have
 * finished the incident.
 */
export async function isFree({ database, incidents }: Pick<Service, 'database' | 'incidents'>, id: string) {
  await waitFor(`the lease on incident ${id} to end`, async () => {
    if ((await database.run(unclaimedIncidents)).includes(id)) return true
    return (await incidents.get(id)).state === 'done'
  })
}

export interface Runner {
  child: ChildProcess
  /** Resolves once it has ended that many sessions in all. */
  reached(ended: number): Promise<void>
  /** How it ended: an exit code (0: done, 3: another runner has the incident), or the signal that killed it. */
  readonly over: Promise<number | NodeJS.Signals>
}

/**
 * When the process kills itself: after this many batches (SIGSTOP: it hangs), or after all sessions ended and
 * before the report.
 */
export type Death = { afterBatches: number; by?: 'SIGKILL' | 'SIGSTOP' } | 'before the report' | 'never'

/** Starts a process that runs an incident. */
export function runnerProcess(url: string, id: string, batch: number, death: Death = 'never'): Runner {
  const child = spawn(...plainNode(FASTER, script, url, id, String(batch), JSON.stringify(death)), {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let ended = -1
  const listeners = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    ended = Number(line)
    for (const listener of listeners) listener()
  })
  const over = new Promise<number | NodeJS.Signals>((done) => {
    child.once('close', (code, signal) => done(signal ?? (code as number)))
  })
  return {
    child,
    get over() {
      return within('the end of the runner', over)
    },
    reached: (wanted) =>
      within(
        `${wanted} sessions that the runner ended`,
        new Promise((done, fail) => {
          const look = () => ended >= wanted && done()
          listeners.add(look)
          look()
          void over.then((how) => fail(new Error(`it ended (${how}) at ${ended}, before ${wanted}`)))
        }),
      ),
  }
}

/** Compares every sum of a finished incident with the rows that the trigger wrote. @returns its report. */
export async function addsUp(
  t: Test,
  { incidents, database }: Pick<Service, 'incidents' | 'database'>,
  id: string,
  wanted: { [Count in 'endedPlanned' | 'endedLater' | 'goneMeanwhile']?: number | null } & { users?: number },
): Promise<IncidentReport> {
  const report = await incidents.get(id)
  const { outcome, planned, ended, operationId } = report
  t.equal(report.state, 'done')
  t.match(outcome, { endedLater: 0, goneMeanwhile: 0, ...wanted }, 'the report says what happened')
  if (!outcome) return report
  const { endedPlanned, endedLater, goneMeanwhile } = outcome
  if (endedPlanned !== null) {
    t.equal(endedPlanned + Number(goneMeanwhile), planned.sessions, 'planned = ended + gone')
    t.equal(endedPlanned + Number(endedLater), ended, 'ended = planned + later')
  }
  const [rows] = await database.psql(
    `select count(*)::int as rows, count(distinct session_id)::int as sessions, count(distinct user_id)::int as users
      from revoked_session where operation_id = $1`,
    [operationId],
  )
  t.same(rows, { rows: ended, sessions: ended, users: outcome.users }, 'each is recorded exactly once')
  const operations = await database.psql(
    `select kind, revoked_count as count, result from operation
      where result ->> 'planId' = $1 order by kind`,
    [id],
  )
  t.match(
    operations,
    [
      { kind: 'incident.execute', count: 0 },
      { kind: 'incident.finish', count: ended, result: outcome },
      { kind: 'incident.plan', count: 0 },
    ],
    'planned, executed and finished once',
  )
  const left = await database.psql(`select from incident_planned where incident_id = $1`, [id])
  t.same(left, [], 'the planned sessions are no longer stored')
  return report
}
