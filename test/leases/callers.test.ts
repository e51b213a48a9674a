/** Leases for callers: what an instance grants and acknowledges, and what a caller keeps. The simulation covers the schedules. */
import t from 'tap'
import { createCaller } from '../../src/leases/caller.ts'
import { createGrants, type GrantOptions } from '../../src/leases/grants.ts'
import { createInstance, type InstanceStore } from '../../src/leases/instance.ts'
import { HELD_MS, LEASE_MS, RATE_ERROR } from '../../src/leases/lease.ts'
import { createLender, createSuspensions } from '../../src/leases/lender.ts'
import type { CallerLease, LeaseRequest } from '../../src/leases/messages.ts'
import type { Acknowledgement } from '../../src/leases/queries.ts'
import { silentLog } from '../../src/lib/log.ts'
import { isInstalled, runProgram } from '../support/run-program.ts'

const PYTHON = '/usr/bin/python3'
const skipPython = (await isInstalled(PYTHON, '--version')) || process.env.CI ? false : 'no Python here'

const at = (snapshot: number, server = 'one') => ({ server, snapshot: `${snapshot}:${snapshot}:` })

/** An instance that holds a lease from 0 on, and has applied snapshot 10. Its own clock runs ahead by `ahead`. */
function instance(options?: GrantOptions) {
  const time = { now: 0, ahead: 0 }
  const grants = createGrants(
    null,
    () => time.now + time.ahead,
    () => time.now,
    options,
  )
  grants.begin(at(10))
  grants.extend(0, 0)
  const lease = (caller: string, applied: number | null) => {
    const granted = grants.grant({ caller, key: 'shop', cursor: applied === null ? null : at(applied) })
    if (typeof granted === 'string') throw new Error(granted)
    return granted
  }
  const evict = (tokens: string[] | null, snapshot: number) => grants.evict(tokens, at(snapshot).snapshot)
  return { time, grants, lease, evict }
}

t.test('a caller gets what is left of the lease of the instance, and nothing without one', async (t) => {
  const { time, grants, lease } = instance()
  const granted = lease('a', null)
  t.match(granted, { cursor: at(10), revoked: null })
  t.ok(granted.ms / (1 - RATE_ERROR) <= HELD_MS / (1 + RATE_ERROR), 'shorter, whatever the two clocks')
  time.now = HELD_MS - 1
  t.equal(lease('a', 10).ms, 1 - 2 * RATE_ERROR)
  time.now = HELD_MS
  t.equal(grants.grant({ caller: 'a', cursor: at(10) }), 'no_lease')
  t.equal(grants.extend(HELD_MS, HELD_MS), false, 'an expired lease is not extended')
})

t.test('a revocation is acknowledged when each caller with a lease has applied it', async (t) => {
  let applied = 0
  const { time, grants, lease, evict } = instance({ onApplied: () => applied++ })
  for (const caller of ['a', 'b']) lease(caller, null)
  evict([], 11)
  t.equal(grants.acknowledged(), '11:11:', 'nothing was revoked')
  evict(['token'], 12)
  t.equal(grants.acknowledged(), '11:11:')
  t.match(lease('a', 10), { cursor: at(12), revoked: ['token'], ms: HELD_MS * (1 - 2 * RATE_ERROR) })
  t.equal(applied, 0, 'sent is not applied')
  lease('a', 12)
  t.equal(grants.acknowledged(), '11:11:', 'b has not')
  lease('c', null)
  t.equal(grants.acknowledged(), '11:11:')
  t.notOk(grants.leave('b', crypto.randomUUID()), 'it leaves another instance')
  t.equal(grants.acknowledged(), '11:11:')
  t.equal(applied, 0)
  t.ok(grants.leave('b'))
  t.equal(applied, 1)
  t.equal(grants.acknowledged(), '12:12:', 'c holds a lease only when it has applied its first answer')
  evict(null, 13)
  t.equal(lease('a', 12).revoked, null)
  t.ok(grants.outlived(), 'the row of the instance stays while callers hold its lease')
  time.now = HELD_MS
  t.equal(grants.acknowledged(), '13:13:', 'their leases have ended')
  t.notOk(grants.outlived())
})

t.test('a wall clock that is set forward ends no lease of a caller', async (t) => {
  const { time, grants, lease, evict } = instance()
  lease('a', null)
  evict(['token'], 11)
  time.ahead = 3_600_000
  t.equal(grants.extend(0, time.ahead), false, 'the instance lost its own')
  t.equal(grants.acknowledged(), '10:10:', 'its caller has yet to apply the revocation')
  t.ok(grants.outlived(), 'so the row of the instance stays')
  time.now = HELD_MS
  t.notOk(grants.outlived())
})

t.test(
  'an instance that lends its lease reads what a notice carries, also before its first caller',
  async (t) => {
    const written: Acknowledgement[] = []
    const read = { connectionId: 'connection', policy: '1' }
    const revoked = new Map<number, string[]>()
    let snapshot = 10
    const store: InstanceStore = {
      add: async () => {},
      begin: async () => ({ ...read, ...at(snapshot) }),
      changes: async () => ({ ...read, ...at(++snapshot), tokens: revoked.get(snapshot) ?? [] }),
      heartbeat: async (_id, applied) => written.push(applied) > 0,
      acknowledge: async (_id, applied) => written.push(applied) > 0,
      remove: async () => {},
    }
    const grants = createGrants(
      null,
      () => 0,
      () => 0,
    )
    const holder = createInstance(store, grants, () => 0)
    await holder.join()
    await holder.renew()
    const stale = grants.cursor
    revoked.set(12, ['first']).set(13, ['second'])
    t.ok(await holder.wake(['nonce 1 first']))
    t.match(written.at(-1), { last: { snapshot: at(12).snapshot, connectionId: 'connection' } })
    t.match(grants.grant({ caller: 'a', cursor: stale }), { cursor: at(12), revoked: ['first'] })
    const before = written.length
    t.ok(await holder.wake(['nonce 1 second']))
    t.equal(written.length, before, 'its caller has yet to apply it')
    t.ok(await holder.renew())
    t.match(written.at(-1), { last: { snapshot: at(12).snapshot } }, 'a heartbeat says no more')
    grants.grant({ caller: 'a', cursor: grants.cursor })
    t.ok(await holder.acknowledge())
    t.match(written.at(-1), { last: { snapshot: at(14).snapshot, connectionId: 'connection' } })
    t.same(
      written.flatMap(({ notices }) => notices),
      [],
    )
  },
)

t.test('with the last of many callers to apply a revocation there is more to acknowledge', async (t) => {
  let applied = 0
  const { grants, lease, evict } = instance({ onApplied: () => applied++ })
  const many = Array.from({ length: 100 }, (_, n) => `caller ${n}`)
  for (const caller of many) lease(caller, null)
  for (const snapshot of [12, 13]) {
    evict(['token'], snapshot)
    grants.acknowledged()
    for (const caller of many.slice(1)) lease(caller, snapshot)
    t.equal(applied, 0)
    lease(many[0] ?? '', snapshot)
    t.equal(applied, 1, 'so the row is written once')
    t.equal(grants.acknowledged(), at(snapshot).snapshot)
    applied = 0
  }
})

t.test('an instance that applied notices reads once before it lends', async (t) => {
  let reads = 0
  const time = { now: 0 }
  const grants = createGrants(
    null,
    () => time.now,
    () => time.now,
    { onFirstCaller: () => reads++ },
  )
  grants.begin(at(10))
  grants.extend(0, 0)
  t.notOk(grants.lends(), 'it applies notices')
  grants.evict(['noticed'], null)
  const request = { caller: 'a', key: 'shop', instance: null, cursor: at(10) }
  t.equal(grants.grant(request), 'no_lease')
  await grants.ready({ ...request, instance: crypto.randomUUID() })
  t.equal(reads, 0, 'a caller that it refuses is none')
  const ready = [grants.ready(request), grants.ready(request)]
  t.equal(reads, 1)
  t.ok(grants.lends(), 'from now on it reads')
  t.equal(grants.grant(request), 'no_lease')
  grants.evict(['noticed'], at(11).snapshot)
  await Promise.all(ready)
  t.match(grants.grant(request), { cursor: at(11), revoked: ['noticed'] })
  grants.begin(at(12))
  t.notOk(grants.lends(), 'until it joins again')
})

t.test('an instance without a lease answers a caller at once', async (t) => {
  const { grants, lease, evict, time } = instance({ onFirstCaller: () => {} })
  grants.lapse()
  const request = { caller: 'a', key: 'shop', instance: null, cursor: null }
  await grants.ready(request)
  t.equal(grants.grant(request), 'no_lease')
  grants.begin(at(10))
  grants.extend(0, 0)
  const asked = grants.ready(request)
  grants.lapse()
  await asked
  t.equal(grants.grant(request), 'no_lease')
  t.throws(() => lease('a', null), /no_lease/)
  evict([], 11)
  time.now = HELD_MS
  t.equal(grants.holders(), 0)
})

t.test(
  'one lends to those that hold no lease of another instance, and no later one of an earlier',
  async (t) => {
    const { grants } = instance()
    const ask = (held: string | null) =>
      grants.grant({ caller: 'a', key: 'shop', instance: held, cursor: at(10) })
    t.equal(ask(crypto.randomUUID()), 'other_instance')
    const first = ask(null)
    if (typeof first === 'string') throw new Error(first)
    t.match(ask(first.instance), { instance: first.instance })
    grants.lapse()
    grants.begin(at(11))
    grants.extend(0, 0)
    t.equal(ask(first.instance), 'other_instance')
  },
)

t.test(
  'what a caller has applied is noted when it asks, and the lease counts when it is answered',
  async (t) => {
    const { grants, lease, evict, time } = instance()
    const { instance: held } = lease('a', null)
    const ask = (applied: number) => ({ caller: 'a', key: 'shop', instance: held, cursor: at(applied) })
    let answered = 0
    const waits = (applied: number) => grants.news(ask(applied)).then(() => answered++)
    const turn = () => new Promise((done) => setImmediate(done))
    evict(['first'], 11)
    await waits(10)
    t.equal(answered, 1, 'it has yet to apply something')
    t.equal(grants.acknowledged(), '10:10:')
    const pending = waits(11)
    await turn()
    t.equal(answered, 1)
    t.equal(grants.acknowledged(), '11:11:')
    time.now = 1_000
    grants.extend(900, 1_000)
    await pending
    t.match(grants.grant(ask(11)), { revoked: [], ms: (HELD_MS - 100) * (1 - 2 * RATE_ERROR) })
    const hinted = waits(11)
    evict(['second'], 12)
    await hinted
    t.match(grants.grant(ask(11)), { revoked: ['second'] })
    await grants.news({ ...ask(12), instance: null })
    await grants.news({ ...ask(12), caller: 'b' })
    t.equal(answered, 3, 'without a lease none waits')
  },
)

t.test(
  'a caller that never comes back is told of once; a worker of the machine is not suspended',
  async (t) => {
    const told: string[] = []
    const { time, grants, lease, evict } = instance({
      onSuspended: (caller, key) => told.push(`${caller} ${key}`),
    })
    lease('dead', null)
    grants.grant({ caller: 'worker', cursor: null })
    evict(['token'], 12)
    for (time.now = 1_000; time.now < 40_000; time.now += 1_000) {
      grants.extend(time.now, time.now)
      evict([], 12)
      if (time.now === 10_000) t.equal(grants.suspendedFor('dead', 'shop'), HELD_MS + 30_000 - 10_000)
    }
    t.same(told, ['dead shop'])
    t.type(grants.grant({ caller: 'worker', cursor: at(12) }), 'object')
  },
)

t.test('a caller that let a revocation wait for the end of its lease gets none for a while', async (t) => {
  const { time, grants, lease, evict } = instance()
  lease('sick', null)
  lease('well', null)
  evict(['token'], 12)
  lease('well', 12)
  for (const now of [1_000, 2_000, 3_000]) {
    time.now = now
    t.ok(grants.extend(now, now - 100))
    lease('well', 12)
  }
  t.equal(grants.grant({ caller: 'sick', cursor: at(12) }), 'suspended')
  for (; time.now < HELD_MS + 30_000; time.now += 500) {
    grants.extend(time.now, time.now)
    t.equal(grants.grant({ caller: 'sick', cursor: at(12) }), 'suspended')
  }
  lease('sick', 12)
})

/**
 * Plays a service with two keys: a revocation every two seconds, and ten callers of `well` that renew every second.
 * @param act what the callers of `thief` do each second. @returns how many revocations had to wait for them, and what was told.
 */
function playKeys(
  seconds: number,
  act: (second: number, ask: (caller: string, applied: number | null, key?: string) => unknown) => void,
) {
  const told: string[] = []
  const { time, grants, evict } = instance({ onKeySuspended: (key, which) => told.push(`${key} ${which}`) })
  const ask = (caller: string, applied: number | null, key = 'thief') => {
    const lease = grants.grant({ caller, key, cursor: applied === null ? null : at(applied) })
    return typeof lease === 'string' ? lease : 'lent'
  }
  const delayed: number[] = []
  let refused = 0
  for (let second = 1; second <= seconds; second++) {
    time.now = second * 1_000
    grants.extend(time.now, time.now)
    if (second % 2 === 0) evict([`token ${second}`], 10 + second)
    else evict([], 10 + second)
    for (let n = 0; n < 10; n++) if (ask(`well ${n}`, 10 + second, 'well') !== 'lent') refused++
    // Half a second later each sound caller has applied it.
    if (Number.parseInt(grants.acknowledged(), 10) < 10 + second) delayed.push(second)
    act(second, ask)
  }
  return { told, delayed, refused }
}

t.test(
  'a key that makes up a new caller for each request delays few revocations, and harms no other key',
  (t) => {
    const { told, delayed, refused } = playKeys(1_200, (second, ask) => ask(`new ${second}`, null))
    t.equal(told[0], 'thief new')
    t.ok(delayed.length > 5 && delayed.length < 60, `${delayed.length} of 1,200 seconds`)
    t.equal(refused, 0)
    t.end()
  },
)

t.test('nor does a key whose callers behave at first, and then hang one after another', (t) => {
  const kept = new Set<string>()
  let lent = 0
  const { told, delayed } = playKeys(1_200, (second, ask) => {
    if (second === 1) for (let n = 0; n < 500; n++) kept.add(`kept ${n}`)
    const sick = `kept ${Math.floor(second / 3)}`
    for (const caller of kept)
      if (caller !== sick && ask(caller, 10 + second) === 'lent' && second > 120 && second < 300) lent++
    if (second % 3 === 0) kept.delete(sick)
  })
  t.same(told.slice(0, 2), ['thief new', 'thief all'])
  t.ok(delayed.length < 200, `${delayed.length} of 1,200 seconds`)
  t.equal(lent, 0, 'after ten of them the key gets none')
  t.end()
})

t.test('one caller that hangs again and again suspends only itself, and so do many that end at once', (t) => {
  const refused = new Set<unknown>()
  const { told } = playKeys(600, (second, ask) => {
    ask('sick', null)
    for (let n = 0; n < 20; n++) {
      // All but one lose their power.
      if (second < 300 || n === 0) refused.add(ask(`process ${n}`, 10 + second))
      else refused.add(ask(`process ${n} again`, 10 + second))
    }
  })
  t.same([...refused], ['lent'])
  t.same(told, [])
  t.end()
})

t.test(
  'a key whose callers hang is named in log and counts, and is to ask again in half a minute',
  async (t) => {
    const lines: unknown[] = []
    const log = { ...silentLog, error: (fields: object) => lines.push(fields) }
    const suspensions = createSuspensions(log)
    const { time, grants, lease, evict } = instance(suspensions.on)
    const { lend } = createLender(grants, suspensions)
    for (let n = 0; n < 3; n++) {
      lease(`sick ${n}`, null)
      evict(['token'], 11 + n)
      for (const end = time.now + 5_000; time.now < end; grants.extend(time.now, time.now)) time.now += 1_000
      evict([], 11 + n)
    }
    const request = { key: 'shop', instance: null, cursor: null, wait: false, leave: false }
    t.same(await lend({ ...request, caller: 'new' }), { refused: 'key_suspended', retryMs: 30_000 })
    t.match(await lend({ ...request, caller: 'new', key: 'other' }), { instance: String })
    t.same(lines, [{ key: 'shop', callers: 'new' }])
    t.same([...suspensions.counts.suspendedKeys].sort(), [
      ['other', 0],
      ['shop', 1],
    ])
  },
)

t.test('a key that fills its places leaves room for other keys', (t) => {
  const { grants } = instance()
  const fill = (key: string) => {
    let lent = 0
    while (typeof grants.grant({ caller: `${key} ${lent}`, key, cursor: null }) !== 'string') lent++
    return lent
  }
  t.equal(fill('thief'), 2_500)
  t.equal(grants.grant({ caller: 'one more', key: 'thief', cursor: null }), 'too_many')
  t.type(
    grants.grant({ caller: 'thief 0', key: 'thief', cursor: at(10) }),
    'object',
    'those that it has go on',
  )
  t.equal(fill('shop'), 2_500)
  t.ok(grants.leave('thief 7'))
  t.type(grants.grant({ caller: 'one more', key: 'thief', cursor: null }), 'object')
  t.end()
})

t.test('a caller that renews and never applies gets no further lease', async (t) => {
  const { time, grants, lease, evict } = instance({ suspendedMs: 0 })
  lease('a', null)
  evict(['token'], 12)
  for (time.now = 1_000; time.now < LEASE_MS; time.now += 1_000) {
    grants.extend(time.now, time.now)
    lease('a', 10)
  }
  grants.extend(time.now, time.now)
  t.equal(grants.grant({ caller: 'a', cursor: at(10) }), 'suspended')
  lease('a', 12)
})

t.test('a caller that was away keeps its memory for half a minute', async (t) => {
  const { time, grants, lease, evict } = instance()
  evict(['old'], 12)
  for (time.now = 1_000; time.now <= 31_000; time.now += 1_000) {
    grants.extend(time.now, time.now)
    evict([], 12)
  }
  evict(['new'], 13)
  t.same(lease('a', 12).revoked, ['new'])
  t.equal(lease('b', 11).revoked, null)
  evict(new Array(10_000).fill('many'), 14)
  t.equal(lease('c', 12).revoked, null, 'more than an instance keeps')
  t.equal(lease('d', 13).revoked?.length, 10_000)
  t.match(grants.grant({ caller: 'e', cursor: at(14, 'two') }), { revoked: null }, 'of another server')
})

t.test('an instance lends nothing to a caller that holds a lease of another one', async (t) => {
  const { grants, lease } = instance()
  const { instance: id } = lease('a', null)
  const grant = (instance: string) => grants.grant({ caller: 'a', key: 'shop', instance, cursor: at(10) })
  t.equal(grant(crypto.randomUUID()), 'other_instance')
  t.match(grant(id), { instance: id })
  grants.begin(at(11))
  grants.extend(0, 0)
  t.equal(grant(id), 'other_instance', 'its next generation is another one')
})

type Granted = Omit<CallerLease, 'instance'> & { instance?: string }

/** A caller, what it evicted, and what it asked. */
function caller() {
  const time = { now: 0 }
  const evicted: (readonly string[] | null)[] = []
  const asked: LeaseRequest[] = []
  const caller = createCaller({ evict: (tokens) => evicted.push(tokens) }, () => time.now)
  /** The first answers come from other instances. Each takes half a second. */
  const renew = (lease: Granted, sentAt: number, { others = 0, waits = false } = {}) => {
    time.now = sentAt
    let left = others
    return caller.renew(async (request) => {
      asked.push(request)
      time.now += 500
      return left-- > 0 ? 'other_instance' : { instance: 'first', ...lease }
    }, waits)
  }
  return { time, caller, evicted, asked, renew }
}

t.test(
  'a caller counts its lease from before the request, and keeps only what was read after its cursor',
  async (t) => {
    const { caller: held, evicted, renew } = caller()
    t.notOk(held.mayKeep(at(10)), 'nothing before the first lease')
    t.ok(await renew({ cursor: at(10), revoked: null, ms: 2_000 }, 0))
    t.ok(held.holds(1_999))
    t.notOk(held.holds(2_000))
    t.notOk(await renew({ cursor: at(11), revoked: [], ms: 2_000 }, 1_000))
    t.ok(await renew({ cursor: at(12), revoked: ['token'], ms: 2_000 }, 1_500))
    t.same(evicted, [null, [], ['token']])
    t.notOk(held.mayKeep(at(11)), 'it raced the revocation')
    t.ok(held.mayKeep(at(12)))
    t.notOk(held.mayKeep(at(12, 'two')))
  },
)

t.test('a caller stays with the instance that lends, until its lease has ended', async (t) => {
  const { caller: held, asked, renew } = caller()
  const lease = { cursor: at(10), revoked: null, ms: 2_000 }
  await renew(lease, 0, { waits: true })
  await renew(lease, 400, { waits: true })
  await renew(lease, 1_000, { waits: true, others: 2 })
  t.equal(held.until, 4_000, 'counted from before the request that was answered')
  await renew({ ...lease, instance: 'second' }, 3_900, { others: 1 })
  await renew(lease, 4_500)
  t.same(
    asked.map(({ instance, wait }) => [instance, wait]),
    [
      [null, false],
      ['first', true],
      ['first', false],
      ['first', false],
      ['first', false],
      ['first', false],
      [null, false],
      ['second', false],
    ],
    'a renewal waits only while more than half of a lease is left',
  )
  await t.rejects(renew(lease, 5_000, { others: 99 }))
  t.equal(asked.length, 8 + 16, 'it gives up')
})

t.test('a caller that leaves answers nothing, and tells the instance that lent', async (t) => {
  const { time, caller: held, renew } = caller()
  const told: LeaseRequest[] = []
  const tell = async (request: LeaseRequest) => {
    t.notOk(held.holds(time.now), 'it says so afterwards')
    return told.push(request) > 1 ? ('left' as const) : ('other_instance' as const)
  }
  await held.leave(tell)
  t.same(told, [], 'it held nothing')
  await renew({ cursor: at(10), revoked: null, ms: 2_000 }, 0)
  await held.leave(tell)
  t.match(told, [{ instance: 'first' }, { instance: 'first', cursor: at(10) }])
})

t.test('a request that still waits when its caller leaves is lent nothing', async (t) => {
  const { time, grants } = instance()
  const { lend } = createLender(grants, { know() {} })
  const request = { caller: 'a', key: 'shop', instance: null, cursor: null, wait: false, leave: false }
  const lease = await lend(request)
  if (typeof lease === 'string' || 'refused' in lease) throw new Error('no lease')
  const held = { ...request, instance: lease.instance, cursor: lease.cursor }
  // A proxy, or the worker in between, has not noticed that the caller gave it up.
  const waits = lend({ ...held, wait: true })
  t.equal(await lend({ ...held, leave: true }), 'left')
  time.now = 1_000
  grants.extend(1_000, 1_000)
  t.match(await waits, { refused: 'no_lease' })
  t.notOk(grants.outlived(), 'no logout waits for it')
})

t.test('an instance that is behind another takes nothing back', async (t) => {
  const { caller: held, renew } = caller()
  await renew({ cursor: at(12), revoked: null, ms: 2_000 }, 0)
  await renew({ cursor: at(10), revoked: [], ms: 500 }, 1_000)
  t.notOk(held.mayKeep(at(11)))
  t.equal(held.until, 2_000)
})

t.test('the lease and the memory of one server end when another one grants a lease', async (t) => {
  const { caller: held, evicted, renew } = caller()
  await renew({ cursor: at(12), revoked: null, ms: 2_000 }, 0)
  await renew({ cursor: at(10, 'two'), revoked: [], ms: 500 }, 1_000)
  t.same(evicted, [null, null])
  t.equal(held.until, 1_500)
  t.ok(held.mayKeep(at(10, 'two')))
  await t.rejects(held.renew(async () => Promise.reject(new Error('no answer'))))
  t.equal(held.until, 1_500)
})

t.test(
  'an instance that is not reached in 16 tries is asked once in a renewal, until one grants a lease',
  async (t) => {
    const { caller: held, renew } = caller()
    await renew({ cursor: at(12), revoked: null, ms: 2_000 }, 0)
    let asked = 0
    const elsewhere = () =>
      held
        .renew(async () => {
          asked++
          return 'other_instance'
        })
        .catch(() => asked)
    t.equal(await elsewhere(), 16)
    t.equal(await elsewhere(), 17)
    await renew({ cursor: at(12), revoked: [], ms: 2_000 }, 2_000)
    t.equal(await elsewhere(), 33)
  },
)

t.test('the caller in Python does what docs/leases-vectors.json says', { skip: skipPython }, async (t) => {
  const { stdout } = await runProgram(PYTHON, ['examples/python/test_vectors.py'])
  t.match(stdout, /sequences played, 0 failures/)
})
