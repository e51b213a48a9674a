/**
 * Runs the simulation of leases, and prints what it exercised as JSON. If it finds a violation, it exits with
 * 1 and prints the smallest failing scenario. It is a separate process because tap's hooks on promises make
 * it twenty times slower.
 *
 *     node test/leases/simulate.ts instances|callers RUNS SEED
 */
import fc from 'fast-check'
import { COUNTS } from './counts.ts'
import { scenario } from './scenarios.ts'
import { play } from './simulation.ts'

const [subject, runs, seed] = process.argv.slice(2)
const total = {
  runs: 0,
  seed: Number(seed),
  ...(Object.fromEntries(COUNTS.map((name) => [name, 0])) as Record<(typeof COUNTS)[number], number>),
}
let caughtAfter: number | null = null

const result = await fc.check(
  fc.asyncProperty(scenario(subject === 'callers'), async (scenario) => {
    const { violations, ...counts } = await play(scenario)
    if (caughtAfter === null) {
      total.runs++
      for (const key of COUNTS) total[key] += counts[key]
      if (violations.length > 0) caughtAfter = total.runs
    }
    if (violations.length > 0) throw new Error(violations[0])
  }),
  {
    numRuns: Number(runs),
    seed: Number(seed),
    interruptAfterTimeLimit: 20 * 60_000,
    endOnFailure: process.env.MUTATION !== undefined,
  },
)
const violation = result.errorInstance instanceof Error ? result.errorInstance.message : null
process.stdout.write(
  `${JSON.stringify({ ...total, caughtAfter, violation, counterexample: result.counterexample })}\n`,
)
process.exitCode = result.failed ? 1 : 0
