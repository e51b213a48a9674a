/** Sessions in process: late commits, database roles, standby servers, a pool of one connection, options. */
import { createDatabaseSessions, type DatabaseSessionsOptions } from '@global-logout/postgres'
import pg from 'pg'
import t from 'tap'
import { hold } from '../support/hold.ts'
import { login } from '../support/logins.ts'
import { startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'
import { bearer } from './sessions-suite.ts'

const service = await startService()
const { database } = service
const application = await login(database, 'global_logout_application')
const open = (options: DatabaseSessionsOptions = {}) => {
  const sessions = createDatabaseSessions({ connectionString: application.url, ...options })
  t.teardown(sessions.close)
  return sessions
}
const withSetting = (setting: string) => {
  const url = new URL(database.url)
  url.searchParams.set('options', `-c ${setting}`)
  return open({ connectionString: url.href })
}
const LOCK = 'select from "user" where id = $1 for update'

t.test('a logout that timed out has ended nothing, and ends nothing later', async (t) => {
  const { token, id } = await service.signIn(await service.addUser('ada'))
  const other = await hold(database, LOCK, ['ada'])
  const impatient = open({ timeoutMs: 300 })
  await t.rejects(impatient.logout(bearer(token), { scope: 'global' }), {
    name: 'NotSignedOutError',
    status: 503,
    code: 'unavailable',
  })
  await other.end()
  await waitFor('the end of its transaction', async () => {
    const left = await database.psql(
      `select from pg_stat_activity where usename = $1 and state <> 'idle' and datname = current_database()`,
      [application.name],
    )
    return left.length === 0
  })
  t.equal((await open().check(bearer(token)))?.sessionId, id, 'the session is still valid')
})

t.test('a sign-in that found no connection in time creates no session later', async (t) => {
  const pool = new pg.Pool({ connectionString: application.url, max: 1 })
  t.teardown(() => pool.end())
  const sessions = open({ connectionString: '', pool, timeoutMs: 100 })
  const client = await pool.connect()
  await t.rejects(sessions.create({ user: { id: 'late' } }), { name: 'ServiceError', code: 'unavailable' })
  await t.rejects(sessions.check(bearer('x')), { name: 'UndecidedError' })
  client.release()
  await waitFor('the pool to be idle', () => pool.waitingCount === 0 && pool.idleCount === pool.totalCount)
  t.same(await database.psql(`select from session where "userId" = 'late'`), [])
})

t.test('a pool of one connection is enough', async (t) => {
  const pool = new pg.Pool({ connectionString: application.url, max: 1 })
  t.teardown(() => pool.end())
  const sessions = open({ connectionString: '', pool })
  const made = await Promise.all(['a', 'b', 'c'].map((id) => sessions.create({ user: { id } })))
  const ended = await Promise.all(made.map(({ token }) => sessions.logout(bearer(token))))
  t.same(
    ended.map(({ revoked }) => revoked.length),
    [1, 1, 1],
  )
})

t.test('without the role or the schema, a session is undecided, and the error says why', async (t) => {
  const stranger = open({ connectionString: (await login(database)).url })
  const elsewhere = open({ schema: 'nowhere' })
  for (const sessions of [stranger, elsewhere]) {
    await t.rejects(sessions.check(bearer('x')), { name: 'UndecidedError', message: /doctor/ })
    await t.rejects(sessions.logout(bearer('x')), {
      name: 'NotSignedOutError',
      code: 'unavailable',
      message: /doctor/,
    })
  }
})

t.test('a server that cannot record revocations is refused, and so is a standby', async (t) => {
  const { token } = await service.signIn(await service.addUser('eve'))
  const withoutTriggers = withSetting('session_replication_role=replica')
  await t.rejects(withoutTriggers.check(bearer(token)), { name: 'UndecidedError' })
  await t.rejects(withoutTriggers.logout(bearer(token)), { name: 'NotSignedOutError', status: 503 })
  const readOnly = withSetting('default_transaction_read_only=on')
  await t.rejects(readOnly.logout(bearer(token)), { name: 'NotSignedOutError', status: 503 })
  await t.rejects(readOnly.create({ user: { id: 'eve' } }), { name: 'ServiceError', status: 503 })
  t.equal(await service.check(token), 200)
  // Simulates a standby: every act begins with this check.
  const [act] = await database.psql<{ text: string }>(
    `select pg_get_functiondef('global_logout.begin_act(text[])'::regprocedure) as text`,
  )
  t.match(act?.text, /IF pg_is_in_recovery\(\) THEN\s+RAISE EXCEPTION.*'read_only_sql_transaction'/)
  for (const name of [
    'log_in',
    'use_session',
    'log_out',
    'remove_user',
    'take_over',
    'sign_in',
    'sign_out',
  ]) {
    const [row] = await database.psql<{ text: string }>(
      `select prosrc as text from pg_proc where proname = $1 and pronamespace = 'global_logout'::regnamespace
        order by pronargs desc`,
      [name],
    )
    t.match(
      row?.text,
      /PERFORM global_logout\.begin_act\(|LATERAL global_logout\.log_in\(|FROM global_logout\.log_out\(/,
      name,
    )
  }
})

t.test('the cookie has the attributes that the service sets', async (t) => {
  const cookieOf = async (options: DatabaseSessionsOptions) =>
    (await open(options).create({ user: { id: 'cookie' } })).cookie
  t.match(await cookieOf({}), { name: '__Host-authjs.session-token', attributes: { secure: true } })
  t.match(await cookieOf({ publicUrl: 'http://localhost:3000' }), {
    name: 'authjs.session-token',
    attributes: { secure: false },
  })
  t.match(await cookieOf({ publicUrl: 'https://a.example.com', cookieDomain: 'example.com' }), {
    name: '__Secure-authjs.session-token',
    attributes: { secure: true, domain: 'example.com' },
  })
  t.match(await cookieOf({ cookieNames: ['mine', 'other'] }), { name: 'mine' })
})

t.test('invalid options are refused when the sessions are created', async (t) => {
  const connectionString = application.url
  for (const options of [
    {},
    { connectionString, pool: new pg.Pool() },
    { connectionString, schema: 'a"b' },
    { connectionString, schema: 'pg_catalog' },
    { connectionString, timeoutMs: 0 },
    { connectionString, timeoutMs: Number.POSITIVE_INFINITY },
    { connectionString, publicUrl: 'http://localhost', cookieNames: ['__Host-x'] },
    { connectionString, publicUrl: 'nowhere' },
  ])
    t.throws(() => createDatabaseSessions(options), TypeError, Object.keys(options).join())
})
