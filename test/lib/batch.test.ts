/** Calls that arrive together share a load, and no answer is older than its call. */

import fc from 'fast-check'
import t from 'tap'
import { unavailable } from '../../src/errors.ts'
import { APART_MS, batch, type Limits } from '../../src/lib/batch.ts'
import { holds } from '../support/seed.ts'

const LIMITS = { inFlight: 3, size: 10, waiting: 100, waitMs: 60_000, refusal: unavailable }

const turn = () => new Promise((next) => setImmediate(next))

/** A batch whose loads end when the test resolves them, on a clock that the test moves. */
function held(limits: Partial<Limits> = {}) {
  const loads: { items: number[]; end: () => void; fail: (error: Error) => void }[] = []
  const sleepers: { until: number; wake: () => void }[] = []
  let reads = 0
  let ms = 0
  const ask = batch(
    (items: number[]) => {
      const readAt = ++reads
      const { promise, resolve, reject } = Promise.withResolvers<{ item: number; readAt: number }[]>()
      loads.push({ items, end: () => resolve(items.map((item) => ({ item, readAt }))), fail: reject })
      return promise
    },
    { ...LIMITS, ...limits },
    {
      clock: () => ms,
      sleep: (duration) => new Promise<void>((wake) => sleepers.push({ until: ms + duration, wake })),
    },
  )
  return {
    loads,
    items: () => loads.map(({ items }) => items),
    ask,
    reads: () => reads,
    /** Lets time pass, and then every promise that can settle. */
    async pass(duration: number): Promise<void> {
      ms += duration
      for (const { until, wake } of sleepers) if (until <= ms) wake()
      await turn()
    },
    /** Ends a load, and lets every promise settle. */
    async end(load: number): Promise<void> {
      loads[load]?.end()
      await turn()
    },
  }
}

t.test('a single call starts a load at once', async (t) => {
  const { items, end, ask } = held()
  const answer = ask(1)
  t.same(items(), [[1]])
  await end(0)
  t.match(await answer, { item: 1 })
})

t.test('calls that arrive while a load is in flight share the next, which begins at its end', async (t) => {
  const { items, end, ask } = held()
  const answers = [1, 2, 3, 4].map(ask)
  t.same(items(), [[1]])
  await end(0)
  t.same(items(), [[1], [2, 3, 4]])
  await end(1)
  t.match(
    await Promise.all(answers),
    [1, 2, 3, 4].map((item) => ({ item })),
  )
})

t.test('where loads are scheduled, the calls of one turn of the event loop share a load', async (t) => {
  const { items, end, ask } = held({ schedule: setImmediate })
  const answers = [1, 2, 3].map(ask)
  t.same(items(), [], 'not begun yet')
  await turn()
  answers.push(ask(4), ask(5))
  await turn()
  t.same(items(), [[1, 2, 3]])
  await end(0)
  t.match(await answers[0], { item: 1, readAt: 1 })
  await turn()
  t.same(items(), [
    [1, 2, 3],
    [4, 5],
  ])
  await end(1)
  t.match(
    await Promise.all(answers),
    [1, 2, 3, 4, 5].map((item) => ({ item })),
  )
})

t.test('beside a load in flight another begins when a full one is waiting', async (t) => {
  const { items, end, ask } = held({ size: 3 })
  const answers = [1, 2, 3].map(ask)
  t.same(items(), [[1]])
  answers.push(ask(4), ask(5), ask(6))
  t.same(items(), [[1], [2, 3, 4]])
  answers.push(ask(7), ask(8), ask(9), ask(10), ask(11))
  t.same(items(), [[1], [2, 3, 4], [5, 6, 7]], 'and never more than are allowed')
  for (let load = 0; load < 5; load++) await end(load)
  t.match(
    await Promise.all(answers),
    answers.map((_, i) => ({ item: i + 1 })),
  )
})

t.test('a hanging load holds others up for APART_MS, though no further call arrives', async (t) => {
  const { items, end, ask, pass } = held()
  const answers = [1, 2].map(ask)
  await pass(APART_MS - 1)
  t.same(items(), [[1]])
  await pass(1)
  t.same(items(), [[1], [2]])

  // The same beside the second one.
  answers.push(ask(3))
  await pass(APART_MS - 1)
  answers.push(ask(4))
  t.same(items(), [[1], [2]])
  await pass(1)
  t.same(items(), [[1], [2], [3, 4]])
  await end(2)
  t.match(await Promise.all([answers[2], answers[3]]), [{ item: 3 }, { item: 4 }])

  answers.push(ask(5))
  t.same(items().at(-1), [5], 'no longer than once: beside hanging loads, others take turns')
  for (const load of [3, 0, 1]) await end(load)
  await Promise.all(answers)
})

t.test('a load that ends in time leaves no other beside the next', async (t) => {
  const { items, end, ask, pass } = held()
  const answers = [1, 2].map(ask)
  await pass(APART_MS - 1)
  await end(0)
  answers.push(ask(3))
  await pass(1)
  t.same(items(), [[1], [2]], 'the second one is not old')
  await pass(APART_MS - 1)
  t.same(items(), [[1], [2], [3]])
  for (const load of [1, 2]) await end(load)
  await Promise.all(answers)
})

const EVENT = fc.oneof(fc.constantFrom('ask' as const, 'pass' as const), fc.nat(3))

t.test('in any order of events, each call gets its own answer, read after the call', async (t) => {
  await holds(
    t,
    fc.asyncProperty(fc.array(EVENT, { maxLength: 60 }), async (events) => {
      const { loads, ask, reads, pass, end } = held({ size: 4 })
      const asked: Promise<boolean>[] = []
      for (const event of events) {
        if (event === 'ask') {
          const [item, askedAt] = [asked.length, reads()]
          asked.push(ask(item).then((answer) => answer.item === item && answer.readAt > askedAt))
        } else if (event === 'pass') await pass(APART_MS / 2)
        else await end(loads.length - 1 - event)
      }
      for (let i = 0; i < loads.length; i++) {
        await end(i)
      }
      return (await Promise.all(asked)).every(Boolean)
    }),
    { numRuns: 1000 },
  )
})

t.test('a failed load fails its own calls; waiting calls get the next load', async (t) => {
  const { loads, end, ask } = held()
  const answers = [1, 2, 3].map((item) =>
    ask(item).then(
      () => 'answered',
      () => 'failed',
    ),
  )
  loads[0]?.fail(new Error('away'))
  t.equal(await answers[0], 'failed')
  await end(1)
  t.same(await Promise.all(answers), ['failed', 'answered', 'answered'])
  const next = ask(4)
  await end(2)
  t.match(await next, { item: 4 })
})

t.test('when too many calls are waiting, the next one is refused at once', async (t) => {
  const { loads, end, ask } = held({ inFlight: 1 })
  const answers = Array.from({ length: 1 + LIMITS.waiting }, (_, item) => ask(item))
  await t.rejects(ask(-1), { code: 'unavailable' })
  for (let i = 0; i < loads.length; i++) await end(i)
  t.equal((await Promise.all(answers)).length, 1 + LIMITS.waiting, 'the others get answers')
  t.ok(loads.every(({ items }) => items.length <= LIMITS.size))
})

t.test('a call that has waited too long for a load is refused', async (t) => {
  const { items, end, ask, pass } = held({ inFlight: 1, waitMs: 700 })
  const answers = [1, 2].map((item) =>
    ask(item).then(
      () => 'answered',
      (error) => error.code,
    ),
  )
  await pass(701)
  await end(0)
  t.same(await Promise.all(answers), ['answered', 'unavailable'])
  t.same(items(), [[1]], 'no load started for it')
})
