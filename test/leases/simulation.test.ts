/** No schedule, and no clock within its bound, lets an instance say "valid" of what somebody was told is over. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { plainNode } from '../support/plain-node.ts'
import { seed } from '../support/seed.ts'
import { within } from '../support/within.ts'

const RUNS = 3_000
/** On two quiet cores they take some seconds. */
const LIMIT_MS = 300_000

t.test('whoever was told that a session is over hears "valid" of it from no instance', async (t) => {
  const program = new URL('simulate.ts', import.meta.url).pathname
  const running = promisify(execFile)(...plainNode(program, String(RUNS), String(seed)), {
    env: { PATH: process.env.PATH },
  }).catch((error) => error)
  const ended = await within(`${RUNS} runs of the simulation`, running, LIMIT_MS)
  const { runs, violation, hits, waits, lapses } = JSON.parse(ended.stdout)
  t.equal(violation, null, ended.stdout)
  t.equal(runs, RUNS)
  // Less would mean that the schedules no longer reach what they are for.
  t.ok(hits > RUNS && waits > RUNS && lapses > RUNS / 2, `hits ${hits}, waits ${waits}, lapses ${lapses}`)
})
