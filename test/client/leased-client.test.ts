/**
 * An application whose client answers checks from memory, at the real service: with one and with two workers, behind a load balancer that
 * changes instances, and when the service is killed or frozen. After a logout has answered, no check says "valid".
 */
import { createClient, type LeaseOptions } from '@global-logout/client'
import t, { type Test } from 'tap'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { run } from '../support/command.ts'
import { noHaproxy, startHaproxy } from '../support/haproxy.ts'
import { freePort } from '../support/ports.ts'
import { json, startService } from '../support/service.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitFor } from '../support/within.ts'
import { bearer } from './sessions-suite.ts'

const env = { CHECK_MODE: 'leased' }
const service = await startService({ env })
const { addUser, database, signIn } = service
const { key } = await service.keyFor('leases', 'sessions:create', 'users:delete')
const UNDECIDED = { name: 'UndecidedError' }

/** A client, with the requests that it has sent, by path. Closed when the test ends. */
function open(t: Test, url: string, leases: LeaseOptions = {}) {
  const sent: string[] = []
  const errors: unknown[] = []
  const client = createClient({
    url,
    key,
    checks: 'leased',
    leases: { onError: (error) => errors.push(error), ...leases },
    fetch: async (input, init) => {
      sent.push(new URL(String(input)).pathname)
      return fetch(input, init)
    },
  })
  t.teardown(client.close)
  const checks = () => sent.filter((path) => path === '/check').length
  /** Resolves once a check of the session is answered without a request. */
  const fromMemory = (token: string) =>
    waitFor('an answer from memory', async () => {
      const before = checks()
      const identity = await client.check(bearer(token)).catch(() => null)
      return identity && checks() === before
    })
  return { ...client, sent, errors, checks, fromMemory }
}

type Opened = ReturnType<typeof open>

/** A logout everywhere, by another device. Resolves when it has answered. */
async function logOutElsewhere(t: Test, base: string, token: string): Promise<void> {
  const { headers, ...init } = json({ scope: 'global' })
  const response = await boundedFetch(`${base}/api/logout`, {
    ...init,
    headers: { ...headers, ...bearer(token).headers, connection: 'close' },
  })
  t.equal(response.status, 200)
}

/** Signs in on two devices, and out everywhere, again and again. Checks go on meanwhile. */
async function signInAndOut(t: Test, client: Opened, base: string, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const userId = await addUser()
    const [phone, laptop] = [(await signIn(userId)).token, (await signIn(userId)).token]
    await client.fromMemory(laptop)
    await client.fromMemory(phone)
    let over = false
    const busy = (async () => {
      while (!over) {
        await client.check(bearer(laptop))
        await new Promise(setImmediate)
      }
    })()
    await logOutElsewhere(t, base, phone)
    t.equal(await client.check(bearer(laptop)), null, 'signed out')
    t.equal(await client.check(bearer(phone)), null)
    over = true
    await busy
  }
}

t.test('after a logout elsewhere the next check is signed out; until then none asks', async (t) => {
  const client = open(t, service.base)
  await signInAndOut(t, client, service.base, 10)
  const { token } = await signIn(await addUser())
  await client.fromMemory(token)
  const before = client.checks()
  for (let n = 0; n < 1_000; n++) t.ok(await client.check(bearer(token)))
  t.equal(client.checks(), before)
  t.same(client.errors, [])
})

t.test('a logout by the client itself, and the removal of a user, too', async (t) => {
  const client = open(t, service.base)
  const userId = await addUser()
  const [first, second, third] = [await signIn(userId), await signIn(userId), await signIn(userId)]
  for (const { token } of [first, second, third]) await client.fromMemory(token)
  await client.logout(bearer(first.token))
  t.equal(await client.check(bearer(first.token)), null)
  t.ok(await client.check(bearer(second.token)), 'it ended this session only')
  await client.logout(bearer(second.token), { scope: 'global' })
  for (const { token } of [second, third]) t.equal(await client.check(bearer(token)), null)

  const other = await addUser()
  const { token } = await signIn(other)
  await client.fromMemory(token)
  await client.removeUser(other)
  t.equal(await client.check(bearer(token)), null)
})

t.test('a key without the scope, and a service without leases: each check asks', async (t) => {
  const other = await service.keyFor('introspect')
  const { base } = await startService({ database })
  const { token } = await signIn(await addUser())
  for (const [url, used, code] of [
    [service.base, other.key, 'insufficient_scope'],
    [base, key, 'no_lease'],
  ] as const) {
    const errors: unknown[] = []
    const onError = (error: unknown) => errors.push(error)
    const client = createClient({ url, key: used, checks: 'leased', leases: { onError } })
    t.teardown(client.close)
    for (let n = 0; n < 3; n++) t.ok(await client.check(bearer(token)))
    await waitFor('the error', () => errors.length > 0)
    t.match(errors, [{ code }])
  }
})

t.test('uses are told: a session that is used from memory shows when it was last seen', async (t) => {
  const client = open(t, service.base)
  const { token, id } = await signIn(await addUser())
  const seen = async () =>
    (await database.psql<{ at: Date }>(`select "lastSeenAt" as at from session where id = $1`, [id]))[0]?.at
  await database.psql(
    `update session set "lastSeenAt" = "lastSeenAt" - interval '59 seconds' where id = $1`,
    [id],
  )
  const before = await seen()
  await client.fromMemory(token)
  await waitFor('the use', async () => {
    await client.check(bearer(token))
    await service.lastSeen.flush()
    return String(await seen()) !== String(before)
  })
})

t.test('behind a load balancer that changes instances', { skip: noHaproxy }, async (t) => {
  const there = await startService({ database, env })
  const base = await startHaproxy([service.base, there.base])
  const client = open(t, base)
  await signInAndOut(t, client, base, 12)
  t.same(client.errors, [])
  const holders = async () => {
    const metrics = [service.base, there.base].map(async (each) =>
      (await boundedFetch(`${each}/metrics`)).text(),
    )
    return (await Promise.all(metrics)).map((text) =>
      Number(/^global_logout_callers (\d+)$/m.exec(text)?.[1]),
    )
  }
  const [here = 0, beyond = 0] = await holders()
  t.equal(here + beyond, 1, 'it holds a lease of one instance')
  await client.close()
  await waitFor('the end of the lease', async () => (await holders()).every((count) => count === 0))
})

/** The service as a process of its own, which can be killed. */
async function startProcess(t: Test, workers: number) {
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const settings = { DATABASE_URL: database.url, PORT: String(port), WORKERS: String(workers), ...env }
  const start = async () => {
    const started = run(['start'], { env: settings })
    await started.ready(port)
    return started
  }
  let running = await start()
  t.teardown(() => running.child.kill('SIGKILL'))
  return {
    base,
    signal: (signal: NodeJS.Signals) => running.child.kill(signal),
    restart: async () => {
      running.child.kill('SIGKILL')
      await running.ended
      running = await start()
    },
  }
}

t.test('a service with two workers: any of them lends, and tells of logouts', async (t) => {
  const { base } = await startProcess(t, 2)
  const client = open(t, base)
  await signInAndOut(t, client, base, 10)
  await signInAndOut(t, client, service.base, 3)
  t.same(client.errors, [])
})

t.test('a service that is killed or frozen leaves nothing behind that is valid for ever', async (t) => {
  const instance = await startProcess(t, 1)
  const client = open(t, instance.base)
  const userId = await addUser()
  const [phone, laptop] = [(await signIn(userId)).token, (await signIn(userId)).token]

  t.test('frozen', async (t) => {
    await client.fromMemory(laptop)
    instance.signal('SIGSTOP')
    t.ok(await client.check(bearer(laptop)), 'its lease is not over')
    await logOutElsewhere(t, service.base, phone)
    await t.rejects(client.check(bearer(laptop)), UNDECIDED)
    instance.signal('SIGCONT')
    const decided = () => client.check(bearer(laptop)).catch(() => undefined)
    t.equal(
      await waitFor('an answer', async () => ((await decided()) === undefined ? false : 'decided')),
      'decided',
    )
    t.equal(await client.check(bearer(laptop)), null)
  })

  t.test('killed', async (t) => {
    const another = await addUser()
    const [first, second] = [(await signIn(another)).token, (await signIn(another)).token]
    await client.fromMemory(second)
    instance.signal('SIGKILL')
    t.ok(await client.check(bearer(second)), 'its lease is not over')
    await logOutElsewhere(t, service.base, first)
    await t.rejects(client.check(bearer(second)), UNDECIDED)
    await instance.restart()
    t.equal(await client.check(bearer(second)), null)
    const { token } = await signIn(another)
    await client.fromMemory(token)
  })
})

t.test('a connection that is cut or reset is another one, and no check fails', async (t) => {
  const proxy = await startTcpProxy(service.base)
  const client = open(t, proxy.url)
  const userId = await addUser()
  const { token } = await signIn(userId)
  await client.fromMemory(token)
  for (let n = 0; n < 5; n++) {
    proxy.cut()
    for (let check = 0; check < 20; check++) {
      t.ok(await client.check(bearer(token)))
      await new Promise((done) => setTimeout(done, 10))
    }
  }
  await client.fromMemory(token)
  await logOutElsewhere(t, service.base, (await signIn(userId)).token)
  t.equal(await client.check(bearer(token)), null)
})
