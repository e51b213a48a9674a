/** Operations that a server lost are executed again on it, recorded as redone, counted, and done once. */
import t from 'tap'
import { createReconciler } from '../../src/failover/reconcile.ts'
import type { Redone } from '../../src/failover/redo.ts'
import type { Log } from '../../src/lib/log.ts'
import { createAcknowledged } from '../../src/operations/acknowledged.ts'
import { endKey } from '../../src/service-api/keys.ts'
import { readChainHead, seal, verify } from '../../src/staff/audit/chain.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { begin } from '../support/incidents.ts'
import { servicesOn, startService } from '../support/service.ts'

const errors: { message: string; fields: Record<string, unknown> }[] = []
const log = {
  info() {},
  warn() {},
  error: (fields: Record<string, unknown>, message: string) => void errors.push({ message, fields }),
} as unknown as Log

/** The old primary, and the new one with only what was replicated. */
const old = await startService({ except: ['sealer', 'incidents'] })
const taken = await testDatabase()
const { sessions, accounts } = servicesOn(taken.url)
const never = new AbortController().signal
const source = { userAgent: null, ipAddress: null }
const STAFF = { actorKind: 'staff' as const, actorId: 'eve' }

t.beforeEach(() => void errors.splice(0))

async function replicate(tables = ['"user"', 'session']) {
  for (const table of tables) {
    const rows = await old.database.psql(`select to_jsonb(x) as row from ${table} x`)
    await taken.psql(
      `insert into ${table} select (jsonb_populate_record(null::${table}, r -> 'row')).* from jsonb_array_elements($1::jsonb) r
        on conflict do nothing`,
      [JSON.stringify(rows)],
    )
  }
}

function reconcilerOf(acknowledged: Parameters<typeof createReconciler>[0] = old.acknowledged) {
  const redone: Redone[] = []
  const reconciler = createReconciler(acknowledged, log, (each) => void redone.push(each))
  return {
    redone,
    counts: reconciler.counts,
    run: (database: TestDatabase = taken) => reconciler.reconcile(database, 'the new primary', never),
  }
}
const operations = (userId: string) =>
  taken.psql<Record<string, unknown>>(
    `select kind, scope, actor_kind, actor_id, actor_session_id, revoked_count, result from operation where user_id = $1 order by at`,
    [userId],
  )

t.test('a lost global logout is executed again; later sign-ins stay valid', async (t) => {
  const phone = await old.signIn('ada')
  const laptop = await old.signIn('ada')
  await replicate()
  const { operationId } = await old.sessions.logout(phone.token, 'global', source)
  t.ok(await sessions.find(laptop.token), 'the new primary does not know of the logout')
  const later = await sessions.create({ userId: 'ada', ...source })

  const { run, counts, redone } = reconcilerOf()
  await run()
  t.equal(await sessions.find(phone.token), null)
  t.equal(await sessions.find(laptop.token), null)
  t.ok(await sessions.find(later.token), 'a sign-in after the logout')
  t.match(await operations('ada'), [
    {
      kind: 'logout',
      scope: 'global',
      actor_kind: 'user',
      actor_id: 'ada',
      actor_session_id: phone.id,
      revoked_count: 2,
      result: { redone: { operationId, at: String } },
    },
  ])
  t.match(counts, { lost: 1, missing: 0 })
  t.match(errors, [{ message: /carried out again/, fields: { operationId, ended: 2 } }])
  t.match(redone, [{ ended: 2, xid: String }])

  await run()
  t.match(counts, { lost: 1 }, 'once')
  t.equal((await operations('ada')).length, 1)
})

t.test('several processes that execute it again at once do it once', async (t) => {
  const { token } = await old.signIn('bob')
  await replicate()
  await old.sessions.logout(token, 'local', source)
  const all = [reconcilerOf(), reconcilerOf(), reconcilerOf(), reconcilerOf()]
  await Promise.all(all.map(({ run }) => run()))
  t.equal(
    all.reduce((sum, { counts }) => sum + counts.lost, 0),
    1,
  )
  t.match(await operations('bob'), [{ revoked_count: 1 }])
  t.equal(await sessions.find(token), null)
})

t.test('every kind of operation is executed again', async (t) => {
  const [a, b, c] = [await old.signIn('cleo'), await old.signIn('cleo'), await old.signIn('dora')]
  const [e, f] = [await old.signIn('emil'), await old.signIn('fred')]
  await replicate()
  await old.sessions.endOne(a.token, b.id, source)
  await old.sessions.create({ userId: 'cleo', replaces: a.token, ...source })
  await old.accounts.revoke('dora', { reason: 'stolen', lockSeconds: null }, STAFF)
  await old.accounts.revoke('emil', { reason: 'mistaken', lockSeconds: 600 }, STAFF)
  await old.accounts.unlock('emil', 'found', STAFF)
  const key = await old.keyFor('users:delete')
  await old.sessions.removeUser({ userId: 'fred', key: { id: key.id, scopes: [] }, requestId: 'r' })

  const { run, counts } = reconcilerOf()
  await run()
  for (const { token } of [a, b, c, e, f]) t.equal(await sessions.find(token), null)
  t.match(await operations('cleo'), [{ kind: 'session.end' }, { kind: 'session.replace' }])
  t.match(await operations('dora'), [
    { kind: 'user.revoke', actor_kind: 'staff', actor_id: 'eve', result: { lockedUntil: 'forever' } },
  ])
  t.match((await accounts.show('dora')).user.lock, { until: null, reason: 'stolen' })
  t.equal((await accounts.show('emil')).user.lock, null, 'unlocked by the later operation')
  t.match(await operations('fred'), [{ kind: 'user.delete', actor_id: key.id, revoked_count: 1 }])
  t.same(await taken.psql(`select from "user" where id = 'fred'`), [])
  t.equal(counts.lost, 5)
  t.match(errors.find(({ fields }) => fields.kind === 'user.unlock')?.message, /unlock the user again/)
})

t.test('a session that was taken over and signed out, both lost, is not taken over again', async (t) => {
  const expires = new Date(Date.now() + 3_600_000)
  const key = { id: (await old.keyFor('sessions:create')).id, scopes: [] }
  const takeOver = ({ takeOver }: typeof sessions, userId: string, token: string) =>
    takeOver({ userId, token, expires, profile: {}, key, ...source })
  const tokens = {
    'jo-local': crypto.randomUUID(),
    'jo-one': crypto.randomUUID(),
    'jo-replaced': crypto.randomUUID(),
    'jo-again': crypto.randomUUID(),
  }
  const ids = new Map<string, string>()
  for (const [user, token] of Object.entries(tokens))
    ids.set(user, (await takeOver(old.sessions, user, token)).id)
  const phone = await old.signIn('jo-one')
  await old.sessions.logout(tokens['jo-local'], 'local', source)
  await old.sessions.endOne(phone.token, ids.get('jo-one') ?? '', source)
  await old.sessions.create({ userId: 'jo-replaced', replaces: tokens['jo-replaced'], ...source })
  await old.sessions.logout(tokens['jo-again'], 'local', source)
  const again = await takeOver(sessions, 'jo-again', tokens['jo-again'])
  t.ok(await sessions.find(tokens['jo-again']), 'the new primary knows of nothing')
  t.not(again.id, ids.get('jo-again'))

  await reconcilerOf().run()
  t.equal(await sessions.find(tokens['jo-again']), null)
  for (const [user, token] of Object.entries(tokens))
    await t.rejects(takeOver(sessions, user, token), { code: 'session_over', detail: /: ended/ }, user)
})

t.test('an incident runs again, even if its plan is lost', async (t) => {
  const [a, b] = [await old.signIn('gwen', 'first'), await old.signIn('gwen', 'second')]
  await replicate()
  const { planId } = await old.incidents.plan({ userAgent: 'first' }, 'a test', { ...STAFF, ...source })
  await replicate(['incident', 'incident_planned'])
  await old.incidents.execute(planId, { ...STAFF, ...source })
  const lost = await begin(old, { userAgent: 'second', userIds: ['gwen'] })
  const { run, counts } = reconcilerOf()
  await run()
  t.equal(await sessions.find(a.token), null)
  t.equal(await sessions.find(b.token), null)
  t.equal(counts.lost, 2)
  const { incidents } = servicesOn(taken.url)
  for (const id of [planId, lost]) t.match(await incidents.get(id), { state: 'done', ended: 1 })
  t.match(await incidents.get(lost), { selection: { userIds: ['gwen'] } })
})

t.test('a revoked key is revoked again', async (t) => {
  const [revoked, other] = [await old.keyFor('introspect'), await old.keyFor('introspect')]
  await replicate(['service_key'])
  const by = { actorKind: 'system' as const, actorId: 'cli:eve' }
  const ended = await old.database.transaction((tx) => endKey(tx, revoked.id, by))
  if (!ended) throw new Error('no such key')
  const acknowledged = createAcknowledged(null, log)
  await acknowledged.keep([ended.act])
  const [one, another] = [reconcilerOf(acknowledged), reconcilerOf(acknowledged)]
  await Promise.all([one.run(), another.run()])
  await one.run()
  t.equal(one.counts.lost + another.counts.lost, 1)
  const rows = await taken.psql<{ id: string; revoked: boolean }>(
    'select id, revoked_at is not null as revoked from service_key where id in ($1, $2)',
    [revoked.id, other.id],
  )
  t.same(Object.fromEntries(rows.map(({ id, revoked }) => [id, revoked])), {
    [revoked.id]: true,
    [other.id]: false,
  })
  t.match(
    await taken.psql(`select actor_id, result from operation where kind = 'key.revoke'`),
    [{ actor_id: 'cli:eve', result: { keyId: revoked.id, redone: { operationId: ended.act.id } } }],
    'one operation, by the same actor',
  )
})

t.test('a lost head of the audit chain is reported once', async (t) => {
  await seal(old.database)
  const acknowledged = createAcknowledged(null, log)
  acknowledged.noteHead(await readChainHead(old.database))
  const { run, counts } = reconcilerOf(acknowledged)
  await run()
  await run()
  t.equal(counts.heads, 1)
  t.match(errors, [{ message: /audit chain/ }])
  await seal(taken)
  acknowledged.noteHead(await readChainHead(taken))
  await run()
  t.equal(counts.heads, 1, 'a head that the server has is no error')
  t.same((await verify(taken)).findings, [])
})

t.test('while it fails it counts what is missing, and the next run continues', async (t) => {
  const { token } = await old.signIn('hugo')
  await replicate()
  await old.sessions.logout(token, 'local', source)
  const { run, counts } = reconcilerOf()
  await taken.psql('alter table operation rename to operations')
  await t.rejects(run())
  await taken.psql('alter table operations rename to operation')
  await taken.psql('alter function redo_operation(jsonb, uuid[], boolean) rename to redo_operations')
  await t.rejects(run())
  t.match(counts, { lost: 0, missing: 1 })
  await taken.psql('alter function redo_operations(jsonb, uuid[], boolean) rename to redo_operation')
  await run()
  t.match(counts, { lost: 1, missing: 0 })
  t.equal(await sessions.find(token), null)
})

t.test("the service's database role has the rights for it", async (t) => {
  const { token } = await old.signIn('ines')
  await replicate()
  await old.sessions.logout(token, 'global', source)
  const url = new URL(taken.url)
  url.searchParams.set('options', '-c role=global_logout_service')
  const { database } = servicesOn(url.href)
  const reconciler = createReconciler(old.acknowledged, log, () => {})
  await reconciler.reconcile(database, 'x', never)
  t.equal(await sessions.find(token), null)
})
