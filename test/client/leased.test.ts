/**
 * An application that answers checks from its own memory: no logout has answered, here or at the service, while
 * it still says "valid".
 */
import { fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createDatabaseSessions, type DatabaseSessionsOptions } from '@global-logout/postgres'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { LEASE_MS, WAIT_MS } from '../../src/leases/lease.ts'
import { currentXid } from '../../src/sessions/queries.ts'
import { writePolicy } from '../../src/sessions/validity.ts'
import { login } from '../support/logins.ts'
import { noPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'
import { json, startService } from '../support/service.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { nextEvent, PATIENCE_MS, waitFor, within } from '../support/within.ts'
import type { Asked } from './leased-application.ts'
import { bearer } from './sessions-suite.ts'

const service = await startService({ env: { CHECK_MODE: 'leased' } })
const { addUser, check, database, signIn } = service
const { psql } = database
const appLogin = await login(database, 'global_logout_application')
const UNDECIDED = { name: 'UndecidedError' }

/** Starts the application on its own connections, through a proxy. Killed when the test file ends. */
async function startApplication() {
  const proxy = await startTcpProxy(appLogin.url)
  const url = Object.assign(new URL(appLogin.url), { port: new URL(proxy.url).port }).href
  const child = fork(fileURLToPath(new URL('leased-application.ts', import.meta.url)), [url], {
    execArgv: ['--conditions=global-logout-source'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  t.teardown(() => child.kill('SIGKILL'))
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  child.on('message', ({ id, result, error }: { id: number; result: unknown; error?: Error }) => {
    const asked = waiting.get(id)
    if (error) asked?.reject(Object.assign(new Error(error.message), { name: error.name }))
    else asked?.resolve(result)
  })
  await nextEvent('the application to start', child, 'message')
  let last = 0
  const ask = (what: Asked['what'], token = '', times = 1) => {
    const answer = Promise.withResolvers<unknown>()
    waiting.set(++last, answer)
    child.send({ id: last, what, token, times } satisfies Asked)
    return within(`the answer to ${what}`, answer.promise)
  }
  return {
    child,
    proxy,
    check: (token: string, times?: number) => ask('check', token, times),
    logout: (token: string) => ask('logout', token),
    close: () => ask('close'),
  }
}

const application = await startApplication()

/** Leased in this process. Closed when the test file ends. */
function open(options: DatabaseSessionsOptions = {}) {
  const given = options.db ? {} : { connectionString: appLogin.url }
  const sessions = createDatabaseSessions({
    ...given,
    checks: 'leased',
    timeoutMs: PATIENCE_MS,
    leases: { onError() {} },
    ...options,
  })
  t.teardown(sessions.close)
  return sessions
}

/** Signs in on a phone and a laptop, and waits until both application and service answer for the laptop from memory. */
async function cachedSession(by = application) {
  const userId = await addUser()
  const [phone, laptop] = [await signIn(userId), await signIn(userId)]
  const hits = service.hits()
  await waitFor('an answer from the memory of the service', async () => {
    await check(laptop.token)
    return service.hits() > hits
  })
  await waitFor('an answer of the application', () => by.check(laptop.token, 2).catch(() => null))
  return { userId, phone: phone.token, laptop: laptop.token, id: laptop.id }
}

const logOutAtService = (token: string) => service.as(token, '/api/logout', json({ scope: 'global' }))

t.test('a check that memory answers asks the database nothing', async (t) => {
  const { laptop, userId } = await cachedSession()
  const before = application.proxy.counts.requests
  t.equal(await application.check(laptop, 2_000), userId)
  const sent = application.proxy.counts.requests - before
  t.ok(sent < 200, `${sent} messages for 2,000 checks, and for the lease meanwhile`)
})

t.test('after a logout at the service has answered, the application says "signed out"', async (t) => {
  for (let round = 0; round < 5; round++) {
    const { phone, laptop } = await cachedSession()
    t.equal((await logOutAtService(phone)).status, 200)
    t.equal(await application.check(laptop), null)
  }
})

t.test('after a logout in the application has answered, the service says "signed out"', async (t) => {
  for (let round = 0; round < 5; round++) {
    const { phone, laptop } = await cachedSession()
    await application.logout(phone)
    t.equal(await check(laptop), 401)
    t.equal(await application.check(laptop), null)
  }
})

t.test('a logout waits for an application that hangs, until its lease has ended and no longer', async (t) => {
  const { phone, laptop } = await cachedSession()
  application.child.kill('SIGSTOP')
  const startedAt = performance.now()
  t.equal((await logOutAtService(phone)).status, 200)
  const waitedMs = performance.now() - startedAt
  application.child.kill('SIGCONT')
  t.equal(await application.check(laptop).catch(() => null), null, 'it does not say "valid" when it goes on')
  t.ok(waitedMs > LEASE_MS / 2, `waited ${waitedMs} ms`)
  const [{ waited_ms: recorded } = {}] = await psql<{ waited_ms: number }>(
    `select waited_ms from operation where waited_ms is not null order by at desc limit 1`,
  )
  t.ok(recorded && recorded < WAIT_MS + 5_000, `recorded ${recorded} ms`)
})

t.test('an application without its database says "undecided" once its lease has ended', async (t) => {
  const { phone, laptop } = await cachedSession()
  application.proxy.hold(true)
  const until = performance.now() + WAIT_MS
  t.equal((await logOutAtService(phone)).status, 200)
  t.ok((await application.check(laptop).catch(() => 'undecided')) !== 'valid')
  const answer = () => application.check(laptop).catch(({ name }) => name)
  t.equal(await answer(), 'UndecidedError', 'after the logout has answered')
  await sleep(Math.max(0, until - performance.now()))
  t.equal(await answer(), 'UndecidedError')
  application.proxy.hold(false)
  application.proxy.cut()
  await waitFor('an answer', async () => (await answer()) === null)
})

t.test('uses that memory answers are recorded, and a prefetch extends no session', async (t) => {
  const sessions = open()
  const recorded = async (headers: Record<string, string>) => {
    const { token, id } = await signIn(await addUser())
    await psql(`update session set "lastSeenAt" = now() - interval '57 s' where id = $1`, [id])
    // It is due three seconds after the session was read into memory.
    return waitFor('a use that is recorded', async () => {
      t.ok(await sessions.check({ headers: { ...bearer(token).headers, ...headers } }))
      const [row] = await psql<{ seen: boolean; extended: boolean }>(
        `select greatest("lastSeenAt", "passiveAt") > now() - interval '50 s' as seen, "lastSeenAt" > now() - interval '50 s' as extended
         from session where id = $1`,
        [id],
      )
      return row?.seen && row
    })
  }
  const [use, prefetch] = await Promise.all([recorded({}), recorded({ 'sec-purpose': 'prefetch' })])
  t.same([use.extended, prefetch.extended], [true, false])
})

t.test('a shorter lifetime applies to the memory of the application at once', async (t) => {
  const { laptop, id } = await cachedSession()
  const [aged] = await psql<{ xid: string }>(
    `update session set "createdAt" = now() - interval '2 days' where id = $1 returning pg_current_xact_id()::text as xid`,
    [id],
  )
  await service.barrier.wait(aged?.xid ?? '')
  await waitFor('an answer from memory', () => application.check(laptop, 2).catch(() => null))
  const set = (maxAgeSeconds: number) =>
    database.transaction(async (tx) => {
      await writePolicy(tx, { idleTimeoutSeconds: 3_600, maxAgeSeconds })
      return currentXid(tx)
    })
  await service.barrier.wait(await set(86_400))
  t.equal(await application.check(laptop), null)
  await service.barrier.wait(await set(30 * 86_400))
})

t.test('closing removes the instance, so that no logout waits for it', async (t) => {
  const instances = async () => (await psql<{ id: string }>('select id from instance')).map(({ id }) => id)
  const sessions = createDatabaseSessions({
    connectionString: appLogin.url,
    checks: 'leased',
    timeoutMs: PATIENCE_MS,
  })
  const before = await instances()
  t.equal(await sessions.check(bearer('unknown')), null)
  const [own = '', ...others] = (await instances()).filter((id) => !before.includes(id))
  t.same(others, [], 'its first check has joined')
  await sessions.close()
  await t.resolves(sessions.close(), 'once more changes nothing')
  t.notOk((await instances()).includes(own))
  await t.rejects(sessions.check(bearer('unknown')), UNDECIDED)
})

t.test('a login without the right says so, and so does a wrong address', async (t) => {
  const lost: unknown[] = []
  const stranger = open({
    connectionString: (await login(database)).url,
    leases: { onError: (error) => lost.push(error) },
  })
  await t.rejects(stranger.check(bearer('x')), { ...UNDECIDED, message: /right to call them.*doctor/ })
  t.match(lost, [{ code: '42501' }])
  const elsewhere = await startService()
  const two = open({ directConnectionString: elsewhere.database.url })
  await t.rejects(two.check(bearer('x')), { ...UNDECIDED, message: /another server or database/ })
})

t.test('options that give no connection for a lease are refused', (t) => {
  const client = postgres(appLogin.url)
  t.teardown(() => client.end())
  const db = drizzle(client)
  for (const [options, message] of [
    [{ db }, /directConnectionString/],
    [{ connectionString: appLogin.url, checks: 'sometimes' as 'leased' }, /database or leased/],
    [{ connectionString: `${appLogin.url}?pgbouncer=true` }, /pgbouncer is Prisma's/],
    [{ connectionString: appLogin.url, leases: { max: 0 } }, /leases.max/],
  ] as [DatabaseSessionsOptions, RegExp][])
    t.throws(() => createDatabaseSessions({ checks: 'leased', ...options }), { name: 'TypeError', message })
  t.end()
})

t.test(
  'a pooler in transaction mode is refused, and passed by another address',
  { skip: noPgbouncer },
  async (t) => {
    const { url } = await startPgbouncer(appLogin.url)
    await t.rejects(open({ connectionString: url }).check(bearer('x')), {
      ...UNDECIDED,
      message: /pooler in transaction mode.*directConnectionString/,
    })
    const inSessions = await startPgbouncer(appLogin.url, {
      pool_mode: 'session',
      default_pool_size: '10',
      min_pool_size: '0',
    })
    t.equal(
      await open({ connectionString: inSessions.url }).check(bearer('x')),
      null,
      'in session mode it will do',
    )
    const client = postgres(url, { prepare: false })
    t.teardown(() => client.end())
    const sessions = open({ db: drizzle(client), directConnectionString: appLogin.url })
    const { token } = await sessions.create({ user: { id: await addUser() } })
    t.ok(await sessions.check(bearer(token)))
    t.equal((await logOutAtService(token)).status, 200)
    t.equal(await sessions.check(bearer(token)), null)
  },
)

t.test('with its rights an application hears only of what was revoked since it joined', async (t) => {
  const join = async () => {
    const id = crypto.randomUUID()
    await appLogin.psql('select global_logout.join_instances($1)', [id])
    return id
  }
  const heard = async (id: string, since: string | null) =>
    (
      await appLogin.psql<{ tokens: string[] | null }>(
        'select tokens from global_logout.read_revocations($1, $2)',
        [id, since],
      )
    )[0]?.tokens
  const before = await signIn(await addUser())
  await logOutAtService(before.token)
  const id = await join()
  const after = await signIn(await addUser())
  await logOutAtService(after.token)
  t.same(await heard(id, null), [hashToken(after.token)])
  t.equal(await heard(id, '3:3:'), null, 'nothing older')
  t.equal(await heard(crypto.randomUUID(), null), null, 'and nothing without joining')
  for (const sql of [
    'select * from global_logout.revoked_session',
    'select * from global_logout.instance',
    'select global_logout.read_tokens(null)',
  ])
    await t.rejects(appLogin.psql(sql), { code: '42501' }, sql)
})

t.test(
  'an application cannot acknowledge in the name of another, or take back what it acknowledged',
  async (t) => {
    const id = crypto.randomUUID()
    await appLogin.psql('select global_logout.join_instances($1)', [id])
    const [{ xid } = { xid: '' }] = await psql<{ xid: string }>('select pg_current_xact_id()::text as xid')
    const lagging = await appLogin.psql<{ id: string }>(
      'select id::text from global_logout.lagging_instances($1)',
      [[xid]],
    )
    const all = (await psql<{ id: string }>('select id::text from instance')).map((row) => row.id)
    t.ok(lagging.length > 0)
    for (const row of lagging) t.notOk(all.includes(row.id), 'no id is told')
    const acknowledge = async (who: string, snapshot: string) =>
      (
        await appLogin.psql<{ done: boolean }>(
          `select global_logout.acknowledge_revocations($1, $2, '{}', true) as done`,
          [who, snapshot],
        )
      )[0]?.done
    for (const row of lagging) t.equal(await acknowledge(row.id, `${xid}:${xid}:`), false)
    t.equal(await acknowledge(id, '3:3:'), false)
    const next = `${BigInt(xid) + 1n}:${BigInt(xid) + 1n}:`
    t.equal(await acknowledge(id, next), true)
    await t.rejects(
      appLogin.psql('select global_logout.acknowledge_revocations($1, $2, $3, false)', [
        id,
        next,
        Array.from({ length: 33 }, () => id),
      ]),
      { code: '22023' },
    )
    await appLogin.psql('select global_logout.leave_instances($1)', [id])
  },
)
