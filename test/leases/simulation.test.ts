/** After a logout is answered, no instance says "valid" for its sessions, in any schedule and with any clock within its bound. */
import t from 'tap'
import { plainNode } from '../support/plain-node.ts'
import { runProgram } from '../support/run-program.ts'
import { seed } from '../support/seed.ts'
import { simulate } from '../system/prove/simulation.ts'

const RUNS = 3_000
/** In milliseconds. On two idle cores the runs take some seconds. */
const LIMIT_MS = 300_000

t.test('once a logout is answered, no instance says "valid" for its sessions', async (t) => {
  const program = new URL('simulate.ts', import.meta.url).pathname
  const ended = await runProgram(...plainNode(program, String(RUNS), String(seed)), {
    env: { PATH: process.env.PATH },
    timeout: LIMIT_MS,
  }).catch((error) => (typeof error.code === 'number' ? error : Promise.reject(error)))
  const { runs, violation, hits, waits, lapses } = JSON.parse(ended.stdout)
  t.equal(violation, null, ended.stdout)
  t.equal(runs, RUNS)
  // With less, the schedules would not exercise caches, waits and lost leases.
  t.ok(hits > RUNS && waits > RUNS && lapses > RUNS / 2, `hits ${hits}, waits ${waits}, lapses ${lapses}`)
})

t.test(
  'a replaced server that is still read is seen: without verification of connections it is believed',
  async (t) => {
    const { caughtAfter, runs } = await simulate(RUNS, seed, 'connection-not-verified')
    t.ok(caughtAfter, `a violation within ${runs} schedules`)
  },
)
