/**
 * The role `global_logout_application` suffices for an application: no rights on our tables, no other writes
 * to the audit log.
 */
import { withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { verify } from '../../src/staff/audit/chain.ts'
import { testDatabase } from '../support/database.ts'
import { login } from '../support/logins.ts'
import { startService } from '../support/service.ts'
import { PATIENCE_MS, waitFor } from '../support/within.ts'
import { DRIVERS } from './application.ts'
import { inDays } from './contract-suite.ts'
import { memoryAdapter } from './memory-adapter.ts'

const owner = await testDatabase()
const { psql } = owner
const application = await login(owner, 'global_logout_application')

/** An application whose login has the rights of `url`, on one of the drivers. */
function adapterOn(url: string, driver: keyof typeof DRIVERS = 'a pool of node-postgres') {
  const { adapter, sessions } = memoryAdapter()
  // Many queries wait for one connection, on a loaded machine.
  const ours = createDatabaseSessions({ db: DRIVERS[driver](url, ''), timeoutMs: PATIENCE_MS })
  return {
    adapter: withGlobalLogout(adapter, ours),
    held: sessions,
  }
}

async function signedIn({ adapter }: ReturnType<typeof adapterOn>) {
  const email = `${crypto.randomUUID()}@example.com`
  const user = await adapter.createUser({ id: '', email, emailVerified: null })
  const { sessionToken } = await adapter.createSession({
    sessionToken: '',
    userId: user.id,
    expires: inDays(7),
  })
  return { user, sessionToken }
}

t.test("everything that Auth.js does works with the application's role, and with the owner's", async (t) => {
  const service = await startService({ database: owner, env: { CHECK_MODE: 'leased' } })
  await service.answersFromMemory()
  for (const url of [application.url, owner.url]) {
    const { adapter, held } = adapterOn(url)
    const { user, sessionToken } = await signedIn({ adapter, held })
    await psql(`update session set "lastSeenAt" = now() - interval '1 hour' where "userId" = $1`, [user.id])
    t.match(await adapter.getSessionAndUser(sessionToken), { user })
    const [{ fresh } = {}] = await psql<{ fresh: boolean }>(
      `select "lastSeenAt" > now() - interval '1 minute' as fresh from session where "userId" = $1`,
      [user.id],
    )
    t.ok(fresh, 'the activity is recorded')
    const old = crypto.randomUUID()
    held.set(old, { sessionToken: old, userId: user.id, expires: inDays(1) })
    t.match(await adapter.getSessionAndUser(old), { user })
    await adapter.deleteSession(old)

    const before = service.hits()
    await waitFor('an answer from the cache', async () => {
      t.equal(await service.check(sessionToken), 200)
      return service.hits() > before
    })
    await adapter.deleteSession(sessionToken)
    t.equal(await service.check(sessionToken), 401, 'refused at every instance once the sign-out returns')
    await adapter.deleteSession(sessionToken)
    const signOut = {
      kind: 'logout',
      scope: 'local',
      actor_kind: 'user',
      actor_id: user.id,
      revoked_count: 1,
    }
    t.match(await psql('select * from operation where user_id = $1', [user.id]), [signOut, signOut])
    await adapter.deleteUser(user.id)
    t.match(await psql('select * from operation where user_id = $1 order by at desc limit 1', [user.id]), [
      { kind: 'user.delete', actor_kind: 'database', actor_id: new URL(url).username },
    ])
  }
})

t.test('a login without the role can do none of it', async (t) => {
  const { url } = await login(owner)
  await t.rejects(signedIn(adapterOn(url)), { code: 'unavailable', message: /the right to call them/ })
})

t.test("concurrent sign-outs on the application's only connection do not interfere", async (t) => {
  const service = await startService({ database: owner, env: { CHECK_MODE: 'leased' } })
  await service.answersFromMemory()
  const one = adapterOn(application.url, 'one client of node-postgres')
  const tokens: string[] = []
  for (let i = 0; i < 20; i++) tokens.push((await signedIn(one)).sessionToken)
  for (const token of tokens) t.equal(await service.check(token), 200)
  const outcomes = await Promise.allSettled(tokens.map((token) => one.adapter.deleteSession(token)))
  t.strictSame(
    outcomes.filter(({ status }) => status === 'rejected'),
    [],
  )
  for (const token of tokens) t.equal(await service.check(token), 401)
})

t.test('an application cannot record an act of staff, nor end a session in their name', async (t) => {
  const on = adapterOn(application.url)
  const { user, sessionToken } = await signedIn(on)
  const before = await psql('select from operation')
  for (const sql of [
    `insert into operation (id, kind, actor_kind, actor_id, user_id, revoked_count) values (gen_random_uuid(), 'user.revoke', 'staff', 'eve', 'ada', 1)`,
    `insert into operation (id, kind, actor_kind, actor_id, user_id, revoked_count) values (gen_random_uuid(), 'logout', 'user', 'ada', 'ada', 1)`,
    'update operation set waited_ms = 1',
    'select from operation',
    'select from revoked_session',
    `insert into revoked_session (session_id) values (gen_random_uuid())`,
    'select from session',
    'insert into session ("sessionToken") values (gen_random_uuid())',
    'delete from session',
    'truncate session',
    'select from "user"',
    'delete from "user"',
    'select from taken_over',
    'delete from taken_over',
    `update session set "createdAt" = now()`,
    `update session set "userId" = 'x'`,
    'select from user_lock',
    'delete from user_lock',
    `insert into staff (user_id, role) values ('x', 'security')`,
    'select from staff',
    'select from service_key',
    `insert into service_key (name, key_hash, scopes) values ('x', 'x', '{security}')`,
    'update session_policy set max_age_seconds = 1',
    'select from instance',
    'delete from instance',
    `insert into instance (id) values (gen_random_uuid())`,
    'update instance set beat = 1',
    'select global_logout.seal_operations(1)',
    'select global_logout.prune_feed(86400, 1)',
    'select global_logout.restored_elsewhere()',
    `select global_logout.record_operation('user.role', 'x', null, '{}')`,
    'select global_logout.grant_roles()',
    `select global_logout.mirror_user('x', '{}')`,
    `select global_logout.valid_session('x')`,
    `select global_logout.end_sessions(null, null, null, null)`,
  ])
    await t.rejects(application.psql(sql), { code: '42501' }, sql)
  t.equal((await psql('select from operation')).length, before.length)
  const [session] = await psql<{ id: string }>('select id from session where "sessionToken" = $1', [
    hashToken(sessionToken),
  ])
  await on.adapter.deleteSession(sessionToken)
  t.match(await psql('select * from operation where actor_session_id = $1', [session?.id]), [
    { actor_kind: 'user', actor_id: user.id },
  ])
  t.match(await verify(owner), { findings: [] })
})

t.test('after a sign-out, later deletions of its transaction are not attributed to it', async (t) => {
  const on = adapterOn(owner.url)
  const [one, two] = [await signedIn(on), await signedIn(on)]
  await psql(
    `begin; select global_logout.sign_out('${hashToken(one.sessionToken)}');
     delete from session where "sessionToken" = '${hashToken(two.sessionToken)}'; commit`,
  )
  t.match(await psql('select operation_id from revoked_session where user_id = $1', [two.user.id]), [
    { operation_id: null },
  ])
  t.match(await verify(owner), { findings: [] })
})
