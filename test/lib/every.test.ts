/** A loop never overlaps its runs, survives a failed run, and closes after the run in progress. */
import t from 'tap'
import { every } from '../../src/lib/every.ts'
import { keepLog, strictLog } from '../support/log.ts'
import { waitFor } from '../support/within.ts'

t.test('runs never overlap, however often they are due or requested', async (t) => {
  let underWay = 0
  let most = 0
  let runs = 0
  const loop = every({ ms: 1, log: strictLog(t), failed: 'failed' }, async () => {
    most = Math.max(most, ++underWay)
    await new Promise((turn) => setTimeout(turn, 3))
    underWay--
    runs++
  })
  await waitFor('three runs', () => runs >= 3)
  await Promise.all([loop.run(), loop.run()])
  await loop.close()
  t.equal(most, 1)
  t.equal(underWay, 0)
})

t.test('a requested run begins after the call; the run in progress does not count', async (t) => {
  const begun: PromiseWithResolvers<void>[] = []
  const loop = every({ ms: 600_000, log: strictLog(t), failed: 'failed' }, () => {
    const end = Promise.withResolvers<void>()
    begun.push(end)
    return end.promise
  })
  const first = loop.run()
  await waitFor('the first run', () => begun.length === 1)
  const second = loop.run()
  begun[0]?.resolve()
  await first
  await waitFor('the second run', () => begun.length === 2)
  begun[1]?.resolve()
  await second
  await loop.close()
  t.equal(begun.length, 2)
})

t.test('a failed run is logged under its name, and the next run follows', async (t) => {
  const { log, lines } = keepLog()
  const error = new Error('away')
  let runs = 0
  const loop = every({ ms: 1, log, failed: 'sweep failed' }, async () => {
    if (++runs === 1) throw error
  })
  await waitFor('a second run', () => runs >= 2)
  await loop.close()
  t.same(lines, [{ level: 'warn', fields: { err: error }, message: 'sweep failed' }])
})

t.test('close waits for the run in progress, and no run begins afterwards', async (t) => {
  const end = Promise.withResolvers<void>()
  let runs = 0
  const loop = every({ ms: 1, log: strictLog(t), failed: 'failed' }, () => {
    runs++
    return end.promise
  })
  await waitFor('a run', () => runs === 1)
  let closed = false
  const closing = loop.close().then(() => {
    closed = true
  })
  await new Promise((turn) => setTimeout(turn, 20))
  t.notOk(closed)
  end.resolve()
  await closing
  await new Promise((turn) => setTimeout(turn, 20))
  t.equal(runs, 1)
})
