/**
 * The benchmarks: this service compared with other session stores, in one run, on one PostgreSQL.
 *
 *     npm run bench                                           everything, three quarters of an hour
 *     npm run bench -- --quick                                a try, a few minutes
 *     npm run bench -- --only bare,database --parts checks
 *
 * Prints the report, and writes it with its chart to bench/results, unless the run was partial.
 */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chart } from './chart.ts'
import { describeMachine } from './machine.ts'
import { measurer } from './measure.ts'
import { HELP, type Options, readOptions } from './options.ts'
import { callers } from './parts/callers.ts'
import { checks } from './parts/checks.ts'
import { connections } from './parts/connections.ts'
import { ending } from './parts/ending.ts'
import { everyone } from './parts/everyone.ts'
import { fleet } from './parts/fleet.ts'
import { growth } from './parts/growth.ts'
import { inProcess } from './parts/in-process.ts'
import { incident } from './parts/incident.ts'
import { latency } from './parts/latency.ts'
import { login } from './parts/login.ts'
import { logout } from './parts/logout.ts'
import { routes } from './parts/routes.ts'
import { sizes } from './parts/sizes.ts'
import { workers } from './parts/workers.ts'
import { startPostgres } from './postgres.ts'
import { killChildren } from './processes.ts'
import { progress } from './progress.ts'
import { type Run, report } from './report.ts'
import type { Results } from './results.ts'

const options = understood(process.argv.slice(2))
const postgres = await startPostgres(options.data)
let interrupted = false
onInterrupt(async () => {
  interrupted = true
  progress('stopping')
  killChildren()
  await postgres.stop()
})
const results: Results = {}
try {
  const date = new Date().toISOString().slice(0, 10)
  const run = { date, machine: await describeMachine(postgres), options, results }
  const failure = await fill(results).then(
    () => null,
    (error) => error,
  )
  // Errors of an interrupted run are only caused by the interruption.
  if (!interrupted) await publish(run, failure ? null : options.out)
  if (!interrupted && failure) throw failure
} finally {
  if (!interrupted) await postgres.stop()
}

/** Measures part by part, so that a failed part does not lose the results before it. */
async function fill(results: Results): Promise<void> {
  const wanted = (part: Options['parts'][number]) => options.parts.includes(part)
  const measure = measurer(postgres)
  try {
    if (wanted('checks')) results.checks = await checks(measure, options)
    if (wanted('latency')) results.latency = await latency(measure, options, results.checks)
    if (wanted('logout')) results.logout = await logout(postgres, options)
    if (wanted('growth')) results.growth = await growth(measure, options)
    if (wanted('connections')) results.connections = await connections(measure, options)
    if (wanted('workers')) results.workers = await workers(measure, options)
    if (wanted('login')) results.login = await login(postgres, options)
    if (wanted('ending')) results.ending = await ending(postgres, options)
    if (wanted('incident')) results.incident = await incident(postgres, options)
    if (wanted('sizes')) results.sizes = await sizes(postgres, options)
    if (wanted('everyone')) results.everyone = await everyone(postgres, options)
    if (wanted('fleet')) results.fleet = await fleet(postgres, options)
    if (wanted('callers')) results.callers = await callers(postgres, options)
    if (wanted('routes')) results.routes = await routes(postgres, options)
    if (wanted('in-process')) results.inProcess = await inProcess(postgres, options)
  } finally {
    await measure.close()
  }
}

async function publish(run: Run, out: string | null): Promise<void> {
  const folder = out ?? (await mkdtemp(join(tmpdir(), 'global-logout-bench-')))
  await mkdir(folder, { recursive: true })
  const page = report(run)
  await writeFile(join(folder, `${run.date}.md`), page)
  if (run.results.checks) await writeFile(join(folder, `${run.date}.svg`), chart(run.results.checks, run))
  process.stdout.write(page)
  progress(`written to ${folder}`)
}

function understood(args: string[]): Options {
  try {
    const options = readOptions(args)
    if (options) return options
    process.stdout.write(HELP)
    process.exit(0)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    process.exit(2)
  }
}

/** npm passes a Ctrl-C on although the terminal has already sent it, so a second one is ignored. */
function onInterrupt(stop: () => Promise<void>): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      void stop().finally(() => process.exit(130))
    })
}
