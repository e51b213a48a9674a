/** Scenarios for the simulation of leases, as fast-check draws and shrinks them. */
import fc from 'fast-check'
import { LEASE_MS } from '../../src/leases/lease.ts'
import { type Scenario, SESSIONS, type Step } from './simulation.ts'

const at = fc.integer({ min: 0, max: 4 * LEASE_MS })
const session = fc.integer({ min: 0, max: SESSIONS - 1 })
const instance = fc.integer({ min: 0, max: 2 })
const ms = fc.integer({ min: 0, max: 2 * LEASE_MS })
const sessions = fc.uniqueArray(session, { minLength: 1, maxLength: 2 })
const kind = <Kind extends Step['kind']>(name: Kind) => fc.constant(name)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 80, arbitrary: fc.record({ kind: kind('check'), at, instance, session }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('logout'), at, sessions }) },
  { weight: 8, arbitrary: fc.record({ kind: kind('wake'), at, instance }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('forge'), at, sessions }) },
  { weight: 8, arbitrary: fc.record({ kind: kind('reap'), at }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('stall'), at, instance, ms }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('crash'), at }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('restart'), at, instance }) },
)
const rate = fc.constantFrom(-1, -0.5, 0, 0.5, 1)
export const scenario = (callers: boolean): fc.Arbitrary<Scenario> =>
  fc.record({
    seed: fc.integer(),
    callers: fc.constant(callers),
    workers: fc.boolean(),
    late: fc.boolean(),
    anyInstance: fc.boolean(),
    moves: fc.constantFrom(0, 0.1, 0.5),
    suspendedMs: fc.constantFrom(0, LEASE_MS, 30_000),
    rates: fc.array(rate, { minLength: 6, maxLength: 6 }),
    trouble: fc.constantFrom(0, 0.02, 0.1, 0.4),
    quiet: fc.nat({ max: 4 }).map((n) => n === 0),
    steps: fc.array(step, { minLength: 40, maxLength: 160, size: 'max' }),
    thief: fc.nat({ max: 7 }).map((n) => n === 0),
  })
