/** WORKERS: several processes share one port. A worker that crashes is replaced, and SIGTERM ends all. */
import t from 'tap'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { run } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { freePort } from '../support/ports.ts'
import { json, servicesOn } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const database = await testDatabase()
const { psql } = database
await psql(`insert into "user" (id) values ('ada')`)
const { sessions } = servicesOn(database.url)
const port = await freePort()
const base = `http://127.0.0.1:${port}`
const env = { DATABASE_URL: database.url, PORT: String(port), WORKERS: '2', CHECK_MODE: 'leased' }

const instances = async () => (await psql('select from instance')).length
/** A new connection each time, so that the workers take turns. */
const ask = (path: string, token: string, init: RequestInit = {}) =>
  boundedFetch(base + path, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${token}`, connection: 'close' },
  })
const signIn = async () => (await sessions.create({ userId: 'ada', userAgent: null, ipAddress: null })).token

const service = run(['start'], { env })

t.test('after a global sign-out no worker answers "valid"', async (t) => {
  await service.printed('Server listening')
  await waitFor('two workers with a lease', async () => (await instances()) >= 2)
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

t.test('while a worker hangs, /metrics shows the others', async (t) => {
  const workers = await childrenOf(service.child.pid)
  const [hung = 0] = workers
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

t.test('a worker that is killed is replaced, and a sign-out waits no longer than its lease', async (t) => {
  const workers = await childrenOf(service.child.pid)
  t.equal(workers.length, 2)
  process.kill(workers[0] ?? 0, 'SIGKILL')
  await service.printed('worker exited')
  await waitFor('a second worker again', async () => (await childrenOf(service.child.pid)).length >= 2)
  const token = await signIn()
  t.equal((await ask('/api/logout', token, json({}))).status, 200)
  t.equal((await ask('/check', token)).status, 401)
})

t.test('after SIGTERM all workers end', async (t) => {
  service.child.kill('SIGTERM')
  t.equal(await service.ended, 0)
  t.same(await childrenOf(service.child.pid), [])
  t.ok((await instances()) <= 1, 'at most the row of the killed worker is left')
})

t.test('when the workers cannot start, the service ends with a reason', async (t) => {
  const { createServer } = await import('node:net')
  const taken = createServer().listen(port, '127.0.0.1')
  const refused = run(['start'], { env })
  t.equal(await refused.ended, 1)
  t.match(refused.output(), /another program listens on this PORT/)
  taken.close()
})

async function childrenOf(pid = 0): Promise<number[]> {
  const { readFile } = await import('node:fs/promises')
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return list.trim().split(' ').filter(Boolean).map(Number)
}
