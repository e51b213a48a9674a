/** Prints the runs: a table, what each exercised too little, and which promises it broke. */
import { countActs, markdown, whole } from '../prove/report.ts'
import { PLANS, type Plan } from './plans.ts'
import type { Run } from './run.ts'

export function table(runs: readonly Run[]): string {
  return markdown(runs.map(rowOf))
}

function rowOf(run: Run): Record<string, string> {
  const { verdicts, judgement, history } = run
  const { logouts } = countActs(history)
  const stale = judgement.violations.filter(({ rule }) => rule === 'valid after its end').length
  return {
    plan: run.plan,
    mode: run.mode,
    'new primary after': seconds(run.replacedMs),
    'checks 200': whole(verdicts.valid),
    'checks 401': whole(verdicts.refused),
    'checks 503': whole(verdicts.undecided + verdicts.lost),
    'from memory': whole(run.fromMemory),
    '503 longest': seconds(run.checks503.longest),
    '503 sum': seconds(run.checks503.sum),
    'logouts 503 longest': seconds(run.logouts503.longest),
    logouts: whole(doneOf(run)),
    'not done': whole(logouts.undone),
    'events (resets)': `${whole(run.feed.events)} (${run.feed.resets})`,
    unseen: whole(run.feed.missing),
    'logouts redone': whole(run.redone),
    lost: whole(run.lost),
    'stale "valid"': whole(stale),
    'other violations': whole(judgement.violations.length - stale),
    audit: run.audit.length === 0 ? 'intact' : `${run.audit.length} findings`,
  }
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

function doneOf({ history }: Run): number {
  const { local, one, others, global } = countActs(history).logouts
  return local + one + others + global
}

/** The promises that a run broke, in words. */
export function broken(run: Run): string[] {
  const { replication, promised }: Plan = PLANS[run.plan]
  const { violations } = run.judgement
  return [
    ...(promised.includes(run.mode) && violations.length > 0
      ? [`${whole(violations.length)} violations`]
      : []),
    // An asynchronous failover loses commits, and the instances, which all live on, carry out again what it lost.
    ...(run.lost > (replication === 'synchronous' ? 0 : run.redone)
      ? [`${whole(run.lost)} acknowledged logouts are lost, ${whole(run.redone)} carried out again`]
      : []),
    ...(run.feed.missing > 0 ? [`${whole(run.feed.missing)} revocations are not known to the follower`] : []),
    ...run.audit.map((finding) => `audit: ${finding}`),
  ]
}

/** What a run did too little of to prove anything. */
export function shortfalls(run: Run): string[] {
  const done = doneOf(run)
  const least: [what: string, is: number, atLeast: number][] = [
    ['logouts', done, 50],
    ['checks answered 200', run.verdicts.valid, 500],
    ['checks after an end', run.judgement.tested, done],
    ['checks from memory', run.fromMemory, run.mode === 'leased' ? 1 : 0],
    ['events', run.feed.events, 1],
  ]
  return least
    .filter(([, is, atLeast]) => is < atLeast)
    .map(([what, is, atLeast]) => `${whole(is)} ${what}, at least ${whole(atLeast)} needed`)
}
