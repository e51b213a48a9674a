/** After a logout is answered, no instance says "valid" for its sessions, in any schedule and with any clock within its bound. */
import t from 'tap'
import { createBarrier } from '../../src/leases/barrier.ts'
import { MOST_LAGGING, WAIT_MS } from '../../src/leases/lease.ts'
import { seed } from '../support/seed.ts'
import { simulate } from '../system/prove/simulation.ts'
import { clockOf, eventQueue } from './simulated-time.ts'

const RUNS = 2_000
const RUNS_WITH_CALLERS = 400

t.test('once a logout is answered, no instance says "valid" for its sessions', async (t) => {
  const found = await simulate('instances', RUNS, seed)
  const { runs, violation, hits, waits, lapses } = found
  t.equal(violation, null, JSON.stringify(found))
  t.ok(runs >= RUNS)
  // With less, the schedules would not exercise caches, waits and lost leases.
  t.ok(hits > RUNS && waits > RUNS && lapses > RUNS / 2, `hits ${hits}, waits ${waits}, lapses ${lapses}`)
})

t.test('and no caller that answers under a part of the lease of an instance', async (t) => {
  const found = await simulate('callers', RUNS_WITH_CALLERS, seed)
  const { violation, hits, granted, suspended, logouts, early } = found
  t.equal(violation, null, JSON.stringify(found))
  t.ok(
    hits > 4 * RUNS_WITH_CALLERS && granted > 20 * RUNS_WITH_CALLERS && suspended > RUNS_WITH_CALLERS / 100,
  )
  t.ok(early > logouts / 2, `${early} of ${logouts} logouts waited no longer than a lease`)
})

t.test(
  'a replaced server that is still read is seen: without verification of connections it is believed',
  async (t) => {
    const { caughtAfter, runs } = await simulate('instances', RUNS, seed, 'connection-not-verified')
    t.ok(caughtAfter, `a violation within ${runs} schedules`)
  },
)

t.test('a full list of dead instances may lack one that holds a lease: it is waited for', async (t) => {
  async function waited(dead: number): Promise<number> {
    const events = eventQueue()
    const rows = Array.from({ length: dead }, (_, n) => ({ id: `dead ${n}`, beat: 0 }))
    const barrier = createBarrier(
      {
        laggingInstances: async (revocations) => revocations.map(() => rows),
        instances: async () => rows,
        notify: async () => null,
        removeDeadInstance: async () => {},
      },
      { time: clockOf(events, 0) },
    )
    const from = 2 * WAIT_MS
    let until = Number.NaN
    events.at(0, () => void barrier.reapDeadInstances())
    events.at(from, () => void barrier.wait('1').then(() => (until = events.now())))
    await events.run(2 * from)
    return until - from
  }
  t.ok((await waited(MOST_LAGGING - 1)) < WAIT_MS)
  t.ok((await waited(MOST_LAGGING)) >= WAIT_MS)
})
