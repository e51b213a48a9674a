/**
 * Checks from the memory of the caller, in simulated time. A session that has ended is never answered from memory once the logout may be
 * answered; without a lease the service is asked. The simulation of `test/leases` covers the schedules.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { createClient } from '@global-logout/client'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { credentialsOf } from '../../packages/client/src/credentials.ts'
import { onlyToken } from '../../packages/client/src/only-token.ts'
import { webHash } from '../../packages/client/src/token-hash.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { LEASE_MS } from '../../src/leases/lease.ts'
import { readCredential } from '../../src/sessions/credentials.ts'
import { otherTokens } from '../../src/sessions/other-tokens.ts'
import { seed } from '../support/seed.ts'
import { callerOf, type FakeInstance, fakeCaller, fakeInstance, fakeTime, problem } from './fake-leases.ts'
import { failuresWith, MISTAKES } from './lease-mistakes.ts'
import { failures } from './lease-vectors.ts'

/** A caller of one instance that holds a lease, and has seen the session `phone` of ada once. */
async function start(t: Test, options: Parameters<typeof fakeCaller>[2] = {}, time = fakeTime()) {
  const service = fakeInstance(time)
  service.sessions.set('phone', { userId: 'ada', seconds: 1_800 })
  const caller = fakeCaller(time, () => service, options)
  t.equal(await caller.check('phone'), 'ada', 'asked before the first lease')
  await time.settle()
  t.equal(await caller.check('phone'), 'ada', 'asked, and kept')
  t.equal(service.checks, 2)
  return { time, service, caller }
}

t.test('a session is answered from memory, for as long as the lease is renewed', async (t) => {
  const { time, service, caller } = await start(t)
  for (let second = 0; second < 20; second++) {
    await time.advance(1_000)
    t.same(await caller.verdict({ headers: { cookie: 'sid=phone' } }), {
      identity: {
        userId: 'ada',
        sessionId: 'id-phone',
        createdAt: new Date(1_795_000_000_000),
        expiresAt: new Date(1_795_600_000_000),
        authTime: new Date(1_795_000_000_000),
      },
    })
  }
  t.equal(service.checks, 2)
  t.ok(service.bodies.length < 25, `${service.bodies.length} requests for leases in 20 seconds`)
})

t.test(
  'a logout waits for the caller no longer than its answer takes, and the session is asked again',
  async (t) => {
    const { time, service, caller } = await start(t)
    await time.advance(5_300)
    const isOver = service.revoke('phone')
    t.notOk(isOver(), 'the caller has yet to apply it')
    await time.settle()
    t.ok(isOver(), 'it renews when something is revoked, and says at once that it has applied it')
    t.equal(await caller.check('phone'), null)
    t.equal(await caller.check('phone'), null, 'a refusal is not kept')
    t.equal(service.checks, 4)
  },
)

t.test('a process that was frozen asks, and keeps what it may keep', async (t) => {
  const { time, service, caller } = await start(t)
  await time.advance(2_000)
  time.jump(10_000)
  const isOver = service.revoke('phone')
  service.sessions.set('laptop', { userId: 'ada', seconds: 1_800 })
  t.ok(isOver(), 'its lease is over')
  t.equal(await caller.check('phone'), null)
  t.equal(service.checks, 3)
  await time.advance(5_000)
  t.equal(await caller.check('laptop'), 'ada')
  t.equal(await caller.check('laptop'), 'ada')
  t.equal(service.checks, 4)
})

t.test('a caller that is cut off answers until its lease is over, and then is undecided', async (t) => {
  const { time, service, caller } = await start(t)
  await time.advance(1_000)
  service.instead = () => Promise.reject(new TypeError('fetch failed'))
  await time.advance(500)
  t.equal(await caller.check('phone'), 'ada')
  t.same(caller.errors, [], 'not loud while it holds a lease')
  await time.advance(2_500)
  await t.rejects(caller.check('phone'), { name: 'UndecidedError' })
  await time.advance(10_000)
  t.equal(caller.errors.length, 1, 'loud once')
  service.instead = null
  await time.advance(1_100)
  t.equal(await caller.check('phone'), 'ada')
  t.equal(service.checks, 2, 'nothing was revoked meanwhile: the memory is as it was')
})

t.test('a request that is not answered is given up before the lease ends', async (t) => {
  const { time, service, caller } = await start(t)
  await time.advance(3_000)
  let lost = 1
  service.instead = (path) => (path === '/leases' && lost-- > 0 ? new Promise(() => {}) : null)
  for (let n = 0; n < 60; n++) {
    await time.advance(100)
    await caller.check('phone')
  }
  t.ok(service.checks <= 2 + 10, `${service.checks} checks asked in the second without a lease`)
  t.same(caller.errors, [])
})

t.test('a lease counts from before its request, however late the answer', async (t) => {
  const { time, service, caller } = await start(t)
  service.delay = async (path) => void (path === '/leases' && (await time.sleep(1_200)))
  for (let round = 0; round < 20; round++) {
    service.sessions.set('tablet', { userId: 'ada', seconds: 1_800 })
    await caller.check('tablet')
    await time.advance(1_000 + round * 70)
    const isOver = service.revoke('tablet')
    while (!isOver()) await time.advance(10)
    t.equal(await caller.check('tablet'), null)
  }
  const { checks } = service
  await time.advance(1_500)
  await caller.check('phone')
  t.ok(service.checks <= checks + 1)
})

t.test('an answer that was read before a revocation is answered, and not kept', async (t) => {
  const { time, service, caller } = await start(t)
  service.sessions.set('laptop', { userId: 'ada', seconds: 1_800 })
  await time.advance(2_000)
  service.delay = (path) => (path === '/check' ? time.sleep(500).then(() => {}) : Promise.resolve())
  const raced = caller.check('laptop')
  await time.advance(100)
  const isOver = service.revoke('laptop')
  await time.advance(300)
  t.ok(isOver(), 'the logout is answered while the check is on its way')
  await time.advance(200)
  t.equal(await raced, 'ada', 'it began before')
  service.delay = async () => {}
  t.equal(await caller.check('laptop'), null)
})

t.test('behind a load balancer a caller holds a lease of one instance at a time', async (t) => {
  const time = fakeTime()
  const instances = [fakeInstance(time), fakeInstance(time)] as const
  const [first, second] = instances
  for (const { sessions } of instances) sessions.set('phone', { userId: 'ada', seconds: 1_800 })
  let turn = 0
  const caller = fakeCaller(time, () => instances[turn++ % 2] as FakeInstance)
  for (let n = 0; n < 100; n++) {
    await time.advance(100)
    t.equal(await caller.check('phone'), 'ada')
  }
  t.ok(first.checks + second.checks <= 3, 'answered from memory')
  const holding = instances.filter(({ grants }) => grants.outlived())
  t.equal(holding.length, 1)
  const refused = instances.find((instance) => instance !== holding[0])
  t.ok(refused && refused.bodies.length > 5, 'the other one is asked, and lends nothing')
  t.ok(refused?.bodies.every(({ instance }) => instance !== null))
  t.ok(
    caller.sent.some(({ connection }) => connection === 'close'),
    'another connection may lead elsewhere',
  )

  const gone = holding[0] as FakeInstance
  turn = 0
  const rest = instances.filter((instance) => instance !== gone)
  gone.instead = () => Promise.reject(new TypeError('fetch failed'))
  await time.advance(6_000)
  t.ok(rest[0]?.grants.outlived(), 'another one lends when that lease is over')
  t.same(caller.errors.length, 0)
})

t.test('only so many sessions are kept, the last ones', async (t) => {
  const { service, caller } = await start(t, { max: 2 })
  for (const token of ['a', 'b', 'c']) service.sessions.set(token, { userId: token, seconds: 1_800 })
  for (const token of ['a', 'b', 'c', 'c', 'b']) t.equal(await caller.check(token), token)
  t.equal(service.checks, 5)
  await caller.check('a')
  await caller.check('phone')
  t.equal(service.checks, 7)
  for (const max of [0, 1.5, Number.NaN])
    t.throws(() => fakeCaller(fakeTime(), () => service, { max }), TypeError)
})

t.test('a session that is not used ends in memory, too', async (t) => {
  const { time, service, caller } = await start(t)
  service.sessions.set('short', { userId: 'ada', seconds: 100 })
  await caller.check('short')
  await time.advance(98_000)
  await caller.check('short')
  t.equal(service.checks, 3)
  await time.advance(1_500)
  await caller.check('short')
  t.equal(service.checks, 4, 'a second early: the clock may be slow')
})

t.test('uses are told with the renewal, once in an interval', async (t) => {
  const { time, service, caller } = await start(t)
  const uses = () => service.bodies.flatMap(({ uses }) => uses)
  const prefetch = { 'sec-purpose': 'prefetch' }
  for (let second = 0; second < 59; second++) {
    await time.advance(1_000)
    await caller.check('phone')
  }
  t.same(uses(), [], 'the check that asked counts')
  for (let second = 0; second < 10; second++) {
    await time.advance(1_000)
    await caller.check('phone', prefetch)
    await caller.check('phone', prefetch)
  }
  t.same(uses(), [{ sessionId: 'id-phone', activity: false }])
  const lost = [() => problem(409, 'other_instance'), () => Promise.reject(new Error('lost'))]
  service.instead = (path) => (path === '/leases' ? (lost.shift()?.() ?? null) : null)
  await caller.check('phone')
  await time.advance(6_000)
  t.same(uses().slice(1), [{ sessionId: 'id-phone', activity: true }], 'told again after a loss')
  await caller.check('phone')
  await time.advance(2_000)
  t.equal(uses().length, 2)
})

t.test('a caller that closes holds no logout up, and asks from then on', async (t) => {
  const { time, service, caller } = await start(t)
  await time.advance(2_500)
  t.ok(service.grants.outlived())
  await caller.close()
  t.notOk(service.grants.outlived())
  t.match(service.bodies.at(-1), { leave: true })
  await time.advance(5_000)
  const { checks, bodies } = service
  const asked = bodies.length
  t.equal(await caller.check('phone'), 'ada')
  t.equal(service.checks, checks + 1)
  await time.advance(5_000)
  t.equal(bodies.length, asked)
  t.same(caller.errors, [])
})

t.test(
  'a caller that closes tells the last uses, and waits for an answer no longer than for a lease',
  async (t) => {
    const time = fakeTime()
    const refuse = () => time.sleep(400).then(() => problem(409, 'other_instance'))
    for (const [instead, ms] of [
      [null, 0],
      [() => new Promise<Response>(() => {}), 2_000],
      [refuse, LEASE_MS],
    ] as const) {
      const { service, caller } = await start(t, {}, time)
      await time.advance(61_000)
      t.equal(await caller.check('phone'), 'ada')
      t.equal(service.checks, 2, 'from memory')
      service.instead = instead
      let isClosed = false
      void caller.close().then(() => {
        isClosed = true
      })
      if (ms > 0) await time.advance(ms - 1)
      t.notOk(isClosed)
      await time.advance(1)
      await time.settle()
      t.ok(isClosed)
      if (!instead)
        t.match(service.bodies.at(-1), { leave: true, uses: [{ sessionId: 'id-phone', activity: true }] })
    }
  },
)

t.test('the renewal is no part of the request that began it; its check is', async (t) => {
  const time = fakeTime()
  const service = fakeInstance(time)
  const requests = new AsyncLocalStorage<string>()
  const seen = new Map<string, string | undefined>()
  service.instead = (path) => {
    seen.set(path, requests.getStore())
    return null
  }
  const caller = fakeCaller(time, () => service)
  await requests.run('first', () => caller.check('phone'))
  await time.advance(2_000)
  t.same([...seen].sort(), [
    ['/check', 'first'],
    ['/leases', undefined],
  ])
})

t.test('without leases each check asks, and the reason is told once', async (t) => {
  const refusals: [status: number, code: string, headers: Record<string, string>, retried: number][] = [
    [403, 'insufficient_scope', {}, 30_000],
    [404, 'not_found', {}, 30_000],
    [503, 'lease_suspended', { 'retry-after': '20' }, 20_000],
    [503, 'no_lease', {}, 1_000],
  ]
  for (const [status, code, headers, retried] of refusals) {
    const time = fakeTime()
    const service = fakeInstance(time)
    service.sessions.set('phone', { userId: 'ada', seconds: 1_800 })
    let asked = 0
    service.instead = (path) => {
      if (path !== '/leases') return null
      asked++
      return problem(status, code, headers)
    }
    const caller = fakeCaller(time, () => service)
    for (let second = 0; second < 15; second++) {
      t.equal(await caller.check('phone'), 'ada')
      await time.advance(1_000)
    }
    t.equal(service.checks, 15)
    t.match(caller.errors, [{ name: 'ServiceError', status, code }])
    t.equal(caller.errors.length, 1)
    t.equal(asked, Math.floor(15_000 / retried) + 1, `${code} is tried again`)
    service.instead = null
    await time.advance(retried)
    await caller.check('phone')
    t.equal(await caller.check('phone'), 'ada')
    t.equal(service.checks, 16)
  }
})

t.test('a lease is asked for again whatever onError throws', async (t) => {
  const time = fakeTime()
  const service = fakeInstance(time)
  service.instead = (path) => (path === '/leases' ? problem(503, 'no_lease') : null)
  const thrown: unknown[] = []
  const caller = fakeCaller(time, () => service, {
    onError() {
      throw new Error('of the application')
    },
  })
  process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error))
  t.teardown(() => process.setUncaughtExceptionCaptureCallback(null))
  await caller.check('phone')
  await time.advance(100)
  t.match(thrown, [{ message: 'of the application' }])
  service.instead = null
  await time.advance(2_000)
  t.ok(service.grants.outlived(), 'it holds one')
  await caller.close()
})

t.test('an answer that is not from the service is no lease', async (t) => {
  const lease = {
    instance: 'x',
    cursor: { server: 'one', snapshot: '10:10:' },
    revoked: [],
    ms: 2_000,
    cookies: [],
  }
  const wrong = [
    { ...lease, caller: crypto.randomUUID() },
    { ...lease, caller: undefined },
    { ...lease, instance: '' },
    { ...lease, cursor: null },
    { ...lease, cursor: { server: 'one', snapshot: 'later' } },
    { ...lease, revoked: undefined },
    { ...lease, revoked: [1] },
    { ...lease, ms: 60_000 },
    { ...lease, ms: -1 },
    { ...lease, ms: '2000' },
    { ...lease, cookies: null },
  ]
  for (const body of wrong) {
    const time = fakeTime()
    const service = fakeInstance(time)
    service.sessions.set('phone', { userId: 'ada', seconds: 1_800 })
    service.instead = (path, { body: sent }) =>
      path === '/leases' ? Response.json({ caller: JSON.parse(String(sent)).caller, ...body }) : null
    const caller = fakeCaller(time, () => service)
    for (let n = 0; n < 3; n++) {
      t.equal(await caller.check('phone'), 'ada')
      await time.advance(100)
    }
    t.equal(service.checks, 3, JSON.stringify(body))
    t.match(caller.errors, [{ code: 'no_answer' }])
  }
})

t.test('an answer that does not say what it is about is not kept', async (t) => {
  const { time, service, caller } = await start(t)
  const valid = {
    ...{ 'x-user-id': 'ada', 'x-session-id': 'id' },
    ...{ 'x-session-created': '1795000000', 'x-session-expires': '1795600000' },
  }
  const cases: [kept: boolean, change: object | string][] = [
    [true, {}],
    [false, { token: hashToken('another') }],
    [false, { snapshot: '9:9:' }],
    [false, { snapshot: 'later' }],
    [false, { server: 'two' }],
    [false, { seconds: null }],
    [false, { touch: '60' }],
    [false, '{'],
    [false, ''],
  ]
  for (const [kept, change] of cases) {
    const lifetime = { seconds: 100, touch: 60, passive: 60, interval: 60 }
    const lease = { token: hashToken('other'), ...service.grants.cursor, ...lifetime }
    const said = typeof change === 'string' ? change : JSON.stringify({ ...lease, ...change })
    let asked = 0
    service.instead = (path) => {
      if (path !== '/check') return null
      asked++
      return new Response(null, { headers: { ...valid, 'x-session-lease': said } })
    }
    await caller.check('other')
    await caller.check('other')
    t.equal(asked, kept ? 1 : 2, said)
    service.revoke('other')
    await time.settle()
  }
})

const NAMES = ['__Host-authjs.session-token', 'sid', 'authjs.session-token']

t.test('what is answered from memory has one credential, the one that the service reads', async (t) => {
  const only = (headers: Record<string, string | string[]>) => onlyToken(credentialsOf({ headers }), NAMES)
  for (const [token, headers] of [
    ['x', { cookie: 'sid=x' }],
    ['x', { cookie: 'theme=dark; sid=x; lang=de' }],
    ['x', { Cookie: 'sid2=y;\tsid=x;a' }],
    ['x=y', { cookie: 'sid=x=y' }],
    ['x', { authorization: 'Bearer x' }],
    ['x', { AUTHORIZATION: 'bearer x', cookie: 'theme=sid=y' }],
    [null, {}],
    [null, { cookie: 'theme=dark' }],
    [null, { authorization: 'Basic x' }],
    [null, { cookie: 'sid=x', authorization: 'Bearer x' }],
    [null, { cookie: 'sid=x; sid=x' }],
    [null, { cookie: ['sid=x', 'sid=y'] }],
    [null, { cookie: 'sid=x', Cookie: 'sid=y' }],
    [null, { cookie: 'sid=x; authjs.session-token=y' }],
    [null, { cookie: 'sid.0=x' }],
    [null, { cookie: 'sid=x; sid.1=y' }],
    [null, { cookie: 'sid =x' }],
    [null, { cookie: 'sid=%41' }],
    [null, { cookie: 'sid="x"' }],
  ] as const)
    t.equal(only(headers as Record<string, string>), token, JSON.stringify(headers))
  t.equal(onlyToken(credentialsOf(new Request('http://x', { headers: { cookie: 'sid=x' } })), NAMES), 'x')

  const pieces = [...NAMES, 'sid.0', 'x', 'y', '=', '=', '; ', ';', ' ', '\t', '%41', '"', '.', '']
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(''))
  const authorization = fc.option(fc.constantFrom('Bearer x', 'bearer  y', 'Basic x', 'Bearer'), {
    nil: undefined,
  })
  let found = 0
  await fc.assert(
    fc.asyncProperty(text, authorization, async (cookie, authorization) => {
      const headers = { cookie, ...(authorization && { authorization }) }
      const token = only(headers)
      if (token === null) return
      const read = readCredential(headers, NAMES)
      // The memory never holds what cannot be a token.
      if (!/^[\x21-\x7e]+$/.test(token)) return
      found++
      const others = await otherTokens(headers, read, NAMES, (asked) => readCredential(asked, NAMES))
      if (others.length > 0) throw new Error(`another token in ${JSON.stringify(headers)}`)
      if (read.kind !== 'token' || read.token !== token) throw new Error(JSON.stringify(headers))
    }),
    { numRuns: 3_000, seed },
  )
  t.ok(found > 100, `${found} of them had one credential`)
})

t.test('the hash of the web platform is that of the service', async (t) => {
  for (const token of ['', 'x', 'Jörg 🦊', 'x'.repeat(300), crypto.randomUUID()])
    t.equal(await webHash(token), hashToken(token))
  const time = fakeTime()
  const service = fakeInstance(time)
  service.sessions.set('phone', { userId: 'ada', seconds: 1_800 })
  const answer = async (path: string, { body, headers }: RequestInit) =>
    path === '/leases'
      ? service.lease(JSON.parse(String(body)))
      : service.check(headers as Record<string, string>)
  const { verdict } = callerOf(time, answer, {}, webHash)
  for (let n = 0; n < 5; n++) {
    t.match(await verdict({ headers: { cookie: 'sid=phone' } }), { identity: { userId: 'ada' } })
    await time.settle()
  }
  t.equal(service.checks, 2, 'where it is asynchronous, the memory answers, too')
})

t.test('the client and the service do what docs/leases-vectors.json says', async (t) => {
  t.same([...(await failures())], [])
})

t.test('each mistake differs from the vectors that name it', async (t) => {
  for (const [mistake, names] of Object.entries(MISTAKES)) {
    t.ok(names.length > 0, mistake)
    t.same([...(await failuresWith(mistake, names)).keys()].sort(), [...names].sort(), mistake)
  }
})

t.test('leased checks need a key', (t) => {
  t.throws(() => createClient({ url: 'http://x', checks: 'leased' }), TypeError)
  t.throws(() => createClient({ url: 'http://x', key: 'glk_x', checks: 'fast' as 'leased' }), TypeError)
  t.end()
})
