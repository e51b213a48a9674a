/** What is kept, what is not, and how much room it takes. The schedules are the simulation's affair. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { CachedSession, createSessionCache } from '../../src/check/cache.ts'
import { HELD_MS, LEASE_MS, leaseClock, RATE_ERROR, WAIT_MS } from '../../src/leases/lease.ts'
import { plainNode } from '../support/plain-node.ts'
import { holds } from '../support/seed.ts'

const ada = { userId: 'ada', sessionId: 'phone', lifeSeconds: 100, touchSeconds: 10, touchInterval: 60 }

/** A memory that holds the lease from 0 on. */
function memoryWithLease(max = 10) {
  const memory = createSessionCache(max)
  memory.begin()
  memory.extend(0, 0)
  return memory
}

t.test(
  'a lease is over for its holder before it is over for who waits, however wrong their clocks',
  async (t) => {
    const slowest = 1 - RATE_ERROR
    const fastest = 1 + RATE_ERROR
    t.ok(HELD_MS / slowest <= LEASE_MS)
    t.ok(WAIT_MS / fastest > LEASE_MS)
  },
)

t.test('a living session is kept, until its lease or its own time is over', async (t) => {
  const memory = memoryWithLease()
  await memory.read('key', 0, async () => new CachedSession({ ...ada, lifeSeconds: 2.5 }, 0))
  t.match(memory.find('key', 1_999), { valid: true, userId: 'ada', sessionId: 'phone' })
  t.equal(memory.find('key', 2_475), undefined, 'its own time, shortened by what the clock may be slow')
  await memory.read('other', 0, async () => new CachedSession(ada, 0))
  t.ok(memory.find('other', HELD_MS - 1))
  t.equal(memory.find('other', HELD_MS), undefined, 'the lease')
  t.equal(memory.extend(HELD_MS, HELD_MS), false, 'and a lease that ran out is not extended')
})

t.test('what is not valid is never kept, so random tokens take no room from the living', async (t) => {
  const memory = memoryWithLease(3)
  for (const key of ['a', 'b', 'c']) await memory.read(key, 0, async () => new CachedSession(ada, 0))
  for (let n = 0; n < 1_000; n++) await memory.read(`random-${n}`, 0, async () => null)
  t.equal(memory.size, 3)
  t.ok(['a', 'b', 'c'].every((key) => memory.find(key, 1)))
})

t.test('when it is full, the session that was not asked for longest goes', async (t) => {
  const memory = memoryWithLease(2)
  for (const key of ['a', 'b']) await memory.read(key, 0, async () => new CachedSession(ada, 0))
  memory.find('a', 1)
  await memory.read('c', 1, async () => new CachedSession(ada, 0))
  t.same(
    ['a', 'b', 'c'].map((key) => memory.find(key, 1) !== undefined),
    [true, false, true],
  )
})

t.test(
  'however many ask at once, one read answers; a read that fails fails them and is tried again',
  async (t) => {
    const memory = memoryWithLease()
    let reads = 0
    const slow = async () => {
      reads++
      await new Promise(setImmediate)
      return new CachedSession(ada, 0)
    }
    const answers = await Promise.all(Array.from({ length: 50 }, () => memory.read('key', 0, slow)))
    t.equal(reads, 1)
    t.ok(answers.every((answer) => answer?.userId === 'ada'))
    const broken = async () => {
      throw new Error('away')
    }
    await t.rejects(Promise.all([memory.read('new', 0, broken), memory.read('new', 0, slow)]), /away/)
    t.ok(await memory.read('new', 0, slow))
  },
)

t.test(
  'after any sequence of steps, memory answers only under a lease and from this generation',
  async (t) => {
    const step = fc.constantFrom('read', 'begin', 'extend', 'lapse', 'evict', 'evict all')
    await holds(
      t,
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const memory = createSessionCache(5)
        let held = false
        let kept = false
        let open = false
        for (const step of steps) {
          if (step === 'read') {
            await memory.read('key', 0, async () => new CachedSession(ada, 0))
            kept ||= open
          } else if (step === 'extend') held = memory.extend(0, 0)
          else if (step === 'evict') memory.evict(['key'])
          else if (step === 'evict all') memory.evict(null)
          else if (step === 'begin') memory.begin()
          else memory.lapse()
          if (step === 'begin' || step === 'lapse') held = false
          if (step === 'begin') open = true
          if (step === 'lapse') open = false
          if (!['read', 'extend'].includes(step)) kept = false
          if ((memory.find('key', 1) !== undefined) !== (held && kept)) return false
        }
        return true
      }),
      { numRuns: 1_000 },
    )
  },
)

t.test('a machine that was suspended has used up its leases', async (t) => {
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
  t.equal(clock() - before, 60_010, 'the monotonic clock stood still; the wall clock tells')
  wall -= 120_000
  monotonic += 5
  t.equal(clock() - before, 60_015, 'and it never runs backwards')
  wall += 30_000
  t.equal(clock() - before, 90_015, 'a clock that was set back tells of the next suspension as well')
})

t.test('a session takes at most 250 bytes beyond its own strings', async (t) => {
  const program = new URL('measure-memory.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(...plainNode('--expose-gc', program, '200000'), {
    env: { PATH: process.env.PATH },
  })
  const { found, sessions, bytes } = JSON.parse(stdout)
  t.equal(found, sessions, 'all of them are there')
  t.ok(bytes > 50 && bytes <= 250, `${bytes} bytes`)
})
