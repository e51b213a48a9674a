/** `POST /leases`: services that check sessions in their own process. A logout waits for those that have not evicted what it ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { LEASE_MS } from '../../src/leases/lease.ts'
import type { CallerLease } from '../../src/leases/messages.ts'
import { silentLog } from '../../src/lib/log.ts'
import { endKey } from '../../src/service-api/keys.ts'
import { createLastSeen } from '../../src/sessions/last-seen.ts'
import { testDatabase } from '../support/database.ts'
import { json, type Service, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const database = await testDatabase({ max: 20 })
const env = { CHECK_MODE: 'leased' }
const lines: string[] = []
let keyLookUps = 0
const here = await startService({
  database,
  env,
  log: lines,
  wrapPool: (pool, name) => {
    if (name !== 'requests') return pool
    const query: typeof pool.query = (prepared) => {
      if (prepared.name === 'find-keys') keyLookUps++
      return pool.query(prepared)
    }
    return { ...pool, query }
  },
})
const there = await startService({ database, env })
const beside = await startService({ database })
const ada = await here.addUser('ada')
const key = await here.keyFor('leases')

interface Answer extends CallerLease {
  caller: string
  status: number
  retryAfter: string | null
  code?: string
  detail?: string
  cookies: string[]
}

/** A process that asks for leases as a client does. */
function caller(service: Service, headers: Record<string, string> = key.headers) {
  const id = crypto.randomUUID()
  let held: { instance: string; cursor: CallerLease['cursor'] } | null = null
  return {
    id,
    async ask(more: object = {}): Promise<Answer> {
      const { headers: type, ...init } = json({
        caller: id,
        instance: held?.instance ?? null,
        cursor: held?.cursor ?? null,
        ...more,
      })
      const response = await service.http('/leases', { ...init, headers: { ...type, ...headers } })
      const answer = response.status === 204 ? {} : await response.json()
      if (response.status === 200) held = { instance: answer.instance, cursor: answer.cursor }
      return { ...answer, status: response.status, retryAfter: response.headers.get('retry-after') }
    },
  }
}

/** @returns the milliseconds until the logout answered. */
async function logout(service: Service, token: string): Promise<number> {
  const start = performance.now()
  const response = await service.as(token, '/api/logout', json({ scope: 'global' }))
  t.equal(response.status, 200)
  return performance.now() - start
}

t.test(
  'an instance that applied notices lends from its next read on, and tells what is revoked',
  async (t) => {
    const before = await here.signIn(ada)
    t.ok((await logout(there, before.token)) < LEASE_MS, 'by notices')
    const shop = caller(here)
    const first = await shop.ask()
    t.equal(first.status, 200, JSON.stringify(first))
    t.match(first, { caller: shop.id, revoked: null })
    t.ok(first.ms > 0 && first.ms < LEASE_MS)
    t.same(first.cookies, here.config.cookie.names)
    const { token } = await here.signIn(ada)
    const logoutDone = logout(there, token)
    const told = await waitFor('the revocation', async () => {
      const { revoked } = await shop.ask()
      return revoked?.length && revoked
    })
    t.same(told, [hashToken(token)])
    await shop.ask()
    t.ok((await logoutDone) < LEASE_MS)
    t.equal((await shop.ask({ leave: true })).status, 204)
  },
)

t.test('with wait, it is answered when the lease is extended, and at once after a revocation', async (t) => {
  const shop = caller(here)
  await shop.ask()
  const start = performance.now()
  const rounds = [
    await shop.ask({ wait: true }),
    await shop.ask({ wait: true }),
    await shop.ask({ wait: true }),
  ]
  const ms = performance.now() - start
  t.ok(ms > 1_000, `${ms} ms`)
  for (const { revoked } of rounds) t.same(revoked, [])
  const { token } = await here.signIn(ada)
  const hinted = shop.ask({ wait: true })
  const [, { revoked }] = await Promise.all([
    logout(there, token),
    hinted.then(async (answer) => {
      await shop.ask({ wait: true })
      return answer
    }),
  ])
  t.same(revoked, [hashToken(token)])
  await shop.ask({ leave: true })
})

t.test('a logout waits for a caller that has not evicted what it ended, and for none that has', async (t) => {
  const [hangs, follows] = [caller(here), caller(here)]
  await follows.ask()
  const follow = async (done: Promise<number>) => {
    let over = false
    void done.finally(() => {
      over = true
    })
    while (!over) t.equal((await follows.ask({ wait: true })).status, 200)
    return done
  }
  const first = await here.signIn(ada)
  const askedAt = performance.now()
  const { ms } = await hangs.ask()
  await follow(logout(there, first.token))
  t.ok(performance.now() - askedAt >= ms, 'for the one that hangs')
  const second = await here.signIn(ada)
  t.ok((await follow(logout(there, second.token))) < LEASE_MS, 'once its lease is over, for the other')

  const refused = await hangs.ask({ instance: null })
  t.match(refused, { status: 503, code: 'lease_suspended' })
  const seconds = Number(refused.retryAfter)
  t.ok(seconds > 20 && seconds <= 30, `${seconds} s`)
  const metrics = await (await here.http('/metrics')).text()
  t.match(metrics, /^global_logout_callers 1$/m)
  t.match(metrics, /^global_logout_callers_suspended_total\{key="test"\} 1$/m)
  const line = lines.map((text) => JSON.parse(text)).find(({ msg }) => msg.startsWith('caller suspended'))
  t.match(line, { key: 'test', caller: `${key.id} ${hangs.id}` })
  await follows.ask({ leave: true })
})

t.test('another instance refuses a caller until its lease is over', async (t) => {
  const shop = caller(here)
  const { cursor, instance } = await shop.ask()
  const moved = caller(there)
  t.match(await moved.ask({ instance, cursor }), { status: 409, code: 'other_instance' })
  const { revoked, instance: other } = await moved.ask({ instance: null, cursor })
  t.ok(revoked, 'the cursor says what it knows')
  t.not(other, instance)
  const astray = await moved.ask({ instance, leave: true })
  t.match(astray, { status: 409, code: 'other_instance' }, 'nor does it take a leave for its own')
  await Promise.all([shop.ask({ leave: true }), moved.ask({ leave: true })])
})

t.test(
  'after its instance has joined again, a caller gets a lease once the one before is over',
  async (t) => {
    const shop = caller(here)
    const { cursor, instance } = await shop.ask()
    const held = performance.now()
    const lost = lines.length
    await database.psql('delete from instance')
    await waitFor('another lease', () =>
      lines.slice(lost).some((line) => JSON.parse(line).msg === 'lease held; answering'),
    )
    t.match(await shop.ask(), { status: 409, code: 'other_instance' })
    const { token } = await here.signIn(ada)
    t.equal(await here.check(token), 200)
    await logout(there, token)
    await waitFor('the end of its lease', () => performance.now() - held > LEASE_MS)
    const again = await shop.ask({ instance: null })
    t.equal(again.status, 200)
    t.not(again.instance, instance)
    t.ok(again.revoked === null || again.revoked.includes(hashToken(token)), `since ${cursor.snapshot}`)
    await shop.ask({ leave: true })
  },
)

t.test('a key cannot act for the callers of another key', async (t) => {
  const shop = caller(here)
  const thief = caller(here, (await here.keyFor('leases')).headers)
  const { token } = await here.signIn(ada)
  await Promise.all([shop.ask(), thief.ask({ caller: shop.id })])
  t.equal((await thief.ask({ caller: shop.id, leave: true })).status, 204)
  const done = logout(there, token)
  t.equal(await Promise.race([done, sleep(700, 'waits')]), 'waits', 'for the caller that did not leave')
  await shop.ask()
  await shop.ask()
  t.ok((await done) < LEASE_MS)
  await shop.ask({ leave: true })
})

t.test('a key is looked up once a second, and refused once it is revoked', async (t) => {
  const { id, headers } = await here.keyFor('leases')
  const shop = caller(here, headers)
  const before = keyLookUps
  const begun = performance.now()
  for (let n = 0; n < 10; n++) t.equal((await shop.ask()).status, 200)
  const most = 1 + Math.ceil((performance.now() - begun) / 1_000)
  t.ok(keyLookUps - before <= most, `${keyLookUps - before} of at most ${most}`)
  await database.transaction((tx) => endKey(tx, id, { actorKind: 'system', actorId: 'test' }))
  const start = performance.now()
  await waitFor('the key to be refused', async () => (await shop.ask()).code === 'invalid_key')
  t.ok(performance.now() - start < LEASE_MS)
})

t.test('an instance in database mode lends nothing', async (t) => {
  const answer = await caller(beside).ask()
  t.match(answer, { status: 503, code: 'no_lease', detail: /CHECK_MODE=database/, retryAfter: '1' })
  t.equal((await caller(beside).ask({ leave: true })).status, 204)
  const checked = await beside.http('/check', {
    headers: { authorization: `Bearer ${(await here.signIn(ada)).token}`, 'x-lease': '1' },
  })
  t.equal(checked.status, 200)
  t.notOk(checked.headers.has('x-session-lease'))
})

t.test('a request needs the scope, and a body as documented', async (t) => {
  const other = await here.keyFor('introspect', 'events')
  t.match(await caller(here, other.headers).ask(), { status: 403, code: 'insufficient_scope' })
  t.match(await caller(here, {}).ask(), { status: 401, code: 'key_required' })
  for (const wrong of [
    { caller: 'shop' },
    { instance: 'here' },
    { cursor: { server: 'one', snapshot: '1:2:x' } },
    { cursor: { server: 'one', snapshot: '10:12:', more: 1 } },
    { wait: 1 },
    { uses: [{ sessionId: crypto.randomUUID() }] },
    { more: 1 },
  ])
    t.match(await caller(here).ask(wrong), { status: 400, code: 'invalid_request' }, JSON.stringify(wrong))
})

t.test(
  'a check for a caller says what it needs to answer the next ones, and no other check does',
  async (t) => {
    const { token, id } = await here.signIn(ada)
    const check = async (headers: Record<string, string>) => {
      const response = await here.http('/check', {
        headers: { authorization: `Bearer ${token}`, ...headers },
      })
      t.equal(response.status, 200)
      return response.headers.get('x-session-lease')
    }
    t.equal(await check({}), null)
    t.equal(await check({ 'x-lease': '0' }), null)
    const shop = caller(here)
    await shop.ask()
    for (const from of ['database', 'memory']) {
      const { cursor } = await shop.ask()
      const told = JSON.parse((await check({ 'x-lease': '1' })) ?? 'null')
      const policy = here.config.policy.idleTimeoutSeconds
      t.match(told, { token: hashToken(token), server: cursor.server, interval: Number }, from)
      t.ok(told.seconds > policy * 0.98 && told.seconds < policy, `${told.seconds} of ${policy} s`)
      t.ok(told.touch > 0 && Math.max(told.touch, told.passive) <= told.interval + 2, JSON.stringify(told))
      t.ok(Number.parseInt(told.snapshot, 10) >= Number.parseInt(cursor.snapshot, 10), 'it covers the cursor')
    }
    t.equal(
      await check({ 'x-lease': '1', 'x-max-auth-age': '600' }),
      null,
      'an age says nothing of later checks',
    )
    t.equal(
      (await here.http('/check', { headers: { authorization: 'Bearer x', 'x-lease': '1' } })).status,
      401,
    )

    await database.psql(`update session set "lastSeenAt" = now() - interval '10 minutes' where id = $1`, [id])
    await shop.ask({ uses: [{ sessionId: id, activity: true }] })
    await waitFor('the use to be recorded', async () => {
      const [row] = await database.psql<{ recent: boolean }>(
        `select "lastSeenAt" > now() - interval '1 minute' as recent from session where id = $1`,
        [id],
      )
      return row?.recent
    })
    await shop.ask({ leave: true })
  },
)

t.test('what services tell of uses leaves room for the checks of users', async (t) => {
  const written: string[] = []
  const lastSeen = createLastSeen(async (ids) => void written.push(...ids), silentLog)
  t.teardown(lastSeen.close)
  for (let n = 0; n < 20_000; n++) lastSeen.record(`told ${n}`, true, true)
  lastSeen.record('a check')
  await lastSeen.flush()
  t.ok(written.includes('told 0') && written.includes('a check'))
})
