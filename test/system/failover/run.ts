/** One plan: the service and its users on the cluster, a failure and its repair, then the verdict. */
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '../../support/within.ts'
import { type Calls, createCalls } from '../prove/calls.ts'
import { type Judgement, judge } from '../prove/checker.ts'
import type { Mode } from '../prove/faults.ts'
import { type Act, type Check, createHistory, type History, type Logout } from '../prove/history.ts'
import { RULES } from '../prove/run.ts'
import { startWorkload } from '../prove/workload.ts'
import { type Cluster, RECOVERY_MS } from './cluster.ts'
import { followFeed } from './feed.ts'
import { PLANS, type Plan, type PlanName } from './plans.ts'
import { type Service, startService } from './service.ts'
import { type Call, type Undecided, undecided } from './undecided.ts'

export interface RunOptions {
  seed: number
  plan: PlanName
  mode: Mode
  instances: number
  clients: number
  users: number
  /** How often the failure is repeated. */
  times: number
  progress(line: string): void
}

export interface Run {
  plan: PlanName
  mode: Mode
  seconds: number
  history: History
  judgement: Judgement
  verdicts: Calls['verdicts']
  fromMemory: number
  /** From the failure until another node is the primary, at most; in milliseconds. */
  replacedMs: number
  /** Since the first failure. */
  checks503: Undecided
  logouts503: Undecided
  feed: { events: number; resets: number; missing: number }
  /** Acknowledged logouts that did not last, and were not executed again. */
  lost: number
  /** Logouts that instances counted as lost, and executed again. */
  redone: number
  /** What is wrong with the audit log. */
  audit: string[]
}

/** Between a failure and its repair, and at the end: every earlier lease has ended. */
const CALM_MS = 4_000
/** Before and after a failure: this many finished logouts show that the service works. */
const WORKS = 20
/** The other programs of the cluster need most of the CPU. */
const PAUSE_MS = 40
const ACTORS = 16
const LOGOUTS_PER_CHECK = 0.04
const LOST = 'global_logout_logouts_lost_total'

let runs = 0

export async function run(cluster: Cluster, options: RunOptions): Promise<Run> {
  const { seed, mode, progress } = options
  const plan: Plan = PLANS[options.plan]
  const history = createHistory()
  await cluster.setSynchronous(plan.replication === 'synchronous')
  await cluster.healthy(`${plan.replication} replication`)
  const service = await startService(cluster, history, {
    ...options,
    name: `run_${++runs}`,
    listsHosts: plan.listsHosts,
  })
  try {
    const { users, instances } = service
    const feed = await followFeed(service)
    const calls = createCalls(history, users)
    const began = performance.now()
    const workload = startWorkload({
      ...{ seed, users, calls, instances, clients: options.clients },
      ...{ pauseMs: PAUSE_MS, actors: ACTORS, logoutsPerCheck: LOGOUTS_PER_CHECK },
    })
    const say = (what: string) =>
      progress(
        `${((performance.now() - began) / 1_000).toFixed(0)} s: ${what}, ${workload.logouts.done} logouts`,
      )
    const works = async (when: string) => {
      const wanted = workload.logouts.done + WORKS
      await waitFor(`${WORKS} logouts ${when}`, () => workload.logouts.done >= wanted, RECOVERY_MS)
    }
    let firstFailed = Number.POSITIVE_INFINITY
    let replacedMs = 0
    let head: string | undefined
    for (let time = 0; time < options.times; time++) {
      await works('before the failure')
      head = (await audit(service)).head
      const primary = await waitFor('a primary', cluster.primary)
      say(`${options.plan}: ${primary.name} fails`)
      const failed = performance.now()
      firstFailed = Math.min(firstFailed, failed)
      const repair = await plan.fail(cluster, primary, () => {
        replacedMs = Math.max(replacedMs, performance.now() - failed)
        say('replaced')
      })
      await sleep(CALM_MS)
      await repair()
      await cluster.healthy(`${primary.name} to be a standby`)
      say(`${primary.name} is back`)
      for (const { number, isReady } of instances) await waitFor(`instance ${number} to be ready`, isReady)
      await works('after it')
    }
    await sleep(CALM_MS)
    await workload.stop()
    await workload.checkAll()
    const judgement = judge(history, RULES[mode])
    return {
      plan: options.plan,
      mode,
      seconds: (performance.now() - began) / 1_000,
      history,
      judgement,
      verdicts: calls.verdicts,
      fromMemory: await service.sum('global_logout_leased_checks_total{source="memory"}'),
      replacedMs,
      checks503: undecided(checksOf(history).filter(({ begin }) => begin >= firstFailed)),
      logouts503: undecided(logoutsOf(history).filter(({ begin }) => begin >= firstFailed)),
      feed: await feed.end(),
      lost: await countLost(service, history, judgement),
      redone: await service.sum(LOST),
      audit: (await audit(service, head)).findings,
    }
  } finally {
    await service.close()
  }
}

function checksOf({ checks }: History): Call[] {
  return Array.from({ length: checks.length }, (_, i) => {
    const { verdict, ...check } = checks.at(i)
    return { ...check, isUndecided: verdict === 'undecided' || verdict === 'lost' }
  })
}

function logoutsOf({ acts }: History): Call[] {
  const calls = acts
    .filter((act): act is Logout => act.kind === 'logout')
    .map((act) => ({ ...act, isUndecided: act.status === 503 || act.status === 0 }))
  return calls.sort((a, b) => a.end - b.end)
}

/** Acknowledged logouts whose sessions another logout ended again, or the database still has. */
async function countLost({ users }: Service, { acts }: History, { violations }: Judgement): Promise<number> {
  const { rows } = await users.pool.query('select id from session')
  const active = new Set(rows.map(({ id }) => users.numberOf(id)))
  const lost = new Set<Act | Check>(
    violations.flatMap(({ rule, against }) => (rule === 'ended twice' && against ? [against] : [])),
  )
  for (const act of acts)
    if (act.kind === 'logout' && act.outcome === 'done' && act.revoked.some((session) => active.has(session)))
      lost.add(act)
  return [...lost].filter((act) => 'kind' in act && act.kind === 'logout').length
}

/** @param expected a head of its chain that was stored earlier. */
async function audit({ command }: Service, expected?: string): Promise<{ head: string; findings: string[] }> {
  const printed = await command('audit', 'verify', '--json', ...(expected ? ['--expect', expected] : []))
  try {
    const { head, findings } = JSON.parse(printed) as { head: string; findings: { detail: string }[] }
    return { head, findings: findings.map(({ detail }) => detail) }
  } catch {
    throw new Error(`"audit verify" printed no JSON: ${printed}`)
  }
}
