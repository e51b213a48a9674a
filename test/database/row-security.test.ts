/** When row level security hides rows, the service answers 503: never "0 sessions ended", never 401. */
import { randomBytes } from 'node:crypto'
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { openDatabase } from '../../src/database/database.ts'
import { run, runHere } from '../support/command.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { dropLogin } from '../support/logins.ts'
import { freePort } from '../support/ports.ts'
import { json, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const NAMES_TABLE = /row-level security policy for table/
const HIDES = /Row level security hides rows|does not show every session/

/** Creates a login, with one role or none. */
async function login(database: TestDatabase, inRole = '') {
  const role = `gl_test_rls_${randomBytes(4).toString('hex')}`
  await database.psql(`create role ${role} login password 'x' ${inRole}`)
  const url = Object.assign(new URL(database.url), { username: role, password: 'x' }).href
  const opened = openDatabase(url)
  t.teardown(async () => {
    await opened.close()
    await dropLogin(database, role)
  })
  return { role, database: { ...database, ...opened, url } as TestDatabase }
}

interface Case {
  what: string
  /** The table that doctor names, and the fix for it. */
  table: string
  cure: (role: string) => string
  sql: (role: string) => string
  /** Whether the service connects as the owner of the tables. */
  asOwner?: boolean
}
const bypass = (role: string) => `alter role ${role} bypassrls`
const CASES: Case[] = [
  {
    what: 'a policy on session that shows each user their own',
    table: 'session',
    cure: bypass,
    sql: () => `alter table session enable row level security;
      create policy own on session using ("userId" = current_setting('app.user', true))`,
  },
  {
    what: 'a policy on session that shows all rows today',
    table: 'session',
    cure: bypass,
    sql: () => 'alter table session enable row level security; create policy every on session using (true)',
  },
  {
    what: 'row level security on "user" without any policy',
    table: '"user"',
    cure: bypass,
    sql: () => 'alter table "user" enable row level security',
  },
  {
    what: 'row level security on the lifetimes',
    table: 'session_policy',
    cure: bypass,
    sql: () => 'alter table session_policy enable row level security',
  },
  {
    what: 'row level security that is forced on the owner, as which the service connects',
    table: 'session',
    asOwner: true,
    cure: () => 'alter table session no force row level security',
    sql: () => 'alter table session enable row level security; alter table session force row level security',
  },
]

for (const { what, table, cure, sql, asOwner } of CASES)
  t.test(what, async (t) => {
    const owner = await testDatabase()
    const { role, database } = await login(owner, asOwner ? '' : 'in role global_logout_service')
    if (asOwner)
      await owner.psql(`do $$ declare r record; begin
          for r in select oid::regclass as name from pg_class where relnamespace = 'global_logout'::regnamespace and relkind = 'r'
          loop execute format('alter table %s owner to ${role}', r.name); end loop;
        end $$; grant all on schema global_logout to ${role};
        do $$ declare r record; begin
          for r in select oid::regprocedure as name from pg_proc where pronamespace = 'global_logout'::regnamespace
          loop execute format('alter function %s owner to ${role}', r.name); end loop;
        end $$`)
    await owner.psql(`insert into "user" (id) values ('ada')`)
    const maker = await startService({ database: owner })
    const { token } = await maker.signIn('ada')
    await maker.signIn('ada')
    await owner.psql(sql(role))

    for (const CHECK_MODE of ['database', 'leased']) {
      const log: string[] = []
      // Functions run as the owner: they see every session, unless row level security is forced on the owner.
      // If it hides the lifetimes, no lease can be acquired.
      const answers = CHECK_MODE === 'database' || table !== 'session_policy'
      const isRefused = asOwner || !answers
      const service = await startService({ database, env: { CHECK_MODE }, log, answers })
      if (!answers)
        await waitFor('the reason', async () => HIDES.test(await (await service.http('/readyz')).text()))
      if (table !== '"user"') t.equal(await service.check(token), 503, CHECK_MODE)
      t.equal((await service.as(token, '/')).status, 503)
      const whose = isRefused ? token : (await maker.signIn('guest')).token
      const logout = await service.as(whose, '/api/logout', json({ scope: 'global' }))
      t.equal(logout.status, isRefused ? 503 : 200)
      if (isRefused) {
        t.match(await logout.json(), { code: 'unavailable', detail: /does not show every session/ })
        t.equal(logout.headers.get('set-cookie'), null)
        t.equal((await service.as(token, '/logout', { method: 'POST' })).status, 503)
      } else t.match(await logout.json(), { revokedCount: 1 })
      const ready = await service.http('/readyz')
      t.equal(ready.status, 503)
      t.match(await ready.json(), { detail: HIDES })
      t.match(log.join(''), NAMES_TABLE, 'the log names it')
      if (!answers)
        t.ok(
          log.some((line) => line.includes('lease lost') && NAMES_TABLE.test(line)),
          'and says why no lease is held',
        )
    }
    const env = { DATABASE_URL: database.url }
    const revoke = async () => {
      const command = runHere(['revoke', 'ada', '--reason', 'stolen', '--yes'], { env })
      return { code: await command.ended, output: command.output() }
    }
    t.match(await revoke(), {
      code: 1,
      output: new RegExp(`row level security hides rows.*${table.replaceAll('"', '')}`),
    })
    t.equal(
      (await owner.psql(`select from session where "userId" = 'ada'`)).length,
      2,
      'both are still valid',
    )

    const start = run(['start'], { env: { ...env, PORT: String(await freePort()) } })
    t.equal(await start.ended, 1)
    t.match(start.output(), `row level security hides rows of ${table} from ${role}`)

    const doctor = runHere(['doctor', '--json'], { env })
    t.equal(await doctor.ended, 1)
    const [found] = (JSON.parse(doctor.stdout()) as { level: string; what: string; detail: string }[]).filter(
      ({ what }) => what === 'rows',
    )
    t.equal(found?.level, 'problem')
    t.match(found?.detail, `row level security hides rows of ${table} from ${role}`)
    t.match(found?.detail, `"${cure(role)}"`)

    await owner.psql(cure(role))
    const service = await startService({ database })
    t.equal(await service.check(token), 200, 'the fix works')
    t.match(await revoke(), { code: 0, output: /2 sessions/ })
    t.equal(await service.check(token), 401)
  })

t.test('forced on another owner it is found, too: triggers would not see the rows', async (t) => {
  const owner = await testDatabase()
  const { database } = await login(owner, 'bypassrls in role global_logout_service')
  const { role } = await login(owner)
  await owner.psql(`alter table user_lock owner to ${role}; alter table user_lock enable row level security;
    alter table user_lock force row level security`)
  const doctor = runHere(['doctor'], { env: { DATABASE_URL: database.url } })
  t.equal(await doctor.ended, 1)
  t.match(doctor.output(), `row level security hides rows of user_lock from ${role}`)
  t.match(doctor.output(), '"alter table user_lock no force row level security"')
})

t.test('row level security hides nothing from functions for applications, run by the owner', async (t) => {
  const owner = await testDatabase()
  const { database } = await login(owner, 'in role global_logout_application')
  const sessions = createDatabaseSessions({ connectionString: database.url })
  t.teardown(sessions.close)
  const { token } = await sessions.create({ user: { id: 'ada' } })
  const request = { headers: { authorization: `Bearer ${token}` } }
  for (const table of ['session', 'session_policy', '"user"', 'instance']) {
    await owner.psql(`alter table ${table} enable row level security`)
    t.match(await sessions.check(request), { userId: 'ada' }, table)
    if (table !== 'session') await owner.psql(`alter table ${table} disable row level security`)
  }

  // Forced, the policies apply to the owner, too.
  const name = `gl_test_rls_${randomBytes(4).toString('hex')}`
  await owner.psql(`create role ${name}; alter table session owner to ${name}; alter function use_session owner to ${name};
    alter function valid_session owner to ${name}; alter function sign_out owner to ${name};
    alter function log_out owner to ${name}; alter function end_sessions owner to ${name};
    alter table session force row level security; grant all on schema global_logout to ${name};
    grant all on all tables in schema global_logout to ${name}; grant execute on all functions in schema global_logout to ${name}`)
  t.teardown(() => dropLogin(owner, name))
  await t.rejects(sessions.check(request), { name: 'UndecidedError' })
  await t.rejects(sessions.logout(request), { name: 'NotSignedOutError', status: 503 })
  t.equal((await owner.psql('select from session')).length, 1, 'the session is still valid')
  await owner.psql('alter table session no force row level security')
  t.match(await sessions.logout(request), { revoked: { length: 1 } })
  t.equal(await sessions.check(request), null)
})
