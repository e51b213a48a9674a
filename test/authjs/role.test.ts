/** An Auth.js application needs `global_logout_application` and nothing else; and may record its own sign-outs, and nothing else. */
import type { Adapter } from '@auth/core/adapters'
import { GlobalLogoutAdapter } from '@global-logout/authjs/drizzle'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { generateSessionToken } from '../../src/sessions/tokens.ts'
import { verify } from '../../src/staff/audit/chain.ts'
import { testDatabase } from '../support/database.ts'
import { login } from '../support/logins.ts'
import { startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'
import { applicationDatabase, DRIVERS } from './application.ts'
import { inDays, newAccount } from './contract-suite.ts'

const owner = await testDatabase()
const { psql } = owner
const application = await login(owner, 'global_logout_application')

async function signedIn(adapter: Required<Adapter>) {
  const user = await adapter.createUser({
    id: '',
    email: `${crypto.randomUUID()}@example.com`,
    emailVerified: null,
  })
  const sessionToken = generateSessionToken()
  await adapter.createSession({ sessionToken, userId: user.id, expires: inDays(7) })
  return { user, sessionToken }
}

t.test(
  'all that Auth.js does goes with the role of the application, and with that of the owner',
  async (t) => {
    const service = await startService({ database: owner, env: { CHECK_MODE: 'leased' } })
    await service.answersFromMemory()
    for (const url of [application.url, owner.url]) {
      const adapter = GlobalLogoutAdapter(applicationDatabase({ url })) as Required<Adapter>
      const { user, sessionToken } = await signedIn(adapter)
      await adapter.updateUser({ id: user.id, name: 'Ada' })
      const account = newAccount(user.id)
      await adapter.linkAccount(account)
      t.match(await adapter.getUserByAccount(account), { id: user.id })
      await adapter.createVerificationToken({ identifier: 'ada', token: user.id, expires: inDays(1) })
      t.match(await adapter.useVerificationToken({ identifier: 'ada', token: user.id }), { token: user.id })
      await psql(`update session set "lastSeenAt" = now() - interval '1 hour' where "userId" = $1`, [user.id])
      t.match(await adapter.getSessionAndUser(sessionToken), { user: { name: 'Ada' } })
      const [{ fresh } = {}] = await psql<{ fresh: boolean }>(
        `select "lastSeenAt" > now() - interval '1 minute' as fresh from session where "userId" = $1`,
        [user.id],
      )
      t.ok(fresh, 'the use is recorded')
      t.match(await adapter.updateSession({ sessionToken, expires: inDays(8) }), { sessionToken })
      const before = service.hits()
      await waitFor('an answer from memory', async () => {
        t.equal(await service.check(sessionToken), 200)
        return service.hits() > before
      })
      await adapter.deleteSession(sessionToken)
      t.equal(await service.check(sessionToken), 401, 'over at every instance, when the sign-out returns')
      t.match(await psql('select * from operation where user_id = $1', [user.id]), [
        { kind: 'authjs.signout', scope: 'local', actor_kind: 'user', actor_id: user.id, revoked_count: 1 },
      ])
      await adapter.deleteSession(sessionToken)
      t.equal((await psql('select from operation where user_id = $1', [user.id])).length, 1)
      await adapter.unlinkAccount(account)
      await adapter.deleteUser(user.id)
    }
  },
)

t.test('sign-outs at once, on the one connection of an application, do not break each other', async (t) => {
  const service = await startService({ database: owner, env: { CHECK_MODE: 'leased' } })
  await service.answersFromMemory()
  const adapter = GlobalLogoutAdapter(
    DRIVERS['one client of node-postgres'](application.url, ''),
  ) as Required<Adapter>
  const tokens: string[] = []
  for (let i = 0; i < 20; i++) tokens.push((await signedIn(adapter)).sessionToken)
  for (const token of tokens) t.equal(await service.check(token), 200)
  const outcomes = await Promise.allSettled(tokens.map((token) => adapter.deleteSession(token)))
  t.strictSame(
    outcomes.filter(({ status }) => status === 'rejected'),
    [],
  )
  for (const token of tokens) t.equal(await service.check(token), 401)
})

t.test(
  'an application can write no act of staff into the record, nor end a session in their name',
  async (t) => {
    const adapter = GlobalLogoutAdapter(applicationDatabase(application)) as Required<Adapter>
    const { user, sessionToken } = await signedIn(adapter)
    const before = await psql('select from operation')
    for (const sql of [
      `insert into operation (id, kind, actor_kind, actor_id, user_id, revoked_count) values (gen_random_uuid(), 'user.revoke', 'staff', 'eve', 'ada', 1)`,
      `insert into operation (id, kind, actor_kind, actor_id, user_id, revoked_count) values (gen_random_uuid(), 'authjs.signout', 'user', 'ada', 'ada', 1)`,
      'update operation set waited_ms = 1',
      'select from operation',
      'select from revoked_session',
      `insert into revoked_session (session_id) values (gen_random_uuid())`,
      'delete from session',
      'truncate session',
      `update session set "createdAt" = now()`,
      `update session set "userId" = 'x'`,
      'select from user_lock',
      'delete from user_lock',
      `insert into staff (user_id, role) values ('x', 'security')`,
      'select from staff',
      'select from service_key',
      `insert into service_key (name, key_hash, scopes) values ('x', 'x', '{security}')`,
      'update session_policy set max_age_seconds = 1',
      'delete from instance',
      `insert into instance (id) values (gen_random_uuid())`,
      'update instance set beat = 1',
      'select global_logout.seal_operations(1)',
      'select global_logout.prune_feed(86400, 1)',
      'select global_logout.restored_elsewhere()',
      `select global_logout.record_operation('user.role', 'x', null, '{}')`,
      'select global_logout.grant_roles()',
    ])
      await t.rejects(application.psql(sql), { code: '42501' }, sql)
    t.equal((await psql('select from operation')).length, before.length)
    const [session] = await psql<{ id: string }>('select id from session where "sessionToken" = $1', [
      hashToken(sessionToken),
    ])
    await adapter.deleteSession(sessionToken)
    t.match(await psql('select * from operation where actor_session_id = $1', [session?.id]), [
      { actor_kind: 'user', actor_id: user.id },
    ])
    t.match(await verify(owner), { findings: [] })
  },
)

t.test('a sign-out leaves no name behind for what else its transaction deletes', async (t) => {
  const adapter = GlobalLogoutAdapter(applicationDatabase(owner)) as Required<Adapter>
  const [one, two] = [await signedIn(adapter), await signedIn(adapter)]
  await psql(
    `begin; select global_logout.sign_out('${hashToken(one.sessionToken)}');
     delete from session where "sessionToken" = '${hashToken(two.sessionToken)}'; commit`,
  )
  t.match(await psql('select operation_id from revoked_session where user_id = $1', [two.user.id]), [
    { operation_id: null },
  ])
  t.match(await verify(owner), { findings: [] })
})
