/**
 * What the session cache keeps, for how long, and how much memory it takes. test/leases covers the schedules.
 */
import fc from 'fast-check'
import t from 'tap'
import { CachedSession, createSessionCache } from '../../src/check/cache.ts'
import { HELD_MS, LEASE_MS, leaseClock, RATE_ERROR, WAIT_MS } from '../../src/leases/lease.ts'
import { plainNode } from '../support/plain-node.ts'
import { runProgram } from '../support/run-program.ts'
import { holds } from '../support/seed.ts'

const ada = {
  userId: 'ada',
  sessionId: 'phone',
  createdAt: 1_795_000_000.9,
  expiresAt: 1_795_600_000.9,
  age: 30.5,
  lifeSeconds: 100,
  touchSeconds: 10,
  passiveTouchSeconds: 10,
  touchInterval: 60,
}

/** A cache that holds the lease from 0 on. */
function cacheWithLease(max = 10) {
  const cache = createSessionCache(max)
  cache.begin()
  cache.extend(0, 0)
  return cache
}

t.test(
  'within the bound of clock error, a lease ends for its holder before it ends for the barrier',
  async (t) => {
    const slowest = 1 - RATE_ERROR
    const fastest = 1 + RATE_ERROR
    t.ok(HELD_MS / slowest <= LEASE_MS)
    t.ok(WAIT_MS / fastest > LEASE_MS)
  },
)

t.test('a valid session is kept until the lease or its own lifetime ends', async (t) => {
  const cache = cacheWithLease()
  await cache.read('key', 0, async () => new CachedSession({ ...ada, lifeSeconds: 2.5 }, 0))
  t.match(cache.find('key', 1_999), { valid: true, userId: 'ada', sessionId: 'phone' })
  t.equal(cache.find('key', 2_475), undefined, 'its own lifetime, less what a slow clock would add')
  await cache.read('other', 0, async () => new CachedSession(ada, 0))
  t.ok(cache.find('other', HELD_MS - 1))
  t.equal(cache.find('other', HELD_MS), undefined, 'the lease')
  t.equal(cache.extend(HELD_MS, HELD_MS), false, 'an expired lease is not extended')
})

t.test('a cached session knows its dates, and the age of its sign-in is never understated', async (t) => {
  const cached = new CachedSession(ada, 10_000)
  t.match(cached, { createdAt: 1_795_000_000, expiresAt: 1_795_600_000 })
  for (const later of [0, 1, 999, 1_000, 5_432]) {
    const age = ada.age + later / 1000
    const said = cached.ageAt(10_000 + later)
    t.ok(said >= age && said < age + 1, `${said} s for ${age} s`)
  }
})

t.test(
  'a check that is no activity is recorded once an interval, and leaves the next activity due',
  async (t) => {
    const cached = new CachedSession({ ...ada, touchSeconds: 0, passiveTouchSeconds: 0 }, 0)
    t.ok(cached.isDue(0, false))
    t.notOk(cached.isDue(60_000, false), 'one second more than the interval')
    t.ok(cached.isDue(60_000, true), 'polling does not hide the activity')
    t.notOk(cached.isDue(61_000, false), 'the activity also counts as last seen')
    t.notOk(cached.isDue(120_999, true))
    t.ok(cached.isDue(121_000, true))
  },
)

t.test('only valid sessions are kept, so random tokens evict none', async (t) => {
  const cache = cacheWithLease(3)
  for (const key of ['a', 'b', 'c']) await cache.read(key, 0, async () => new CachedSession(ada, 0))
  for (let n = 0; n < 1_000; n++) await cache.read(`random-${n}`, 0, async () => null)
  t.equal(cache.size, 3)
  t.ok(['a', 'b', 'c'].every((key) => cache.find(key, 1)))
})

t.test('a full cache evicts the least recently used session', async (t) => {
  const cache = cacheWithLease(2)
  for (const key of ['a', 'b']) await cache.read(key, 0, async () => new CachedSession(ada, 0))
  cache.find('a', 1)
  await cache.read('c', 1, async () => new CachedSession(ada, 0))
  t.same(
    ['a', 'b', 'c'].map((key) => cache.find(key, 1) !== undefined),
    [true, false, true],
  )
})

t.test(
  'concurrent checks of a token share one read; a failed read fails them, and the next check reads again',
  async (t) => {
    const cache = cacheWithLease()
    let reads = 0
    const slow = async () => {
      reads++
      await new Promise(setImmediate)
      return new CachedSession(ada, 0)
    }
    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.read('key', 0, slow)))
    t.equal(reads, 1)
    t.ok(answers.every((answer) => answer?.userId === 'ada'))
    const broken = async () => {
      throw new Error('away')
    }
    await t.rejects(Promise.all([cache.read('new', 0, broken), cache.read('new', 0, slow)]), /away/)
    t.ok(await cache.read('new', 0, slow))
  },
)

t.test(
  'after any sequence of steps, the cache answers only under a lease and from this generation',
  async (t) => {
    const step = fc.constantFrom('read', 'begin', 'extend', 'lapse', 'evict', 'evict all')
    await holds(
      t,
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const cache = createSessionCache(5)
        let held = false
        let kept = false
        let open = false
        for (const step of steps) {
          if (step === 'read') {
            await cache.read('key', 0, async () => new CachedSession(ada, 0))
            kept ||= open
          } else if (step === 'extend') held = cache.extend(0, 0)
          else if (step === 'evict') cache.evict(['key'])
          else if (step === 'evict all') cache.evict(null)
          else if (step === 'begin') cache.begin()
          else cache.lapse()
          if (step === 'begin' || step === 'lapse') held = false
          if (step === 'begin') open = true
          if (step === 'lapse') open = false
          if (!['read', 'extend'].includes(step)) kept = false
          if ((cache.find('key', 1) !== undefined) !== (held && kept)) return false
        }
        return true
      }),
      { numRuns: 1_000 },
    )
  },
)

t.test('leases expire while the machine is suspended', async (t) => {
  let [monotonic, wall] = [1_000, 1_700_000_000_000]
  const clock = leaseClock(
    () => monotonic,
    () => wall,
  )
  const before = clock()
  monotonic += 10
  wall += 10
  t.equal(clock() - before, 10)
  wall += 60_000
  t.equal(clock() - before, 60_010, 'the monotonic clock stood still; the wall clock counts')
  wall -= 120_000
  monotonic += 5
  t.equal(clock() - before, 60_015, 'it never runs backwards')
  wall += 30_000
  t.equal(clock() - before, 90_015, 'after it was set back, the clock still counts the next suspension')
})

t.test('a session takes at most 250 bytes beyond its own strings', async (t) => {
  const program = new URL('measure-memory.ts', import.meta.url).pathname
  const { stdout } = await runProgram(...plainNode('--expose-gc', program, '200000'), {
    env: { PATH: process.env.PATH },
  })
  const { found, sessions, bytes } = JSON.parse(stdout)
  t.equal(found, sessions, 'all of them are cached')
  t.ok(bytes > 50 && bytes <= 250, `${bytes} bytes`)
})
