/**
 * The history checker: `npm run prove`, `npm run prove -- --help`. Runs the plans one after the other and prints what each
 * exercised. Fails for a single "valid" after a logout, for a run that did too little, and for a mutation that is not
 * caught.
 */

import { MUTATIONS } from './mutations/table.ts'
import { HELP, type Options, type Plan, readOptions } from './options.ts'
import { explain, shortfalls, table, whole } from './report.ts'
import { type Run, run } from './run.ts'
import { SUBJECTS, type Subject, simulate } from './simulation.ts'

let shownAt = 0
const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort())

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  let options: Options | null
  try {
    options = readOptions(args)
  } catch (error) {
    process.stderr.write(`prove: ${(error as Error).message}. Try "npm run prove -- --help".\n`)
    return 2
  }
  if (!options) return print(HELP)
  const runs: Run[] = []
  const failures: string[] = []
  for (const subject of options.simulation > 0 ? subjectsOf(options) : [])
    if (!(await simulated(subject, options))) failures.push(`simulation of ${subject}`)
  for (const plan of options.plans) {
    print(`${plan.mode}, ${plan.fault}. To repeat its choices: ${replay(options, plan)}\n`)
    const done = await run({ ...options, ...plan, ...plan.goals, interrupted: interruption.signal, progress })
    progress('')
    if (interruption.signal.aborted) break
    runs.push(done)
    if (options.mutation) return verdict(options.mutation, done) || failures.length
    const missing = shortfalls(done, plan.goals)
    if (done.judgement.violations.length > 0) print(`${explain(done)}\n`)
    for (const line of missing) print(`exercised too little: ${line}\n`)
    if (missing.length + done.judgement.violations.length > 0) failures.push(`${plan.mode}, ${plan.fault}`)
  }
  if (runs.length > 0) print(`\n${table(runs)}\n`)
  if (interruption.signal.aborted) return print('interrupted\n') || 130
  if (options.mutation) return failures.length
  return failures.length === 0 ? print('Nothing found.\n') : print(`Failed: ${failures.join('; ')}\n`) || 1
}

function subjectsOf({ mutation }: Options): readonly Subject[] {
  if (!mutation) return SUBJECTS
  return [MUTATIONS[mutation]?.callers ? 'callers' : 'instances']
}

/** @returns whether it found no violation or, with a mutation, caught it. */
async function simulated(subject: Subject, { simulation, seed, mutation }: Options): Promise<boolean> {
  print(`simulation of leases, ${subject}: ${whole(simulation)} schedules, seed ${seed}\n`)
  const { runs, checks, hits, logouts, lapses, caughtAfter, violation } = await simulate(
    subject,
    simulation,
    seed,
    mutation,
  )
  print(
    `  ${whole(runs)} schedules, ${whole(checks)} checks, ${whole(hits)} from memory, ${whole(logouts)} logouts, ${whole(lapses)} leases lost: `,
  )
  if (caughtAfter === null) print(mutation ? `NOT CAUGHT: ${mutation}\n` : 'nothing found\n')
  else
    print(`${mutation ? `CAUGHT: ${mutation}, ` : ''}after ${whole(caughtAfter)} schedules: ${violation}\n`)
  return mutation ? caughtAfter !== null : caughtAfter === null
}

/** With a mutation, finding no violation is the failure. */
function verdict(mutation: string, { history, judgement, seconds }: Run): number {
  const [first] = judgement.violations
  if (!first) {
    print(`NOT CAUGHT: ${mutation}, in ${whole(history.checks.length)} checks and ${seconds.toFixed(0)} s\n`)
    return 1
  }
  const firstSeen = Math.min(...judgement.violations.map(({ what }) => what.end))
  const logouts = history.acts.filter((act) => act.kind === 'logout' && act.end <= firstSeen)
  let checks = 0
  for (let i = 0; i < history.checks.length; i++) if (history.checks.at(i).end <= firstSeen) checks++
  const begun = history.sessions[0]?.login.begin ?? 0
  print(`${explain({ history, judgement })}\n`)
  print(
    `CAUGHT: ${mutation}, after ${whole(checks)} checks, ${whole(logouts.length)} logouts, ${((firstSeen - begun) / 1_000).toFixed(1)} s\n`,
  )
  return 0
}

function replay(
  { seed, mutation, instances, callers, clients, users }: Options,
  { mode, fault, goals }: Plan,
): string {
  const which = mutation ? `--mutation ${mutation} --fault ${fault}` : `--mode ${mode} --fault ${fault}`
  const size = `--instances ${instances} --callers ${callers} --clients ${clients} --users ${users}`
  const until = `--checks ${goals.checks} --logouts ${goals.logouts}${goals.seconds ? ` --seconds ${goals.seconds}` : ''}`
  return `npm run prove -- ${which} --seed ${seed} ${size} ${until}`
}

/** One line that overwrites itself on a terminal; otherwise a line every ten seconds. */
function progress(line: string): void {
  if (process.stdout.isTTY) return void process.stdout.write(`\r\x1b[K${line}`)
  if (!line || performance.now() < shownAt + 10_000) return
  shownAt = performance.now()
  print(`  ${line}\n`)
}

/** @returns the exit code of a success. */
function print(text: string): 0 {
  process.stdout.write(text)
  return 0
}
