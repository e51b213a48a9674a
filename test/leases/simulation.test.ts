/** After a logout is answered, no instance says "valid" for its sessions, in any schedule and with any clock within its bound. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { plainNode } from '../support/plain-node.ts'
import { seed } from '../support/seed.ts'
import { within } from '../support/within.ts'

const RUNS = 3_000
/** In milliseconds. On two idle cores the runs take some seconds. */
const LIMIT_MS = 300_000

t.test('once a logout is answered, no instance says "valid" for its sessions', async (t) => {
  const program = new URL('simulate.ts', import.meta.url).pathname
  const running = promisify(execFile)(...plainNode(program, String(RUNS), String(seed)), {
    env: { PATH: process.env.PATH },
  }).catch((error) => error)
  const ended = await within(`${RUNS} runs of the simulation`, running, LIMIT_MS)
  const { runs, violation, hits, waits, lapses } = JSON.parse(ended.stdout)
  t.equal(violation, null, ended.stdout)
  t.equal(runs, RUNS)
  // With less, the schedules would not exercise caches, waits and lost leases.
  t.ok(hits > RUNS && waits > RUNS && lapses > RUNS / 2, `hits ${hits}, waits ${waits}, lapses ${lapses}`)
})
