/**
 * WORKERS: several processes share one port, and one lease. A worker that crashes is replaced, what a machine needs once runs once, and
 * SIGTERM ends all. Whichever process is stopped or killed, no worker answers "valid" after a sign-out.
 */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import t from 'tap'
import { CONNECTIONS } from '../../src/database/pools.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { LEASE_MS } from '../../src/leases/lease.ts'
import type { CallerLease, LeaseRequest } from '../../src/leases/messages.ts'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { run } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { createLeaseKey } from '../support/lease-key.ts'
import { freePort } from '../support/ports.ts'
import { json, servicesOn } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const database = await testDatabase()
const { psql } = database
await psql(`insert into "user" (id) values ('ada')`)
const { sessions } = servicesOn(database.url)
const port = await freePort()
const base = `http://127.0.0.1:${port}`
const NAME = 'workers under test'
const named = Object.assign(new URL(database.url), { search: `application_name=${encodeURIComponent(NAME)}` })
const env = { DATABASE_URL: named.href, PORT: String(port), WORKERS: '2', CHECK_MODE: 'leased' }

/** The last statement of each connection of the service. */
const connections = async () =>
  (
    await psql<{ query: string }>('select query from pg_stat_activity where application_name = $1', [NAME])
  ).map(({ query }) => query)
const listening = (queries: string[]) => queries.filter((query) => query.startsWith('listen ')).length

const instances = async () => (await psql('select from instance')).length
/** A new connection each time, so that the workers take turns. */
const ask = (path: string, token: string, init: RequestInit = {}) =>
  boundedFetch(base + path, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${token}`, connection: 'close' },
  })
/** How many workers hold a lease. */
const leases = async () =>
  Number(/^global_logout_leases_held (\d)$/m.exec(await (await ask('/metrics', '')).text())?.[1])
const signIn = async () => (await sessions.create({ userId: 'ada', userAgent: null, ipAddress: null })).token

const service = run(['start'], { env })

t.test('after a global sign-out no worker answers "valid"', async (t) => {
  await service.printed('Server listening')
  await waitFor('two workers with a lease', async () => (await leases()) === 2)
  for (let round = 0; round < 10; round++) {
    const [phone, laptop] = [await signIn(), await signIn()]
    for (let n = 0; n < 4; n++) {
      t.equal((await ask('/check', phone)).status, 200)
      t.equal((await ask('/check', laptop)).status, 200)
    }
    const logout = await ask('/api/logout', phone, json({ scope: 'global' }))
    t.equal(logout.status, 200)
    const after = await Promise.all(
      Array.from({ length: 8 }, (_, n) => ask('/check', n % 2 ? phone : laptop)),
    )
    t.ok(
      after.every(({ status }) => status === 401),
      'no worker answers "valid"',
    )
  }
})

t.test('a notification wakes the machine once, over one connection, whatever its workers', async (t) => {
  await psql(`create table woken (at xid8 default pg_current_xact_id());
    create function note_wake() returns trigger language plpgsql as $$ begin
      if old.beat = new.beat then insert into global_logout.woken default values; end if;
      return null; end $$;
    create trigger note_wake after update on instance for each row execute function note_wake()`)
  t.equal(listening(await connections()), 1)
  t.equal(await instances(), 1)
  await psql(`select pg_notify('global_logout_revoked', '')`)
  // Without a revocation, only a wake acknowledges between two heartbeats.
  await waitFor('the machine to wake', async () => (await psql('select from woken')).length > 0)
  t.equal((await psql('select from woken')).length, 1)
  await psql('drop function note_wake cascade; drop table woken')
})

t.test('every worker answers /metrics for all workers', async (t) => {
  const metrics = await (await ask('/metrics', '')).text()
  t.match(metrics, /^global_logout_leases_held 2$/m)
  t.match(metrics, /^global_logout_leased_checks_total\{source="memory"\} [1-9]/m)
  t.match(metrics, /^global_logout_leased_checks_total\{source="database"\} [1-9]/m)
  t.match(metrics, /^global_logout_revocation_wait_seconds_count 10$/m)
  t.match(metrics, /^global_logout_check_duration_seconds_count\{result="valid"\} 80$/m)
  t.match(metrics, /^global_logout_check_duration_seconds_bucket\{result="refused",le="\+Inf"\} 80$/m)
  t.match(metrics, /^global_logout_logouts_total\{scope="global",outcome="done"\} 10$/m)
  t.match(metrics, /^global_logout_build_info\{.*\} 1$/m, 'not one for each worker')
  t.match(metrics, /^nodejs_eventloop_lag_p99_seconds \d/m)
})

t.test(
  'under load there are at most 11 connections for each worker and 5 for the machine; idle, 3 in all',
  async (t) => {
    let most = 0
    const tokens = await Promise.all(Array.from({ length: 20 }, signIn))
    const over = performance.now() + 1_500
    const load = Array.from({ length: 60 }, async (_, n) => {
      for (let round = n; performance.now() < over; round++) {
        const token = tokens[round % tokens.length] ?? ''
        // Unknown tokens are not in memory.
        await ask('/check', crypto.randomUUID())
        await ask('/api/sessions', token)
        await ask('/feed?wait=0', token)
        if (n < 5) await ask('/api/logout', await signIn(), json({ scope: 'local' }))
      }
    })
    const counting = (async () => {
      while (performance.now() < over) most = Math.max(most, (await connections()).length)
    })()
    await Promise.all([...load, counting])
    t.same(CONNECTIONS, { worker: 11, machine: 5 })
    t.ok(most > 12, `the load fills the pools of both workers: ${most}`)
    t.ok(most <= 2 * CONNECTIONS.worker + CONNECTIONS.machine, `${most} connections`)
    await waitFor('idle connections to close', async () => (await connections()).length <= 3)
  },
)

t.test('whichever worker it reaches, a service gets a part of the lease of the machine', async (t) => {
  const key = await createLeaseKey(database.url, 'shop')
  const createLessee = () => {
    let known: Pick<LeaseRequest, 'instance' | 'cursor'> = { instance: null, cursor: null }
    const caller = crypto.randomUUID()
    /** Asks for a lease. @returns the answer, with its status. */
    return async (more: Partial<LeaseRequest> = {}) => {
      const response = await ask('/leases', key, json({ caller, ...known, ...more }))
      const answer = (await response.json()) as Partial<CallerLease> & { code?: string }
      const { instance, cursor } = answer
      if (instance && cursor) known = { instance, cursor }
      return { status: response.status, retryAfter: Number(response.headers.get('retry-after')), ...answer }
    }
  }
  const [hangs, follows] = [createLessee(), createLessee()]
  const leases = [await hangs(), await follows(), await follows(), await follows({ wait: true })]
  t.same(new Set(leases.map(({ status, instance }) => `${status} ${instance}`)).size, 1)
  t.match(await follows({ instance: crypto.randomUUID() }), { status: 409, code: 'other_instance' })

  const token = await signIn()
  const checked = await ask('/check', token, { headers: { 'x-lease': '1' } })
  const told = JSON.parse(checked.headers.get('x-session-lease') ?? 'null')
  t.match(told, { token: hashToken(token), server: leases[0]?.cursor?.server, interval: 60 })

  const revoked = new Set<string>()
  const signOut = async (other: string) => {
    const start = performance.now()
    let ms = 0
    const done = ask('/api/logout', other, json({ scope: 'global' })).then(({ status }) => {
      t.equal(status, 200)
      ms = performance.now() - start
    })
    while (ms === 0) for (const hash of (await follows({ wait: true })).revoked ?? []) revoked.add(hash)
    await done
    return ms
  }
  const phone = await signIn()
  const askedAt = performance.now()
  const { ms = Number.NaN } = await hangs()
  await signOut(phone)
  t.ok(performance.now() - askedAt >= ms, 'a logout waits for the one that hangs')
  t.ok(revoked.has(hashToken(token)), 'and tells the other')
  t.ok((await signOut(await signIn())) < LEASE_MS, 'once')
  const refused = await hangs({ instance: null })
  t.match(refused, { status: 503, code: 'lease_suspended' })
  t.ok(refused.retryAfter > 20 && refused.retryAfter <= 30, `${refused.retryAfter} s`)
  t.match(service.output(), /"key":"shop".*"msg":"caller suspended/)
  for (let n = 0; n < 4; n++) {
    const metrics = await (await ask('/metrics', '')).text()
    t.match(metrics, /^global_logout_callers 1$/m, 'not one for each worker')
    t.match(metrics, /^global_logout_callers_suspended_total\{key="shop"\} 1$/m)
  }
  t.equal((await ask('/leases', key, json({ caller: crypto.randomUUID(), leave: true }))).status, 204)
})

t.test('while a worker hangs, /metrics shows the others', async (t) => {
  const workers = await childrenOf(service.child.pid)
  const [hung] = workers
  // Zero would be the test itself.
  if (!hung) throw new Error('no worker runs')
  process.kill(hung, 'SIGSTOP')
  // The hung worker may have accepted one of these connections.
  const asked = Array.from({ length: 3 }, async () => {
    const answer = await ask('/metrics', '')
    if (answer.status !== 200) throw new Error(`status ${answer.status}`)
    return answer.text()
  })
  const metrics = await Promise.any(asked).finally(() => process.kill(hung, 'SIGCONT'))
  t.match(metrics, /^global_logout_workers_unresponsive 1$/m)
  t.match(metrics, /^global_logout_leases_held 1$/m)
  await Promise.allSettled(asked)
  const all = async () => (await ask('/metrics', '')).text()
  await waitFor('two leases', async () => /^global_logout_leases_held 2$/m.test(await all()))
  t.match(await all(), /^global_logout_workers_unresponsive 0$/m)
  t.same(await childrenOf(service.child.pid), workers, 'when it resumes, it is counted again')
})

t.test('a worker that is stopped during a sign-out does not answer "valid" when it resumes', async (t) => {
  const { clients, clientsOf, close } = await clientsOfWorkers()
  const [phone, laptop] = [await signIn(), await signIn()]
  for (const client of clients) t.same(await Promise.all([client(phone), client(laptop)]), [200, 200])
  const [stopped = 0, other = 0] = await childrenOf(service.child.pid)
  const [ofStopped, [ofOther]] = [await clientsOf(stopped), await clientsOf(other)]
  process.kill(stopped, 'SIGSTOP')
  try {
    t.equal(await ofOther?.(phone, '/api/logout', 'POST', { scope: 'global' }), 200)
    t.equal(await ofOther?.(laptop), 401)
  } finally {
    // They reach the worker in the moment when it resumes.
    const asked = ofStopped.map((client) => client(laptop))
    process.kill(stopped, 'SIGCONT')
    for (const status of await Promise.all(asked)) t.not(status, 200)
  }
  const token = await signIn()
  await waitFor('it to serve again', async () => (await ofStopped[0]?.(token)) === 200)
  close()
})

t.test('while the supervising process is stopped, workers answer 503 and not "valid"', async (t) => {
  const { clients, clientsOf, close } = await clientsOfWorkers()
  const [phone, laptop] = [await signIn(), await signIn()]
  for (const client of clients) t.same(await Promise.all([client(phone), client(laptop)]), [200, 200])
  const pids = await childrenOf(service.child.pid)
  const [[first], [second]] = (await Promise.all(pids.map(clientsOf))) as [Client[], Client[]]
  process.kill(service.child.pid ?? 0, 'SIGSTOP')
  try {
    t.equal(await first?.(phone, '/api/logout', 'POST', { scope: 'global' }), 200, 'its lease has ended')
    for (const client of [first, second]) t.equal(await client?.(laptop), 503)
  } finally {
    process.kill(service.child.pid ?? 0, 'SIGCONT')
  }
  await waitFor(
    'them to serve again',
    async () => (await first?.(laptop)) === 401 && (await second?.(laptop)) === 401,
  )
  close()
})

t.test(
  'a worker that is killed is replaced, a sign-out waits no longer than its lease, and one does the jobs',
  async (t) => {
    const sealed = async () => (await psql('select from audit_link')).length
    // One of them does the jobs of the machine.
    for (const worker of await childrenOf(service.child.pid)) {
      process.kill(worker, 'SIGKILL')
      await waitFor('its end', async () => !(await childrenOf(service.child.pid)).includes(worker))
      const [before, token] = [await sealed(), await signIn()]
      t.equal((await ask('/api/logout', token, json({}))).status, 200)
      t.equal((await ask('/check', token)).status, 401)
      await waitFor('two workers with a lease', async () => (await leases().catch(() => 0)) === 2)
      await waitFor('the logout to be sealed', async () => (await sealed()) > before)
    }
    t.equal(await instances(), 1, 'the machine has kept its lease')
    t.equal(listening(await connections()), 1)
  },
)

t.test('after SIGTERM all workers end', async (t) => {
  service.child.kill('SIGTERM')
  t.equal(await service.ended, 0)
  t.same(await childrenOf(service.child.pid), [])
  t.equal(await instances(), 0, 'they have left')
})

t.test(
  'when the supervising process is killed its workers end, and a sign-out waits for their leases',
  async (t) => {
    const killed = run(['start'], { env })
    await killed.printed('Server listening')
    await waitFor('two workers with a lease', async () => (await leases().catch(() => 0)) === 2)
    const { clients, close } = await clientsOfWorkers()
    const token = await signIn()
    for (const client of clients) t.equal(await client(token), 200)
    const workers = await childrenOf(killed.child.pid)
    killed.child.kill('SIGKILL')
    await sessions.logout(token, 'global', { userAgent: null, ipAddress: null })
    for (const client of clients) t.not(await client(token).catch(() => 'no answer'), 200)
    await waitFor('the workers to end', async () =>
      (await Promise.all(workers.map(isAlive))).every((alive) => !alive),
    )
    close()
  },
)

t.test('when the workers cannot start, the service ends with a reason', async (t) => {
  const { createServer } = await import('node:net')
  const taken = createServer().listen(port, '127.0.0.1')
  const refused = run(['start'], { env })
  t.equal(await refused.ended, 1)
  t.match(refused.output(), /another program listens on this PORT/)
  taken.close()
})

/** Sends a request with a token. @returns the status. */
type Client = (token: string, path?: string, method?: string, body?: object) => Promise<number>

/** Clients that keep their connections open: at least one to each worker. */
async function clientsOfWorkers() {
  const agents: Agent[] = []
  const clients = Array.from({ length: 6 }, (): Client & { port: number } => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    agents.push(agent)
    const client = (token: string, path = '/check', method = 'GET', body?: object) =>
      new Promise<number>((done, fail) => {
        const text = body && JSON.stringify(body)
        const headers = {
          authorization: `Bearer ${token}`,
          ...(text && { 'content-type': 'application/json', 'content-length': text.length }),
        }
        const sent = request(base + path, { agent, method, headers }, (answer) => {
          answer.resume().once('end', () => done(answer.statusCode ?? 0))
        })
        sent.once('error', fail)
        sent.once('socket', (socket) => {
          const note = () => {
            call.port = socket.localPort ?? 0
          }
          if (socket.connecting) socket.once('connect', note)
          else note()
        })
        sent.end(text)
      })
    const call = Object.assign(client, { port: 0 })
    return call
  })
  return {
    clients,
    close: () => {
      for (const agent of agents) agent.destroy()
    },
    /** Those whose connection this process has. */
    async clientsOf(pid: number): Promise<Client[]> {
      const fds = await readdir(`/proc/${pid}/fd`)
      const links = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
      const table = (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).split('\n').slice(1)
      const ports = table
        .map((row) => row.trim().split(/\s+/))
        .filter(([, , , , , , , , , inode]) => links.includes(`socket:[${inode}]`))
        .map(([, , remote = '']) => Number.parseInt(remote.split(':')[1] ?? '', 16))
      return clients.filter(({ port }) => ports.includes(port))
    },
  }
}

async function childrenOf(pid = 0): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return list.trim().split(' ').filter(Boolean).map(Number)
}

const isAlive = async (pid: number) =>
  (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ' Z ')).includes(' Z ') === false
