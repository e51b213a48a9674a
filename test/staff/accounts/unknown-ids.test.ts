/**
 * Staff act on a user who has not signed in since the application adopted the service, so the session is
 * still in the application's own store. A typo is refused; an act on exactly this id takes effect, by API,
 * command line, console or incident.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions } from '@global-logout/postgres'
import t, { type Test } from 'tap'
import { hashToken } from '../../../src/database/token-hash.ts'
import { openTransaction } from '../../authjs/application.ts'
import { inDays } from '../../authjs/contract-suite.ts'
import { memoryAdapter } from '../../authjs/memory-adapter.ts'
import { runHere } from '../../support/command.ts'
import { testDatabase } from '../../support/database.ts'
import { login } from '../../support/logins.ts'
import { json, startService } from '../../support/service.ts'
import { PATIENCE_MS, waitFor } from '../../support/within.ts'

const owner = await testDatabase()
// With the rights that operators grant to the service.
const service = await startService({ database: await login(owner, 'global_logout_service') })
const { psql } = owner
const sessions = createDatabaseSessions({ connectionString: owner.url, timeoutMs: PATIENCE_MS })
t.teardown(sessions.close)
const held = memoryAdapter()
const adapter = withGlobalLogout(held.adapter, sessions)
const { headers } = await service.keyFor('security', 'sessions:create', 'users:delete')
const BY = { actorKind: 'system' as const, actorId: 'cli:eve' }

/** A user of the application whom the service does not know yet. */
async function signedInBefore() {
  const email = `${crypto.randomUUID()}@example.com`
  const { id } = await held.adapter.createUser({ id: '', name: 'Ada', email, emailVerified: null })
  const more = async () => {
    const token = crypto.randomUUID()
    await held.adapter.createSession({ sessionToken: token, userId: id, expires: inDays(20) })
    return token
  }
  return { id, more }
}

async function api(path: string, init: RequestInit = {}) {
  const response = await service.http(path, { ...init, headers: { ...init.headers, ...headers } })
  return { status: response.status, ...((await response.json()) as Record<string, unknown>) }
}
async function command(...args: string[]) {
  const started = runHere(args, { env: { DATABASE_URL: owner.url } })
  return { code: await started.ended, output: started.output() }
}
const revoke = (id: string, body: object) =>
  api(`/api/admin/users/${id}/revoke`, json({ reason: 'x', ...body }))
const executeIncident = async (...args: string[]) => {
  const planned = await command('incident', 'plan', ...args, '--reason', 'leak')
  const planId = /^Plan (\S+):/.exec(planned.output)?.[1] ?? ''
  return { planned: planned.output, ...(await command('incident', 'execute', planId, '--yes')) }
}
await psql(`insert into "user" (id) values ('grace')`)
await psql(`insert into staff (user_id, role) values ('grace', 'security'), ('alan', 'auditor')`)
const staff = await service.signIn('grace')
const page = async (path: string, fields?: Record<string, string>) => {
  const post = fields && { method: 'POST', body: new URLSearchParams(fields) }
  const response = await service.as(staff.token, path, post)
  return { status: response.status, to: response.headers.get('location') ?? '', text: await response.text() }
}

/** An old session can never be taken over; a new sign-in succeeds, unless the user is locked. */
async function staysOut(t: Test, { id, more }: Awaited<ReturnType<typeof signedInBefore>>, locked = false) {
  const [outcome] = await psql('select (global_logout.take_over($1, $2, $3)).outcome', [
    hashToken(await more()),
    id,
    inDays(20),
  ])
  t.same(outcome, { outcome: locked ? 'locked' : 'signed_out' }, 'by SQL, as an import does')
  const token = await more()
  t.equal(await adapter.getSessionAndUser(token), null, 'in process')
  const takeOver = { token: await more(), expires: inDays(20).toISOString() }
  const user = { id }
  t.match(
    await api('/api/sessions', json({ user, takeOver })),
    { status: 409, code: 'session_over' },
    'over HTTP',
  )
  t.same(await psql('select from session where "userId" = $1', [id]), [])
  const fresh = await api('/api/sessions', json({ user }))
  t.match(fresh, locked ? { status: 403, code: 'user_locked' } : { status: 201 }, 'a new sign-in')
}

t.test('control: the session of an unknown user is taken over', async (t) => {
  const { more } = await signedInBefore()
  t.ok(await adapter.getSessionAndUser(await more()))
})

t.test('an unknown id is refused, and the answer names the option to act on it', async (t) => {
  const user = await signedInBefore()
  const { id } = user
  for (const body of [{}, { lockFor: '1h' }, { allowUnknownId: false }])
    t.match(await revoke(id, body), { status: 404, code: 'user_not_found', detail: /allowUnknownId: true/ })
  for (const act of ['revoke', 'lock'])
    t.match(await command(act, id, '--reason', 'x', '--yes'), { code: 1, output: /--allow-unknown-id/ })
  t.match(await command('unlock', id, '--yes'), { code: 1, output: /no user has an id/ })
  t.match(await page(`/admin/user?id=${id}`), { status: 404, text: `/admin/user/revoke?id=${id}` })
  t.match(await page(`/admin/users?q=${id}`), { status: 200, text: `/admin/user/revoke?id=${id}` })
  t.match(await page(`/admin/user/revoke?id=${id}`, { reason: 'x' }), { status: 404 })
  t.match(await command('lock', id, '--allow-unknown-id', '--reason', 'x'), {
    code: 2,
    output: new RegExp(`No user here has the id "${id}".*lock sign-in.*--yes`, 's'),
  })
  t.match(await command('revoke', id, '--allow-unknown-id', '--reason', 'x', '--dry-run'), {
    code: 0,
    output: /nothing was changed/,
  })
  t.match(await command('revoke', '', '--allow-unknown-id', '--reason', 'x', '--yes'), { code: 1 })
  t.same(await psql('select from operation where user_id = $1', [id]), [])
  t.same(await psql('select from "user" where id = $1', [id]), [])
  t.ok(await adapter.getSessionAndUser(await user.more()))
})

t.test('an auditor is not offered actions that auditors may not take', async (t) => {
  await psql(`insert into "user" (id) values ('alan')`)
  const { token } = await service.signIn('alan')
  for (const path of ['/admin/user?id=nobody', '/admin/users?q=nobody'])
    t.notMatch(await (await service.as(token, path)).text(), '/admin/user/revoke', path)
})

const CHOICE = { allowUnknownId: true }
const form = { reason: 'stolen', allowUnknownId: 'yes' }
const ENDS: Record<string, (id: string) => Promise<unknown>> = {
  'by the API': (id) => revoke(id, CHOICE),
  'on the command line': (id) => command('revoke', id, '--allow-unknown-id', '--reason', 'x', '--yes'),
  'in the console': (id) => page(`/admin/user/revoke?id=${id}`, form),
  'by a lock that was removed': async (id) => {
    await revoke(id, { ...CHOICE, lockFor: 'forever' })
    return api(`/api/admin/users/${id}/lock`, { method: 'DELETE' })
  },
  'by an incident that names the user': (id) => executeIncident('--user', id),
  'by an incident with a file of users': async (id) => {
    const file = join(t.testdir(), 'users.txt')
    await writeFile(file, `${id}\n`)
    return executeIncident('--users', file)
  },
  'by the deletion of the user': (id) => api(`/api/users/${id}`, { method: 'DELETE' }),
}
const succeeded = [{ status: 200 }, { status: 303 }, { code: 0 }]
for (const [how, end] of Object.entries(ENDS))
  t.test(`old sessions stay ended after they were ended ${how}; a new sign-in succeeds`, async (t) => {
    const user = await signedInBefore()
    const done = (await end(user.id)) as { status?: number; code?: number }
    t.ok(
      succeeded.some(({ status, code }) => (status ?? code) === (done.status ?? done.code)),
      JSON.stringify(done),
    )
    await staysOut(t, user)
  })

const LOCKS: Record<string, (id: string) => Promise<unknown>> = {
  'by the API': (id) => revoke(id, { ...CHOICE, lockFor: 'forever' }),
  'on the command line': (id) => command('lock', id, '--allow-unknown-id', '--reason', 'x', '--yes'),
  'in the console': (id) => page(`/admin/user/revoke?id=${id}`, { ...form, lockFor: '24h' }),
}
for (const [how, lock] of Object.entries(LOCKS))
  t.test(`an unknown user who was locked ${how} gets no session until unlocked`, async (t) => {
    const user = await signedInBefore()
    await lock(user.id)
    await staysOut(t, user, true)
    t.match(await command('unlock', user.id, '--yes'), { code: 0, output: /may sign in again/ })
    await staysOut(t, user)
  })

t.test('staff see their action on an unknown id: user, lock, operation and wording', async (t) => {
  const { id } = await signedInBefore()
  const locked = await command('lock', id, '--allow-unknown-id', '--reason', 'taken over', '--yes')
  t.match(locked, {
    code: 0,
    output: new RegExp(`No user here had the id "${id}".*0 sessions of ${id} ended`, 's'),
  })
  t.match(await command('user', 'find', id), { code: 0, output: /staff unlock it/ })
  t.match(await api(`/api/admin/users/${id}/sessions`), { user: { id, deleted: false }, sessionCount: 0 })
  t.match(await psql('select kind, reason, revoked_count, result from operation where user_id = $1', [id]), [
    { kind: 'user.revoke', reason: 'taken over', revoked_count: 0, result: { lockedUntil: 'forever' } },
  ])
  t.match(await revoke(id, {}), { status: 200, revoked: [] }, 'after the first action, the user is known')

  const other = await signedInBefore()
  const asked = await page(`/admin/user/revoke?id=${other.id}`)
  t.match(asked, {
    status: 200,
    text: /No user here has this id.*name="allowUnknownId" value="yes" required/s,
  })
  const done = await page(`/admin/user/revoke?id=${other.id}`, form)
  t.match(await page(done.to), { status: 200, text: /0 sessions were ended.*Sessions from before/s })

  const incident = await executeIncident('--user', 'stranger')
  t.match(incident, {
    planned: /Ids that no user has here: stranger\. .*refuses their sessions from before/,
  })
  t.notMatch(incident.planned, /ignored/)
})

for (const [whose, prepare] of [
  ['an unknown user', () => signedInBefore()],
  [
    'a deleted user with a role',
    async () => {
      const user = await signedInBefore()
      await psql(`insert into staff (user_id, role) values ($1, 'auditor')`, [user.id])
      return user
    },
  ],
] as const)
  t.test(`a session of ${whose} that is being taken over is ended, not missed`, async (t) => {
    const { id, more } = await prepare()
    const token = await more()
    const taking = await openTransaction(owner)
    await taking.query('select global_logout.take_over($1, $2, $3)', [hashToken(token), id, inDays(20)])
    let over = false
    const ending = service.accounts.revoke(id, { reason: 'x', ...CHOICE }, BY).finally(() => {
      over = true
    })
    const waits = () =>
      psql(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
    await waitFor('the act to wait or end', async () => over || (await waits()).length > 0)
    await taking.commit()
    t.equal((await ending).revoked.length, 1)
    t.equal(await service.check(token), 401)
  })
