/** A sleep ends after its time, when its signal is aborted, or when it is woken. None of these is an error. */
import t from 'tap'
import { createWakeableSleep, sleep } from '../../src/lib/sleep.ts'

const LONG_MS = 600_000

t.test('a sleep ends after its time, and not before', async (t) => {
  let slept = false
  const sleeping = sleep(500).then(() => {
    slept = true
  })
  await new Promise(setImmediate)
  t.notOk(slept)
  await sleeping
  t.ok(slept)
})

t.test('a signal ends the sleep, also when it was aborted before', async () => {
  const over = new AbortController()
  const sleeping = sleep(LONG_MS, over.signal)
  over.abort()
  await sleeping
  await sleep(LONG_MS, over.signal)
})

t.test('waking ends the current sleep, and not the next one', async (t) => {
  const { sleep, wake } = createWakeableSleep()
  wake()
  const first = sleep(LONG_MS)
  wake()
  await first
  let slept = false
  const second = sleep(LONG_MS).then(() => {
    slept = true
  })
  await new Promise(setImmediate)
  t.notOk(slept, 'it was woken before it began')
  wake()
  await second
})
