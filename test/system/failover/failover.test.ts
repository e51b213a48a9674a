/** The parsing and computing of `npm run failover`; the cluster itself is not part of `npm test`. */
import t from 'tap'
import { example } from './examples.ts'
import { HELP, readOptions } from './options.ts'
import { broken } from './report.ts'
import type { Run } from './run.ts'
import { type Call, undecided } from './undecided.ts'

const call = (instance: number, begin: number, end: number, isUndecided: boolean): Call => ({
  ...{ instance, begin, end, isUndecided },
})

t.test('the periods of 503 are those of each instance; a pause ends one', async (t) => {
  t.same(undecided([]), { longest: 0, sum: 0 })
  const calls = [
    call(0, 0, 10, false),
    call(0, 100, 1_100, true),
    call(1, 1_050, 1_150, true),
    call(0, 900, 1_200, true),
    call(0, 1_300, 1_310, false),
    call(0, 1_600, 1_800, true),
    call(0, 2_400, 2_500, true),
  ]
  t.same(undecided(calls), { longest: 1_700, sum: 1_800 })
  t.same(undecided([call(0, 0, Number.POSITIVE_INFINITY, true)]), { longest: 0, sum: 0 }, 'no answer yet')
})

t.test('a logout that is lost and not carried out again fails a run, whatever the replication', async (t) => {
  const after = (plan: Run['plan'], lost: number, redone: number) =>
    broken({
      ...{ plan, mode: 'leased', lost, redone, audit: [], feed: { events: 1, resets: 0, missing: 0 } },
      judgement: { violations: [] },
    } as unknown as Run)
  t.same(after('asynchronous', 5, 6), [])
  t.match(after('asynchronous', 5, 0), ['5 acknowledged logouts are lost, 0 carried out again'])
  t.match(after('kill', 1, 1), ['1 acknowledged logouts are lost, 1 carried out again'])
})

t.test("the timing follows Patroni's rule", async (t) => {
  for (const ttl of [7, 8, 10, 20, 30]) {
    const { timing } = readOptions(['--ttl', String(ttl)]) ?? {}
    t.ok(timing && timing.loopWait >= 1 && timing.retryTimeout >= 3, `${ttl}`)
    t.equal((timing?.loopWait ?? 0) + 2 * (timing?.retryTimeout ?? 0), ttl)
  }
})

t.test('plans and modes are selected, and wrong usage is refused', async (t) => {
  t.same(readOptions(['--plan', 'kill'])?.runs, [
    { plan: 'kill', mode: 'database' },
    { plan: 'kill', mode: 'leased' },
  ])
  t.equal(readOptions(['--help']), null)
  t.match(HELP, 'asynchronous')
  for (const args of [
    ['--plan', 'flood'],
    ['--ttl', '6'],
    ['--times', 'two'],
    ['--mode', 'fast'],
  ])
    t.throws(() => readOptions(args), args.join(' '))
})

t.test('a text that is missing in the examples is reported', async (t) => {
  await t.rejects(example('haproxy.cfg', [['server db4', '']]), /has no "server db4"/)
})
