/**
 * An application's login cannot act as security staff, in another's name, or by mistake with the functions
 * that it may call.
 */
import { createDatabaseSessions, type DatabaseSessions } from '@global-logout/postgres'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { openTransaction } from '../authjs/application.ts'
import { bearer } from '../client/sessions-suite.ts'
import { hold } from '../support/hold.ts'
import { login } from '../support/logins.ts'
import { json, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const service = await startService()
const { addUser, as, check, database, keyFor, signIn } = service
const { psql } = database
const application = await login(database, 'global_logout_application')
const forStaff = await login(database, 'global_logout_staff_application')
const of = ({ url }: { url: string }) => {
  const sessions = createDatabaseSessions({ connectionString: url })
  t.teardown(sessions.close)
  return sessions
}
const [sessions, staffSessions] = [of(application), of(forStaff)]
const inAnHour = () => new Date(Date.now() + 3_600_000)
const giveRole = (id: string, role = 'security') =>
  psql('insert into staff (user_id, role) values ($1, $2)', [id, role])
async function addStaff(role?: string) {
  const id = await addUser()
  await giveRole(id, role)
  return id
}
const takeOver = (by: DatabaseSessions, id: string, token: string = crypto.randomUUID()) =>
  by.create({ user: { id }, takeOver: { token, expires: inAnHour() } })
/** The statuses of a staff read and of a staff write. */
async function powers(token: string) {
  const victim = await addUser()
  const looks = await as(token, `/api/admin/users?q=${victim}`)
  const ends = await as(token, `/api/admin/users/${victim}/revoke`, json({ reason: 'a test' }))
  return [looks.status, ends.status]
}
const REFUSED = { status: 403, code: 'insufficient_scope', message: /global_logout_staff_application/ }

t.test('an application cannot sign staff in, take over a session of theirs, or delete staff', async (t) => {
  for (const role of ['security', 'auditor']) {
    const boss = await addStaff(role)
    const own = await signIn(boss)
    await t.rejects(sessions.create({ user: { id: boss } }), { name: 'ServiceError', ...REFUSED })
    await t.rejects(sessions.create({ user: { id: boss }, replaces: own.token }), REFUSED)
    await t.rejects(takeOver(sessions, boss), { name: 'ServiceError', ...REFUSED })
    await t.rejects(takeOver(sessions, boss, own.token), REFUSED)
    await t.rejects(sessions.removeUser(boss), { name: 'NotSignedOutError', ...REFUSED })
    t.equal(await check(own.token), 200, 'their own session stays valid')
    t.equal((await psql('select from session where "userId" = $1', [boss])).length, 1)
    t.match(await sessions.check(bearer(own.token)), { userId: boss })
    t.match(
      (await sessions.logout(bearer(own.token))).revoked,
      [{ id: own.id }],
      'the holder of the token may sign out',
    )
  }
})

t.test('nor can it by SQL, as another login, or after SET ROLE', async (t) => {
  const boss = await addStaff()
  for (const sql of [
    `select global_logout.sign_in('hash', '${boss}')`,
    `begin; set local role global_logout_application; select global_logout.sign_in('hash', '${boss}')`,
    `select global_logout.take_over('hash', '${boss}', now() + interval '1 day')`,
    `select global_logout.delete_user('${boss}')`,
  ])
    await t.rejects(application.psql(sql), { code: 'GL002' }, sql)
  for (const call of ['may_act_on_staff()', `refuse_staff('ada')`])
    await t.rejects(application.psql(`select global_logout.${call}`), { code: '42501' }, call)
})

t.test('with the role for staff an application can do all of that, and staff can act', async (t) => {
  const boss = await addStaff()
  const { token } = await staffSessions.create({ user: { id: boss } })
  t.same(await powers(token), [200, 200])
  const taken = await takeOver(staffSessions, boss)
  t.same(
    await powers(taken.token),
    [200, 403],
    'a session that was taken over does not count as a recent sign-in',
  )
  await staffSessions.removeUser(boss)
  t.equal(await check(token), 401)
})

t.test('a session from before the role has it only if the application may sign staff in', async (t) => {
  for (const [by, expected] of [
    [sessions, [403, 403]],
    [staffSessions, [200, 200]],
  ] as const) {
    const ada = await addUser()
    const [made, taken] = [await by.create({ user: { id: ada } }), await takeOver(by, ada)]
    await giveRole(ada)
    t.same(await powers(made.token), expected)
    t.same((await powers(taken.token))[0], expected[0])
    t.same([await check(made.token), await check(taken.token)], [200, 200])
  }
})

t.test('an application cannot create a session in the name of a key', async (t) => {
  const { id } = await keyFor('sessions:create', 'security')
  for (const { psql } of [application, forStaff])
    await t.rejects(
      psql(`select global_logout.take_over('hash', 'ada', now() + interval '1 day', '{}', null, null, $1)`, [
        id,
      ]),
      { code: '42501' },
    )
})

t.test('an act without a token, a user or a scope is refused, and ends nothing', async (t) => {
  const ada = await addUser()
  const { token } = await signIn(ada)
  const hash = hashToken(token)
  for (const call of [
    `sign_out('${hash}', null)`,
    `sign_out('${hash}', '')`,
    `sign_out('${hash}', 'everything')`,
    `sign_out('')`,
    'sign_out(null)',
    `sign_in('', '${ada}')`,
    `sign_in(null, '${ada}')`,
    `sign_in('hash', '')`,
    `sign_in('hash', null)`,
    `take_over('', '${ada}', now() + interval '1 day')`,
    `take_over(null, '${ada}', now() + interval '1 day')`,
    `delete_user('')`,
    'delete_user(null)',
  ])
    await t.rejects(application.psql(`select global_logout.${call}`), { code: '22023' }, call)
  for (const user of [`''`, 'null'])
    t.same(
      await application.psql(
        `select outcome, session_id from global_logout.take_over('hash', ${user}, now() + interval '1 day')`,
      ),
      [{ outcome: 'no_user', session_id: null }],
    )
  t.equal(await check(token), 200)
  t.same(await psql(`select from "user" where id = ''`), [])
})

t.test('a token is taken over for one user only, even if another claims it later', async (t) => {
  const { headers } = await keyFor('sessions:create')
  const overHttp = (id: string, token: string) => {
    const init = json({ user: { id }, takeOver: { token, expires: inAnHour() } })
    return service.http('/api/sessions', { ...init, headers: { ...init.headers, ...headers } })
  }
  const token = crypto.randomUUID()
  const over = { status: 409, code: 'session_over' }
  const made = await takeOver(sessions, 'token-of-ada', token)
  t.equal((await takeOver(sessions, 'token-of-ada', token)).sessionId, made.sessionId)
  await t.rejects(takeOver(sessions, 'token-of-eve', token), over)
  t.match(await (await overHttp('token-of-eve', token)).json(), over)
  t.same(await psql(`select from "user" where id = 'token-of-eve'`), [], 'and no trace of the other')

  const first = await openTransaction(database)
  const contested = crypto.randomUUID()
  await first.query(`select global_logout.take_over($1, 'token-of-ada', $2)`, [
    hashToken(contested),
    inAnHour(),
  ])
  const second = overHttp('token-of-eve', contested)
  await first.blocksAStatement()
  await first.commit()
  t.match(await (await second).json(), over)

  const shared = crypto.randomUUID()
  const settled = await Promise.allSettled(
    Array.from({ length: 10 }, (_, n) => takeOver(sessions, `one-of-ten-${n}`, shared)),
  )
  t.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const each of settled) if (each.status === 'rejected') t.match(each.reason, over)
})

const OLD_SNAPSHOTS = ['repeatable read', 'serializable']

/** A transaction that has taken its snapshot, if its isolation level takes only one. */
async function begun(url: string, isolation: string) {
  const client = new pg.Client({ connectionString: url })
  t.teardown(() => client.end())
  await client.connect()
  await client.query(`begin isolation level ${isolation}`)
  await client.query(`select global_logout.use_session('unknown')`)
  return client
}

t.test('an act whose old snapshot would miss a later sign-in is refused', async (t) => {
  const calls = (phone: string, ada: string) => ({
    application: [
      `sign_out('${phone}', 'global')`,
      `sign_out('${phone}', 'others')`,
      `sign_out('${phone}')`,
      `sign_in('${crypto.randomUUID()}', '${ada}', replaces => '${phone}')`,
      `take_over('${crypto.randomUUID()}', '${ada}', now() + interval '1 day')`,
      `delete_user('${ada}')`,
    ],
    owner: [
      `log_out('${phone}', 'global', null, '{}', null, null, null, 100, true)`,
      `log_in('${crypto.randomUUID()}', '${ada}', '{}', null, null, '${phone}', null, true, null)`,
      `end_sessions(jsonb_populate_record(null::global_logout.operation,
        '{"kind": "user.revoke", "actor_kind": "staff", "user_id": "${ada}"}'), null, null, 100)`,
      `revoke_user('{"kind": "user.revoke", "actor_kind": "staff", "user_id": "${ada}", "reason": "x"}', false, null, false, 100, true)`,
    ],
  })
  for (const isolation of OLD_SNAPSHOTS) {
    const ada = await addUser()
    const phone = await signIn(ada)
    const [theirs, ours] = [await begun(application.url, isolation), await begun(database.url, isolation)]
    const laptop = await signIn(ada)
    const { application: byApplication, owner } = calls(hashToken(phone.token), ada)
    for (const [client, list] of [
      [theirs, byApplication],
      [ours, owner],
    ] as const)
      for (const call of list) {
        await client.query('savepoint before')
        await t.rejects(
          client.query(`select global_logout.${call}`),
          { code: 'GL003', message: new RegExp(isolation, 'i'), hint: /READ COMMITTED/ },
          `${isolation}: ${call}`,
        )
        await client.query('rollback to before')
      }
    for (const client of [theirs, ours]) await client.query('commit')
    for (const { token } of [phone, laptop]) t.equal(await check(token), 200, 'no session has ended')
  }
  await t.rejects(
    database.run((db) =>
      db.execute(`begin isolation level serializable; select global_logout.sign_out('unknown', 'global')`),
    ),
    { code: 'unavailable', detail: /must be READ COMMITTED/ },
    'the service answers 503 with the reason',
  )
})

t.test('under READ COMMITTED an act sees later commits, and waits for open transactions', async (t) => {
  const ada = await addUser()
  const phone = await signIn(ada)
  const theirs = await begun(application.url, 'read committed')
  const laptop = await signIn(ada)
  const tablet = await hold(database, `select global_logout.sign_in('tablet', $1)`, [ada])
  const ended = theirs.query(`select ended, revoked_count from global_logout.sign_out($1, 'global')`, [
    hashToken(phone.token),
  ])
  await waitFor('the sign-out to wait for the sign-in', async () => {
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%sign_out%'`
    return (await psql(waiting)).length > 0
  })
  await tablet.end('commit')
  t.match((await ended).rows, [{ ended: true, revoked_count: 3 }])
  await theirs.query('commit')
  for (const { token } of [phone, laptop]) t.equal(await check(token), 401)
  t.same(await psql(`select from session where "userId" = $1`, [ada]), [])
})

t.test('no sign-in escapes a logout whose session appears while it waits for another user', async (t) => {
  const [ada, bob] = [await addUser(), await addUser()]
  const other = await signIn(bob)
  const token = crypto.randomUUID()
  const sign = 'select global_logout.sign_in($1, $2)'
  const own = await hold(database, sign, [hashToken(token), ada])
  const lockOfBob = await hold(database, 'select from "user" where id = $1 for update', [bob])
  const loggedOut = psql<{ outcome: string; ended: number }>(
    `select outcome, ended from global_logout.log_out($1, 'global', null, array[$2], null, null, null, 100, true)`,
    [hashToken(token), hashToken(other.token)],
  )
  const waits = async () => {
    const [row] = await psql<{ blockers: number[] }>(
      `select pg_blocking_pids(pid) as blockers from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%log_out(%'`,
    )
    return row?.blockers.join()
  }
  const forBob = await waitFor('the logout to wait for the other user', waits)
  await own.end('commit')
  const escaping = await hold(database, sign, ['escaping', ada])
  await lockOfBob.end()
  await waitFor('the logout to wait for the sign-in', async () => {
    const blockers = await waits()
    return blockers && blockers !== forBob
  })
  await escaping.end('commit')
  t.match(await loggedOut, [{ outcome: 'done', ended: 3 }])
  t.same(await psql('select from session where "userId" in ($1, $2)', [ada, bob]), [])
})

t.test('an application with another default isolation can still sign in, check and sign out', async (t) => {
  for (const isolation of OLD_SNAPSHOTS) {
    const url = new URL(application.url)
    url.searchParams.set('options', `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`)
    const strict = of({ url: url.href })
    const ada = await addUser()
    const [phone, laptop] = [
      await strict.create({ user: { id: ada } }),
      await strict.create({ user: { id: ada } }),
    ]
    t.match(await strict.check(bearer(laptop.token)), { userId: ada })
    t.equal((await strict.logout(bearer(phone.token), { scope: 'global' })).revokedCount, 2)
    // Within its own transaction, where we can only use savepoints.
    const db = drizzle(application.url)
    t.teardown(() => db.$client.end())
    const { token } = await strict.create({ user: { id: ada } })
    await db.transaction(
      async (tx) => {
        const inside = createDatabaseSessions({ db: tx })
        await t.rejects(inside.logout(bearer(token), { scope: 'global' }), {
          name: 'NotSignedOutError',
          status: 503,
          code: 'unavailable',
          message: /is not READ COMMITTED.*Nothing was changed/,
        })
      },
      { isolationLevel: isolation as 'serializable' },
    )
    t.equal(await check(token), 200)
  }
})

t.test('under an old snapshot a user is deleted, unless a later sign-in would be missed', async (t) => {
  for (const isolation of OLD_SNAPSHOTS) {
    const [ada, bob] = [await addUser(), await addUser()]
    const [first, other] = [await signIn(ada), await signIn(bob)]
    const [missing, seeing] = [await begun(database.url, isolation), await begun(database.url, isolation)]
    const later = await signIn(ada)
    const remove = `select global_logout.remove_user($1, 'database', 'app')`
    await t.rejects(missing.query(remove, [ada]), { code: '40001' })
    await missing.query('rollback')
    await seeing.query(remove, [bob])
    await seeing.query('commit')
    for (const { token } of [first, later]) t.equal(await check(token), 200, 'no session has ended')
    t.equal(await check(other.token), 401)
  }
})
