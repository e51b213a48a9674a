/**
 * An asynchronous failover loses acknowledged logouts. A copy of the server from before them is promoted and
 * takes its place: the same system, a new timeline. The service executes them again before it answers from
 * there.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { run } from '../support/command.ts'
import { openTestDatabase } from '../support/database.ts'
import { ownServer } from '../support/own-server.ts'
import { freePort } from '../support/ports.ts'
import { runProgram } from '../support/run-program.ts'
import { admin } from '../support/server.ts'
import { json, type Service, startService } from '../support/service.ts'
import { demote } from '../support/standby.ts'
import { waitFor } from '../support/within.ts'

const server = await ownServer({ fsync: 'off' })
const before = await mkdtemp(join(tmpdir(), 'global-logout-before-'))
t.teardown(() => rm(before, { recursive: true, force: true }))
const psql = <Row>(sql: string, values: unknown[] = []) =>
  admin(server.url, async (client) => (await client.query(sql, values)).rows as Row[])

/** Saves the state of the server, to which `failOver` returns. */
async function copy() {
  await server.stop()
  await rm(join(before, 'postgres'), { recursive: true, force: true })
  await runProgram('cp', ['-a', join(server.folder, 'postgres'), before])
  await server.start()
}

/** Promotes a standby that has only the saved state, at the same address. */
async function failOver({ ready = async () => {} } = {}) {
  await server.stop()
  await rm(join(server.folder, 'postgres'), { recursive: true })
  await runProgram('cp', ['-a', join(before, 'postgres'), server.folder])
  await demote(server.folder)
  await server.start()
  await ready()
  await psql('select pg_promote()')
}

async function serve(CHECK_MODE: string, log: string[] = []) {
  const service = await startService({
    database: openTestDatabase(server.url, { max: 4 }),
    env: { CHECK_MODE },
    log,
    patient: false,
  })
  return { ...service, logged: log }
}

const logOut = ({ as }: Service, token: string) => as(token, '/api/logout', json({ scope: 'global' }))
/** Repeats one check until it is decided, without other requests. */
async function decided({ check }: Pick<Service, 'check'>, token: string): Promise<number> {
  return waitFor('a check that is decided', async () => {
    const status = await check(token)
    return status !== 503 && status
  })
}
const metric = async (base: string, name: string) => {
  const text = await (await boundedFetch(`${base}/metrics`)).text()
  return Number(new RegExp(`^global_logout_${name} (.*)$`, 'm').exec(text)?.[1])
}
const redone = (userId: string) =>
  psql<{ id: string; kind: string; result: { redone?: object } }>(
    'select id, kind, result from operation where user_id = $1',
    [userId],
  )

for (const mode of ['database', 'leased'])
  t.test(`acknowledged logouts that a failover loses are executed again, in ${mode} mode`, async (t) => {
    const service = await serve(mode)
    const lost = await waitFor('a sign-in', () => service.signIn(`lost-${mode}`).catch(() => null))
    const stays = await service.signIn(`stays-${mode}`)
    await copy()
    await decided(service, lost.token)
    const out = await waitFor('a logout', async () => {
      const answer = await logOut(service, lost.token)
      return answer.status === 200 && answer
    })
    const { operationId } = (await out.json()) as { operationId: string }
    t.equal(await service.check(lost.token), 401)

    await failOver()
    t.equal(await decided(service, lost.token), 401, 'the first answer from the new primary')
    t.equal(await decided(service, stays.token), 200)
    t.match(await redone(`lost-${mode}`), [{ kind: 'logout', result: { redone: { operationId } } }])
    t.equal(await metric(service.base, 'logouts_lost_total'), 1)
    t.equal(await metric(service.base, 'logouts_missing'), 0)
    const lines = service.logged.map((line) => JSON.parse(line))
    t.match(
      lines.filter(({ level, redoneAs }) => level === 50 && redoneAs),
      [{ operationId, ended: 1 }],
    )
    await service.close()
  })

t.test('while that fails every request gets 503, and the service is not ready', async (t) => {
  const service = await serve('database')
  const { token } = await service.signIn('held')
  const rename = (from: string, to: string) =>
    psql(`alter function redo_operation${from}(jsonb, uuid[], boolean) rename to redo_operation${to}`)
  await rename('', '_gone')
  await copy()
  await decided(service, token)
  t.equal((await logOut(service, token)).status, 200)
  await failOver()
  for (let i = 0; i < 5; i++) t.equal(await service.check(token), 503)
  await waitFor('the reason', async () => {
    const ready = await service.http('/readyz')
    return ready.status === 503 && /carried out again/.test(await ready.text())
  })
  t.equal(await metric(service.base, 'logouts_missing'), 1)
  await rename('_gone', '')
  t.equal(await decided(service, token), 401)
  t.equal((await service.http('/readyz')).status, 200)
  await service.close()
})

t.test('a killed process executes them from its journal when it starts again', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-journal-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const start = async () => {
    const env = { DATABASE_URL: server.url, PORT: String(port), JOURNAL_FOLDER: folder }
    const process = run(['start'], { env })
    await process.ready(port)
    return process
  }
  const ask = async (token: string, path: string, init: RequestInit & { headers?: object } = {}) => {
    const headers = { ...init.headers, authorization: `Bearer ${token}` }
    const answer = await boundedFetch(base + path, { ...init, headers })
    await answer.arrayBuffer()
    return answer.status
  }
  const setUp = await serve('database')
  const { token } = await setUp.signIn('killed')
  await setUp.close()
  await copy()
  const first = await start()
  t.equal(await ask(token, '/api/logout', json({ scope: 'global' })), 200)
  first.child.kill('SIGKILL')
  await first.ended
  await failOver()
  const second = await start()
  t.equal(await ask(token, '/check'), 401)
  t.match(await redone('killed'), [{ kind: 'logout', result: { redone: {} } }])
  t.match(second.output(), /carried out again/)
  second.child.kill('SIGTERM')
  await second.ended
})
