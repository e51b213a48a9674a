/**
 * The service decides nothing on a standby, which may still show ended sessions and can end none. With several hosts in
 * DATABASE_URL it finds the primary.
 */
import { createServer, type Socket } from 'node:net'
import t from 'tap'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { run, runHere } from '../support/command.ts'
import { openTestDatabase, testDatabase } from '../support/database.ts'
import { ownServer } from '../support/own-server.ts'
import { freePort, listen } from '../support/ports.ts'
import { admin } from '../support/server.ts'
import { json, type Service, startService } from '../support/service.ts'
import { demote, standbyOf } from '../support/standby.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitFor } from '../support/within.ts'

const primary = await ownServer()
const standby = await standbyOf(primary)
const MODES = ['database', 'leased']

const psql = (url: string, sql: string) => admin(url, async (client) => (await client.query(sql)).rows)

/** The service on these hosts, in one of the modes. */
async function serve(url: string, CHECK_MODE: string): Promise<Service> {
  return startService({
    database: openTestDatabase(url, { max: 4 }),
    env: { CHECK_MODE },
    answers: false,
    patient: false,
  })
}

const hostOf = (url: string) => new URL(url).host
/** Both hosts in this order. */
function list(one: string, other: string): string {
  return `${one.replace(hostOf(one), `${hostOf(one)},${hostOf(other)}`)}?target_session_attrs=read-write`
}

let tokens = 0
/** Signs a new user in, on the primary. */
async function signIn(url: string): Promise<string> {
  const token = `token-${++tokens}-of-a-test-that-needs-some-length`
  const hash = `rtrim(translate(encode(sha256('${token}'), 'base64'), '+/', '-_'), '=')`
  await psql(url, `insert into "user" (id) values ('u${tokens}')`)
  await psql(
    url,
    `insert into session ("sessionToken", "userId", expires) values (${hash}, 'u${tokens}', now() + interval '1 day')`,
  )
  return token
}

/** The doctor's finding about the replica. */
async function replicaFinding(env: Record<string, string>) {
  const doctor = runHere(['doctor', '--json'], { env })
  await doctor.ended
  const all = JSON.parse(doctor.stdout()) as { level: string; what: string; detail: string }[]
  return all.find(({ what }) => what === 'replica')
}

type Tap = Pick<typeof t, 'equal' | 'match'>

/** Waits until the standby shows what was committed on the primary. */
async function replicated(): Promise<void> {
  const [{ lsn } = { lsn: '' }] = await psql(primary.url, 'select pg_current_wal_lsn()::text as lsn')
  const caughtUp = `select pg_last_wal_replay_lsn() >= '${lsn}' as yes`
  await waitFor('the standby to catch up', async () => (await psql(standby.url, caughtUp))[0]?.yes)
}

/** Waits for the first decided answer. On a loaded machine the first lease takes a while. */
async function isValid(check: Service['check'], token: string) {
  const decided = async () => {
    const status = await check(token)
    return status !== 503 && status
  }
  t.equal(await waitFor('a check that is decided', decided), 200)
}

async function nothingIsDecided(t: Tap, { as, http }: Service, token: string) {
  for (let i = 0; i < 20; i++) t.equal((await as(token, '/check')).status, 503, 'no check')
  const asked = {
    logout: await as(token, '/api/logout', json({ scope: 'global' })),
    'logout by form': await as(token, '/logout', { method: 'POST' }),
    'list of devices': await as(token, '/api/sessions'),
    page: await as(token, '/'),
  }
  for (const [what, response] of Object.entries(asked)) {
    t.equal(response.status, 503, what)
    t.equal(response.headers.get('set-cookie'), null, `${what} keeps the cookie`)
  }
  const ready = await http('/readyz')
  t.equal(ready.status, 503)
  t.match(await ready.json(), { code: 'unavailable', detail: /^The database is a standby/ })
}

t.test('on a standby every answer is 503, in both modes', async (t) => {
  const token = await signIn(primary.url)
  await replicated()
  for (const mode of MODES) {
    const service = await serve(standby.url, mode)
    await nothingIsDecided(t, service, token)
    t.notOk(service.leased?.holdsLease(), mode)
  }
})

t.test('a command on a standby fails with the reason, and doctor reports it', async (t) => {
  const env = { DATABASE_URL: standby.url }
  for (const args of [
    ['sessions', 'u1'],
    ['revoke', 'u1', '--reason', 'x', '--yes'],
    ['sweep'],
    ['migrate'],
  ]) {
    const command = runHere(args, { env })
    t.equal(await command.ended, 1, args.join(' '))
    t.match(command.output(), `${hostOf(standby.url)} is a standby`)
  }
  const doctor = runHere(['doctor', '--json'], { env })
  t.equal(await doctor.ended, 1)
  const findings = JSON.parse(doctor.stdout()) as { level: string; what: string; detail: string }[]
  t.match(
    findings.find(({ what }) => what === 'writable'),
    { level: 'problem', detail: /is a standby.*DATABASE_URL must lead to the primary, or list all hosts/ },
  )
  const onPrimary = async (more: Record<string, string> = {}) => {
    const doctor = runHere(['doctor', '--json'], { env: { DATABASE_URL: primary.url, ...more } })
    await doctor.ended
    const found = JSON.parse(doctor.stdout()) as typeof findings
    return Object.fromEntries(found.map((finding) => [finding.what, finding]))
  }
  t.match(await onPrimary(), {
    replication: { level: 'warning', detail: /none of 1 standbys is synchronous/ },
    checks: { level: 'ok', detail: /^leased/ },
  })
  t.match(await onPrimary({ CHECK_MODE: 'database' }), {
    checks: { level: 'warning', detail: /old primary is believed/ },
  })
  const service = await serve(primary.url, 'database')
  const standbys = async () => {
    const text = await (await service.http('/metrics')).text()
    return [...text.matchAll(/^global_logout_standbys\{state="(\w+)"\} (\d+)$/gm)].map(([, ...each]) => each)
  }
  await waitFor('the standby to be counted', async () => (await standbys())[1]?.[1] === '1')
  t.same(await standbys(), [
    ['synchronous', '0'],
    ['asynchronous', '1'],
    ['unknown', '0'],
  ])
  await service.close()
})

t.test('staff read from a standby, see its age, and read from the primary without it', async (t) => {
  const proxy = await startTcpProxy(standby.url)
  const log: string[] = []
  const DATABASE_READ_URL = standby.url.replace(hostOf(standby.url), new URL(proxy.url).host)
  const service = await startService({
    database: openTestDatabase(primary.url, { max: 4 }),
    env: { DATABASE_READ_URL },
    log,
  })
  const staff = await signIn(primary.url)
  await psql(primary.url, `insert into staff (user_id, role) values ('u${tokens}', 'auditor')`)
  await replicated()
  await psql(standby.url, 'select pg_wal_replay_pause()')
  await psql(primary.url, `insert into "user" (id) values ('newcomer')`)
  const find = async (path: string) => {
    const answer = await service.as(staff, path)
    t.equal(answer.status, 200, path)
    return { text: await answer.text(), at: answer.headers.get('x-data-as-of') }
  }
  for (const path of [
    '/api/admin/users?q=newcomer',
    '/api/admin/audit',
    '/admin/users?q=newcomer',
    '/admin/audit',
    '/admin',
  ])
    t.match((await find(path)).at, /^20.*Z$/, path)
  const stale = await find('/api/admin/users?q=newcomer')
  t.same(JSON.parse(stale.text).users, [], 'the standby does not have the user yet')
  t.match((await find('/admin/users?q=newcomer')).text, /Data as of .* from a replica/)
  t.equal(
    (await find(`/api/admin/users/newcomer/sessions`)).at,
    null,
    'a single user is read from the primary',
  )
  t.equal((await service.as(staff, '/check')).headers.get('x-data-as-of'), null)
  const env = { DATABASE_URL: primary.url, DATABASE_READ_URL }
  const command = runHere(['user', 'find', 'newcomer'], { env })
  t.equal(await command.ended, 0)
  t.match(command.output(), /No user found/)
  t.match(command.output(), /Data as of 20.*from DATABASE_READ_URL/)
  t.match(await replicaFinding(env), { level: 'ok', detail: /answers; its last commit is \d+ s old/ })

  proxy.leadTo('http://127.0.0.1:1')
  proxy.cut()
  const fresh = await find('/api/admin/users?q=newcomer')
  t.match(JSON.parse(fresh.text), { users: [{ id: 'newcomer' }] }, 'the primary answers')
  t.equal(fresh.at, null)
  t.match(log.join(''), /the replica at DATABASE_READ_URL cannot be read: staff read from the primary/)
  t.match(await replicaFinding(env), { level: 'warning', detail: /does not answer/ })
  t.match(await replicaFinding({ ...env, DATABASE_READ_URL: primary.url }), {
    level: 'warning',
    detail: /leads to a primary/,
  })
  await psql(standby.url, 'select pg_wal_replay_resume()')
})

t.test('with several hosts the service uses the primary, in any order', async (t) => {
  const token = await signIn(primary.url)
  for (const url of [list(standby.url, primary.url), list(primary.url, standby.url)]) {
    for (const mode of MODES) {
      const service = await serve(url, mode)
      await isValid(service.check, token)
      t.equal((await service.http('/readyz')).status, 200)
      if (mode === 'leased') await service.answersFromMemory()
    }
    const command = runHere(['sessions', 'u1', '--json'], { env: { DATABASE_URL: url } })
    t.equal(await command.ended, 0)
  }
})

t.test('a start waits while the proxy in front of the database has no primary', async (t) => {
  const ways: Record<string, (socket: Socket) => void> = {
    'it closes': (socket) => socket.end(),
    'it resets': (socket) => socket.resetAndDestroy(),
    'it closes when it gets a request': (socket) => socket.once('data', () => socket.end()),
  }
  for (const [way, answer] of Object.entries(ways)) {
    const proxy = createServer((socket) => answer(socket.on('error', () => {})))
    const port = await listen(proxy)
    const waiting = run(['start'], { env: { DATABASE_URL: `postgres://ada@127.0.0.1:${port}/app` } })
    await waiting.printed('waiting for the database').catch(({ message }) => t.fail(message))
    waiting.child.kill('SIGTERM')
    t.equal(await waiting.ended, 0, way)
    proxy.close()
  }
})

t.test(
  'after a failover the service uses the new primary and no longer trusts the old one, and a waiting start proceeds',
  async (t) => {
    const token = await signIn(primary.url)
    await replicated()
    const onOld = await Promise.all(MODES.map((mode) => serve(primary.url, mode)))
    const onBoth = await Promise.all(MODES.map((mode) => serve(list(primary.url, standby.url), mode)))
    for (const { check } of [...onOld, ...onBoth]) await isValid(check, token)
    const port = await freePort()
    const waiting = run(['start'], { env: { DATABASE_URL: standby.url, PORT: String(port) } })
    await waiting.printed('waiting for the database')
    t.match(waiting.output(), /is a standby/)

    await primary.stop()
    await psql(standby.url, 'select pg_promote()')
    await waiting.printed('Server listening')
    const ready = async () => (await boundedFetch(`http://127.0.0.1:${port}/readyz`)).status === 200
    await waitFor('the waiting start to be ready', ready)
    for (const { check } of onBoth) await isValid(check, token)
    await demote(primary.folder)
    await primary.start()
    const logOut = () => onBoth[0]?.as(token, '/api/logout', json({ scope: 'global' }))
    const logout = await waitFor('the logout to be decided', async () => {
      const answer = await logOut()
      return answer?.status !== 503 && answer
    })
    t.equal(logout?.status, 200)
    for (const { check } of onBoth) t.equal(await check(token), 401)
    const shown = await psql(primary.url, `select from session where "userId" = 'u${tokens}'`)
    t.equal(shown.length, 1, 'the old primary still shows it')
    for (const service of onOld) await nothingIsDecided(t, service, token)
    waiting.child.kill('SIGTERM')
    t.equal(await waiting.ended, 0)
  },
)

t.test('of two primaries, a leased service answers only from the one that grants its lease', async (t) => {
  // Promoted separately: even the numbers of their timelines are the same.
  await psql(primary.url, 'select pg_promote()')
  const [left, current] = [primary.url, standby.url]
  const [over, valid] = [await signIn(left), await signIn(current)]
  const proxy = await startTcpProxy(left)
  const service = await serve(left.replace(hostOf(left), hostOf(proxy.url)), 'leased')
  const answers = async (token: string) => [
    await service.check(token),
    (await service.as(token, '/api/session')).status,
    (await service.as(token, '/api/logout', json({ scope: 'local' }))).status,
  ]
  await isValid(service.check, over)
  t.equal((await service.as(over, '/api/session')).status, 200)

  proxy.leadTo(current)
  await psql(
    left,
    `select pg_terminate_backend(pid) from pg_stat_activity where query like 'update %instance% set %'`,
  )
  const hasMoved = async () =>
    (await psql(current, 'select from instance where applied is not null')).length > 0
  await waitFor('a lease of the other server', hasMoved)
  await waitFor('an answer of the other server', async () => (await service.check(valid)) === 200)
  t.same(await answers(over), [401, 401, 401], 'open connections to the replaced server are not used')

  await psql(current, `alter system set synchronous_standby_names = 'nowhere'`)
  await psql(current, 'select pg_reload_conf()')
  await waitFor('the lease to end', () => !service.leased?.holdsLease())
  t.same(await answers(over), [503, 503, 503], 'a server that cannot commit grants no lease')
  t.same(await answers(valid), [503, 503, 503])
  t.equal((await service.http('/readyz')).status, 503)
  await psql(current, 'alter system reset synchronous_standby_names')
  await psql(current, 'select pg_reload_conf()')
  await isValid(service.check, valid)
  t.same(await answers(valid), [200, 200, 200])
})

t.test('staff never read from a server of another cluster, nor from a replaced primary', async (t) => {
  const [left, current] = [primary.url, standby.url]
  const staff = await signIn(current)
  await psql(current, `insert into staff (user_id, role) values ('u${tokens}', 'auditor')`)
  await psql(left, `insert into "user" (id) values ('only-left')`)
  const { url: elsewhere } = await testDatabase()
  const wrong = /DATABASE_READ_URL leads to the wrong server and is not read/
  const log: string[] = []
  const serveWith = (DATABASE_READ_URL: string) =>
    startService({ database: openTestDatabase(current, { max: 4 }), env: { DATABASE_READ_URL }, log })
  const find = async ({ as }: Service) =>
    ((await (await as(staff, '/api/admin/users?q=only')).json()) as { users: object[] }).users

  const proxy = await startTcpProxy(current)
  const service = await serveWith(current.replace(hostOf(current), hostOf(proxy.url)))
  t.same(await find(service), [])
  t.notMatch(log.join(''), wrong, 'the primary itself is accepted')
  proxy.leadTo(left)
  proxy.cut()
  // The first read may find its connection cut.
  const found = await waitFor('a read', async () => {
    const answer = await find(service)
    return wrong.test(log.join('')) && answer
  })
  t.same(found, [], 'the address now leads to the old primary, whose users are not shown')
  t.match(log.join(''), /another primary than DATABASE_URL/)

  t.same(await find(await serveWith(elsewhere)), [])
  t.match(log.join(''), /another cluster or database than DATABASE_URL/)
  for (const DATABASE_READ_URL of [elsewhere, left])
    t.match(await replicaFinding({ DATABASE_URL: current, DATABASE_READ_URL }), {
      level: 'problem',
      detail: /It is not read/,
    })
  const started = run(['start'], {
    env: { DATABASE_URL: current, DATABASE_READ_URL: elsewhere, PORT: String(await freePort()) },
  })
  await started.printed('Server listening')
  t.match(started.output(), wrong, 'a start reports it, and continues')
  started.child.kill('SIGTERM')
  t.equal(await started.ended, 0)
})
