/** One run: start everything, run the workload, repeat one fault, then judge the history. */
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '../../support/within.ts'
import { type Calls, createCalls } from './calls.ts'
import { type Judgement, judge, LEASE_MS, type Rules } from './checker.ts'
import { FAULTS, type Fault, type FaultName, type Mode, type Rig } from './faults.ts'
import { createHistory, type History } from './history.ts'
import type { Instance } from './instances.ts'
import { createRandom } from './random.ts'
import { startRig } from './rig.ts'
import { startWorkload } from './workload.ts'

export interface RunOptions {
  seed: number
  mode: Mode
  fault: FaultName
  mutation?: string | undefined
  instances: number
  /** Of each kind, in leased mode. */
  callers: number
  clients: number
  users: number
  /** The run ends when all three are reached. */
  checks: number
  logouts: number
  seconds: number
  interrupted: AbortSignal
  progress(line: string): void
}

export interface Run {
  mode: Mode
  fault: FaultName
  seconds: number
  history: History
  judgement: Judgement
  verdicts: Calls['verdicts']
  touches: number
  /** Checks answered from memory, by instances that were not killed afterwards. */
  fromMemory: number
  /** The same for each caller: first those on the database, then those by HTTP, then those in Python. */
  fromCallers: number[]
  faults: number
}

/** An instance gives up a statement after 1.7 s, PostgreSQL an idle transaction after 5 s. */
const EFFECT_MS = 10_000
export const RULES: Record<Mode, Rules> = {
  database: { deletionMs: 0, effectMs: EFFECT_MS, refusalIsFinal: true },
  leased: { deletionMs: LEASE_MS, effectMs: EFFECT_MS, refusalIsFinal: false },
}
/** A run that has not reached its goals by then is stopped, and fails. */
const LONGEST_MS = 20 * 60_000
/** With a mutation, how often the history is judged. */
const JUDGE_EVERY_MS = 1_000

export async function run(options: RunOptions): Promise<Run> {
  const { seed, mode, mutation, interrupted, progress } = options
  const fault: Fault = FAULTS[options.fault]
  const history = createHistory()
  const rig = await startRig(history, {
    ...options,
    callers: mode === 'leased' ? options.callers : 0,
    fault,
  })
  try {
    const began = performance.now()
    const calls = createCalls(history, rig.users)
    const logoutsPerCheck = options.logouts / options.checks
    const workload = startWorkload({
      ...options,
      users: rig.users,
      calls,
      instances: rig.instances,
      callers: rig.callers,
      logoutsPerCheck,
    })
    let over = false
    let broken = false
    const injecting = fault.inject(rig, createRandom(seed, 'fault'), () => over)
    injecting.catch(() => {
      broken = true
    })

    const elapsed = () => performance.now() - began
    const isDone = () =>
      calls.verdicts.valid + calls.verdicts.refused >= options.checks &&
      workload.logouts.done >= options.logouts &&
      elapsed() >= options.seconds * 1_000
    let isCaught = false
    for (let judged = 0; !isDone() && !isCaught && !interrupted.aborted && elapsed() < LONGEST_MS; ) {
      await sleep(200)
      if (broken) break
      progress(lineOf(options, elapsed(), history, workload.logouts.done))
      if (!mutation || elapsed() - judged < JUDGE_EVERY_MS) continue
      judged = elapsed()
      isCaught = judge(history, RULES[mode]).violations.length > 0
    }
    over = true
    const faults = await injecting
    if (!isCaught && !interrupted.aborted) await allInstancesReady(rig)
    await workload.stop()
    if (!isCaught && !interrupted.aborted) await workload.checkAll()
    const hits = isCaught || interrupted.aborted ? { instances: [], callers: [] } : await countHits(rig)
    return {
      mode,
      fault: options.fault,
      seconds: elapsed() / 1_000,
      history,
      judgement: judge(history, RULES[mode]),
      verdicts: calls.verdicts,
      touches: await countTouches(rig),
      fromMemory: hits.instances.reduce((sum, each) => sum + each, 0),
      fromCallers: hits.callers,
      faults,
    }
  } finally {
    await rig.stop()
  }
}

async function allInstancesReady({ instances, callers }: Rig): Promise<void> {
  for (const { number, isReady } of [...instances, ...callers])
    await waitFor(`instance ${number} to be ready`, isReady)
}

async function countHits({ instances, callers }: Rig) {
  const hits = (of: readonly Instance[]) => Promise.all(of.map((each) => each.hits()))
  return { instances: await hits(instances), callers: await hits(callers) }
}

/** A new session is dated ten minutes back, and its last activity none or five: only an update puts more than eight between. */
async function countTouches({ users }: Rig): Promise<number> {
  const { rows } = await users.pool.query(`select count(*)::int as touches from (
    select "createdAt", "lastSeenAt" from session where "lastSeenAt" <> "createdAt" + interval '10 minutes'
    union all
    select created_at, last_seen_at from revoked_session where last_seen_at <> created_at + interval '10 minutes'
  ) as touched ("createdAt", "lastSeenAt") where "lastSeenAt" > "createdAt" + interval '8 minutes'`)
  return rows[0].touches
}

function lineOf({ mode, fault }: RunOptions, ms: number, history: History, logouts: number): string {
  const seconds = Math.round(ms / 1_000)
  const rate = Math.round(history.checks.length / (ms / 1_000))
  const number = (n: number) => n.toLocaleString('en')
  return `${mode}, ${fault}: ${seconds} s, ${number(history.checks.length)} checks (${number(rate)}/s), ${number(logouts)} logouts`
}
