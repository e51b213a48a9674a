/** No schedule, and no clock within its bound, lets an instance say "valid" of what somebody was told is over. */
import fc from 'fast-check'
import t from 'tap'
import { scenario } from './scenarios.ts'
import { type Outcome, play } from './simulation.ts'

const RUNS = Number(process.env.SIMULATION_RUNS ?? 2_000)

t.test('whoever was told that a session is over hears "valid" of it from no instance', async (t) => {
  const all: Outcome = { violations: [], hits: 0, checks: 0, valid: 0, logouts: 0, waits: 0, lapses: 0 }
  await fc.assert(
    fc.asyncProperty(scenario, async (scenario) => {
      const outcome = await play(scenario)
      for (const key of ['hits', 'checks', 'valid', 'logouts', 'waits', 'lapses'] as const)
        all[key] += outcome[key]
      return outcome.violations.length === 0
    }),
    { numRuns: RUNS },
  )
  t.comment(JSON.stringify(all))
  // Less would mean that the schedules no longer reach what they are for.
  t.ok(
    all.hits > RUNS && all.waits > RUNS && all.lapses > RUNS / 2,
    'memory, waits and lapses were exercised',
  )
})
