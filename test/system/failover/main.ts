/**
 * Failover for real: `npm run failover`, `npm run failover -- --help`. Starts a cluster from
 * `examples/patroni`, runs the plans one after the other, and prints the results. Fails if a promise is
 * broken, or if a run exercised too little.
 */
import { explain } from '../prove/report.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { HELP, type Options, readOptions } from './options.ts'
import { PLANS } from './plans.ts'
import { versionOf } from './program.ts'
import { broken, shortfalls, table } from './report.ts'
import { type Run, run } from './run.ts'

const interruption = Promise.withResolvers<'interrupted'>()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => interruption.resolve('interrupted'))

// Requests that still wait for the cluster must not delay the end.
process.exit(await main(process.argv.slice(2)))

async function main(args: string[]): Promise<number> {
  let options: Options | null
  try {
    options = readOptions(args)
  } catch (error) {
    process.stderr.write(`failover: ${(error as Error).message}. Try "npm run failover -- --help".\n`)
    return 2
  }
  if (!options) return print(HELP)
  const done: Run[] = []
  const failures: string[] = []
  const running = runAll(options, done, failures)
  const ended = await Promise.race([running.ended, interruption.promise]).catch((error: Error) => {
    failures.push(error.message)
  })
  await running.stop()
  if (done.length > 0) print(`\n${table(done)}\n`)
  if (ended === 'interrupted') return print('interrupted\n') || 130
  return failures.length === 0 ? print('Nothing found.\n') : print(`Failed: ${failures.join('; ')}\n`) || 1
}

/** Runs all plans on one cluster. `stop` ends it at any time. */
function runAll({ runs, timing, store, ...options }: Options, done: Run[], failures: string[]) {
  let starting: Promise<Cluster> | undefined

  async function runEach(): Promise<void> {
    const names = ['patroni', 'etcd', 'haproxy']
    const versions = await Promise.all(names.map(async (name) => `${name} ${await versionOf(name)}`))
    const { ttl, loopWait, retryTimeout } = timing
    print(
      `${versions.join(', ')}; ttl ${ttl}, loop_wait ${loopWait}, retry_timeout ${retryTimeout} s; seed ${options.seed}\n`,
    )
    starting = startCluster({ timing, store, proxies: options.instances })
    const cluster = await starting
    print(`The cluster is up, with etcd's interface "${cluster.store}".\n`)
    for (const which of runs) {
      print(`${which.plan}, ${which.mode}: ${PLANS[which.plan].meaning}\n`)
      const one = await run(cluster, { ...options, ...which, progress: (line) => print(`  ${line}\n`) })
      done.push(one)
      const wrong = broken(one)
      if (one.judgement.violations.length > 0) print(`${explain(one)}\n`)
      for (const line of wrong) print(`  broken: ${line}\n`)
      const missing = shortfalls(one)
      for (const line of missing) print(`  exercised too little: ${line}\n`)
      if (wrong.length + missing.length > 0) failures.push(`${which.plan}, ${which.mode}`)
    }
  }

  return {
    ended: runEach(),
    stop: async () => (await starting?.catch(() => null))?.stop(),
  }
}

/** @returns the exit code of a success. */
function print(text: string): 0 {
  process.stdout.write(text)
  return 0
}
