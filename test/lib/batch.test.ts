/** Calls that arrive together share a load, and no answer is older than its call. */

import fc from 'fast-check'
import t from 'tap'
import { unavailable } from '../../src/errors.ts'
import { batch, type Limits } from '../../src/lib/batch.ts'
import { holds } from '../support/seed.ts'

const LIMITS = { inFlight: 2, busyAt: 2, size: 10, waiting: 100, waitMs: 60_000, refusal: unavailable }

/** A batch whose loads end when the test resolves them. */
function held(limits: Partial<Limits> = {}) {
  const loads: { items: number[]; end: () => void; fail: (error: Error) => void }[] = []
  let clock = 0
  const ask = batch(
    (items: number[]) => {
      const readAt = ++clock
      const { promise, resolve, reject } = Promise.withResolvers<{ item: number; readAt: number }[]>()
      loads.push({ items, end: () => resolve(items.map((item) => ({ item, readAt }))), fail: reject })
      return promise
    },
    { ...LIMITS, ...limits },
  )
  return { loads, ask, now: () => clock }
}

t.test('a single call starts a load at once', async (t) => {
  const { loads, ask } = held()
  const answer = ask(1)
  t.same(
    loads.map(({ items }) => items),
    [[1]],
  )
  loads[0]?.end()
  t.match(await answer, { item: 1 })
})

t.test('calls that arrive while loads are in flight share the next load', async (t) => {
  const { loads, ask } = held()
  const answers = [1, 2, 3, 4].map(ask)
  t.same(
    loads.map(({ items }) => items),
    [[1], [2]],
  )
  loads[0]?.end()
  await answers[0]
  t.same(
    loads.map(({ items }) => items),
    [[1], [2], [3, 4]],
  )
  for (const load of loads) load.end()
  t.same(
    (await Promise.all(answers)).map(({ item }) => item),
    [1, 2, 3, 4],
  )
})

t.test('where loads are scheduled, the calls of one turn of the event loop share a load', async (t) => {
  const { loads, ask } = held({ schedule: setImmediate })
  const turn = () => new Promise((next) => setImmediate(next))
  const answers = [1, 2, 3].map(ask)
  t.same(loads, [], 'not begun yet')
  await turn()
  answers.push(ask(4), ask(5))
  await turn()
  t.same(
    loads.map(({ items }) => items),
    [[1, 2, 3]],
    'beside a large load no other begins',
  )
  loads[0]?.end()
  t.match(await answers[0], { item: 1, readAt: 1 })
  await turn()
  t.same(loads[1]?.items, [4, 5])
  loads[1]?.end()
  t.match(
    await Promise.all(answers),
    [1, 2, 3, 4, 5].map((item) => ({ item })),
  )
})

t.test('next to a large load no other starts: calls that arrive meanwhile share the next', async (t) => {
  const { loads, ask } = held()
  const answers = [1, 2, 3, 4, 5, 6].map(ask)
  loads[0]?.end()
  await answers[0]
  loads[1]?.end()
  await answers[1]
  t.same(
    loads.map(({ items }) => items),
    [[1], [2], [3, 4, 5, 6]],
  )
  answers.push(ask(7), ask(8))
  t.equal(loads.length, 3, 'though another load would be allowed')
  loads[2]?.end()
  await answers[2]
  t.same(loads[3]?.items, [7, 8])
  loads[3]?.end()
  await Promise.all(answers)
})

t.test('a hanging load does not hold back other loads', async (t) => {
  const { loads, ask } = held()
  const answers = [1, 2, 3, 4, 5, 6].map(ask)
  loads[0]?.end()
  loads[1]?.end()
  await Promise.all([answers[0], answers[1]])
  t.equal(loads.length, 3)
  const begun = performance.now()
  while (performance.now() - begun < 110);
  answers.push(ask(7))
  t.same(loads[3]?.items, [7])
  loads[2]?.end()
  loads[3]?.end()
  await Promise.all(answers)
})

t.test('in any order of events, each call gets its own answer, read after the call', async (t) => {
  await holds(
    t,
    fc.asyncProperty(fc.array(fc.oneof(fc.constant('ask'), fc.nat(3)), { maxLength: 60 }), async (events) => {
      const { loads, ask, now } = held()
      const asked: Promise<boolean>[] = []
      for (const event of events) {
        if (event === 'ask') {
          const [item, askedAt] = [asked.length, now()]
          asked.push(ask(item).then((answer) => answer.item === item && answer.readAt > askedAt))
        } else {
          loads[loads.length - 1 - Number(event)]?.end()
          await new Promise((turn) => setImmediate(turn))
        }
      }
      for (let i = 0; i < loads.length; i++) {
        loads[i]?.end()
        await new Promise((turn) => setImmediate(turn))
      }
      return (await Promise.all(asked)).every(Boolean)
    }),
    { numRuns: 1000 },
  )
})

t.test('a failed load fails its own calls; waiting calls get the next load', async (t) => {
  const { loads, ask } = held()
  const answers = [1, 2, 3].map((item) =>
    ask(item).then(
      () => 'answered',
      () => 'failed',
    ),
  )
  loads[0]?.fail(new Error('away'))
  t.equal(await answers[0], 'failed')
  loads[1]?.end()
  loads[2]?.end()
  t.same(await Promise.all(answers), ['failed', 'answered', 'answered'])
  const next = ask(4)
  loads.at(-1)?.end()
  t.match(await next, { item: 4 })
})

t.test('when too many calls are waiting, the next one is refused at once', async (t) => {
  const { loads, ask } = held()
  const answers = Array.from({ length: LIMITS.inFlight + LIMITS.waiting }, (_, item) => ask(item))
  await t.rejects(ask(-1), { code: 'unavailable' })
  for (let i = 0; i < loads.length; i++) {
    loads[i]?.end()
    await new Promise((turn) => setImmediate(turn))
  }
  t.equal((await Promise.all(answers)).length, LIMITS.inFlight + LIMITS.waiting, 'the others get answers')
  t.ok(loads.every(({ items }) => items.length <= LIMITS.size))
})

t.test('a call that has waited too long for a load is refused', async (t) => {
  const ends: (() => void)[] = []
  const load = (items: number[]) => new Promise<number[]>((done) => ends.push(() => done(items)))
  const ask = batch(load, { ...LIMITS, inFlight: 1, waitMs: 1 })
  const first = ask(1)
  const second = ask(2).then(
    () => 'answered',
    (error) => error.code,
  )
  const asked = performance.now()
  while (performance.now() - asked < 2);
  ends[0]?.()
  t.equal(await first, 1)
  t.equal(await second, 'unavailable')
  t.equal(ends.length, 1, 'no load started for it')
})
