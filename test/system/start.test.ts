/**
 * `global-logout start` without and with DATABASE_URL: start, Ctrl-C, kill -9, concurrent starts, SIGTERM.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import t from 'tap'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { type Run, run } from '../support/command.ts'
import { MIGRATIONS } from '../support/migrations.ts'
import { freePort } from '../support/ports.ts'
import { admin, databaseUrl, SEARCH_PATH } from '../support/server.ts'
import { waitFor } from '../support/within.ts'

const READY = 'Stop      Ctrl-C'

/** A folder like a fresh clone's, private to its owner as temporary folders are. */
async function emptyFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-start-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function startDemo(cwd: string, port: number): Promise<Run> {
  const service = run(['start'], { cwd, env: { PORT: String(port) } })
  await service.printed(READY)
  await service.ready(port)
  return service
}

async function signIn(port: number): Promise<string> {
  const response = await boundedFetch(`http://127.0.0.1:${port}/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ email: 'ada@example.com' }),
  })
  const token = response.headers.getSetCookie()[0]?.split(/[=;]/)[1]
  if (!token) throw new Error(`no sign-in: ${response.status}`)
  return token
}
const check = async (port: number, token: string) =>
  (await boundedFetch(`http://127.0.0.1:${port}/check`, { headers: { authorization: `Bearer ${token}` } }))
    .status
const postmaster = async (cwd: string) =>
  Number((await readFile(join(cwd, '.data/postgres/postmaster.pid'), 'utf8')).split('\n')[0])

t.test(
  'the first start seeds a demo; Ctrl-C stops service and database; the second start reuses the data',
  async (t) => {
    const [cwd, port] = [await emptyFolder(), await freePort()]
    const first = await startDemo(cwd, port)
    t.match(first.output(), `http://127.0.0.1:${port}`)
    t.match(first.output(), 'ada@example.com')
    const password = await readFile(join(cwd, '.data/postgres/password'), 'utf8')
    t.notMatch(first.output(), password.trim(), 'the banner holds no password')
    for (const line of first.stdout().trimEnd().split('\n')) t.doesNotThrow(() => JSON.parse(line), line)
    const token = await signIn(port)
    const response = await boundedFetch(`http://127.0.0.1:${port}/api/sessions`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { sessions } = (await response.json()) as {
      sessions: { device: { kind: string }; ipAddress: string }[]
    }
    t.ok(new Set(sessions.map(({ device }) => device.kind)).size >= 4, 'devices of several kinds')
    t.ok(new Set(sessions.map(({ ipAddress }) => ipAddress)).size >= 3, 'at several addresses')
    // npm passes a Ctrl-C on although the terminal has already sent it.
    first.child.kill('SIGINT')
    first.child.kill('SIGINT')
    t.equal(await first.ended, 0)
    t.notOk(existsSync(join(cwd, '.data/postgres/postmaster.pid')), 'PostgreSQL has stopped too')

    const second = await startDemo(cwd, port)
    t.equal(await check(port, token), 200, 'still signed in')
    second.child.kill('SIGTERM')
    t.equal(await second.ended, 0)
  },
)

t.test(
  'after kill -9 the next start takes over the database that was left running, or recovers it',
  async (t) => {
    const [cwd, port] = [await emptyFolder(), await freePort()]
    const first = await startDemo(cwd, port)
    const token = await signIn(port)
    first.child.kill('SIGKILL')
    t.equal(await first.ended, 'SIGKILL')
    const pid = await postmaster(cwd)
    t.doesNotThrow(() => process.kill(pid, 0), 'PostgreSQL was left running')

    const second = await startDemo(cwd, port)
    t.match(second.output(), 'was still running from an earlier start')
    t.equal(await postmaster(cwd), pid)
    t.equal(await check(port, token), 200)
    second.child.kill('SIGKILL')
    await second.ended
    process.kill(pid, 'SIGKILL')

    const third = await startDemo(cwd, port)
    t.equal(await check(port, token), 200, 'nothing committed was lost')
    third.child.kill('SIGINT')
    t.equal(await third.ended, 0)
  },
)

t.test('a second start in the same folder fails with a message, and the first continues', async (t) => {
  const [cwd, port] = [await emptyFolder(), await freePort()]
  const first = await startDemo(cwd, port)
  const token = await signIn(port)
  const second = run(['start'], { cwd, env: { PORT: String(await freePort()) } })
  t.equal(await second.ended, 1)
  t.match(second.output(), /Another global-logout runs on .*DATABASE_URL/)
  t.equal(await check(port, token), 200)
  first.child.kill('SIGINT')
  t.equal(await first.ended, 0)
})

t.test(
  'of two concurrent first starts in one folder, one serves and the other fails with a message',
  async (t) => {
    const cwd = await emptyFolder()
    const ports = [await freePort(), await freePort()]
    const both = ports.map((port) => run(['start'], { cwd, env: { PORT: String(port) } }))
    const outcome = (service: Run) =>
      Promise.race([
        service.printed(READY).then(
          () => 'serves',
          () => service.ended,
        ),
        service.ended,
      ])
    const outcomes = await Promise.all(both.map(outcome))
    t.same([...outcomes].sort(), [1, 'serves'])
    const loser = both[outcomes.indexOf(1)]
    t.match(loser?.output(), 'Another global-logout runs')
    const winner = both[outcomes.indexOf('serves')]
    winner?.child.kill('SIGINT')
    t.equal(await winner?.ended, 0)
  },
)

t.test('a start on a port in use fails and names PORT, and stops PostgreSQL again', async (t) => {
  const [cwd, port] = [await emptyFolder(), await freePort()]
  const squatter = createServer().listen(port, '127.0.0.1')
  t.teardown(() => squatter.close())
  const service = run(['start'], { cwd, env: { PORT: String(port) } })
  t.equal(await service.ended, 1)
  t.match(service.output(), /PORT/)
  t.notOk(existsSync(join(cwd, '.data/postgres/postmaster.pid')))
})

t.test(
  'with DATABASE_URL there is no demo, and several instances may start at once on an empty database',
  async (t) => {
    const server = process.env.TEST_SERVER_URL ?? ''
    const name = `gl_start_${process.pid}`
    await admin(server, (client) => client.query(`create database ${name}`))
    t.teardown(() => admin(server, (client) => client.query(`drop database ${name} with (force)`)))
    const cwd = await emptyFolder()
    const ports = [await freePort(), await freePort(), await freePort()]
    const env = { DATABASE_URL: databaseUrl(server, name) }
    const services = ports.map((port) => run(['start'], { cwd, env: { ...env, PORT: String(port) } }))
    await Promise.all(services.map((service, i) => service.ready(ports[i] ?? 0)))
    t.notOk(existsSync(join(cwd, '.data')))
    for (const port of ports) {
      t.equal((await boundedFetch(`http://127.0.0.1:${port}/readyz`)).status, 200)
      const metrics = await (await boundedFetch(`http://127.0.0.1:${port}/metrics`)).text()
      t.match(metrics, /^global_logout_leases_held 1$/m, 'checks are answered under a lease by default')
      t.equal((await boundedFetch(`http://127.0.0.1:${port}/login`)).status, 404)
      t.equal(
        (
          await boundedFetch(`http://127.0.0.1:${port}/login`, {
            method: 'POST',
            body: new URLSearchParams({ email: 'ada@example.com' }),
          })
        ).status,
        404,
      )
    }
    const users = await admin(
      env.DATABASE_URL,
      async (client) => (await client.query('select 1 from "user"')).rowCount,
    )
    t.equal(users, 0)
    const applied = await admin(
      env.DATABASE_URL,
      async (client) => (await client.query('select 1 from migration')).rowCount,
    )
    t.equal(applied, MIGRATIONS, 'each migration once')
    const again = run(['migrate'], { env })
    t.equal(await again.ended, 0)
    t.match(again.output(), 'up to date')
    for (const { child } of services) child.kill('SIGTERM')
    t.same(await Promise.all(services.map(({ ended }) => ended)), [0, 0, 0])
  },
)

t.test(
  'after SIGTERM a logout in progress is answered, new connections are refused, and the process ends',
  async (t) => {
    const server = process.env.TEST_SERVER_URL ?? ''
    const name = `gl_term_${process.pid}`
    await admin(server, (client) =>
      client.query(`create database ${name} template ${process.env.TEST_TEMPLATE}`),
    )
    t.teardown(() => admin(server, (client) => client.query(`drop database ${name} with (force)`)))
    const url = databaseUrl(server, name)
    const port = await freePort()
    const service = run(['start'], { env: { DATABASE_URL: url, PORT: String(port) } })
    await service.ready(port)
    const holder = new pg.Client({ connectionString: url, options: SEARCH_PATH })
    await holder.connect()
    const sha = `rtrim(translate(encode(sha256('my-token'), 'base64'), '+/', '-_'), '=')`
    await holder.query(
      `insert into "user" (id) values ('ada'); insert into session ("sessionToken", "userId", expires) values (${sha}, 'ada', now() at time zone 'utc' + interval '1 hour')`,
    )
    await holder.query(`begin; select 1 from "user" where id = 'ada' for update`)
    const logout = boundedFetch(`http://127.0.0.1:${port}/api/logout`, {
      method: 'POST',
      headers: { authorization: 'Bearer my-token' },
    })
    await waitFor('the logout to wait for the row', async () => {
      // Inside a transaction the list of backends would stay as first read.
      await holder.query('select pg_stat_clear_snapshot()')
      const { rows } = await holder.query(
        `select 1 from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0 and datname = current_database()`,
      )
      return rows.length > 0
    })
    service.child.kill('SIGTERM')
    await service.printed('SIGTERM')
    await holder.query('commit')
    t.equal((await logout).status, 200, 'the one in progress is answered')
    t.equal(await service.ended, 0)
    await t.rejects(boundedFetch(`http://127.0.0.1:${port}/healthz`))
    const { rows } = await holder.query('select 1 from revoked_session')
    t.equal(rows.length, 1)
    await holder.end()
  },
)
