/** Settings of the database or of the role do not change the service's behaviour. */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { isSetByService } from '../../src/database/connection-settings.ts'
import { openDatabase } from '../../src/database/database.ts'
import { runHere } from '../support/command.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { dropLogin } from '../support/logins.ts'
import { json, startService } from '../support/service.ts'

const HOSTILE: Record<string, Record<string, string>> = {
  'day and month swapped': { datestyle: 'SQL, DMY' },
  'dates in German': { datestyle: 'German' },
  'other spellings of values': {
    datestyle: 'Postgres, DMY',
    intervalstyle: 'sql_standard',
    timezone: 'Pacific/Chatham',
    timezone_abbreviations: 'India',
    bytea_output: 'escape',
    extra_float_digits: '-15',
    array_nulls: 'off',
    transform_null_equals: 'on',
    standard_conforming_strings: 'off',
    client_encoding: 'LATIN1',
  },
  'tables with the same names earlier in the search path': { search_path: 'trap, public' },
  'transactions that wait, and see less': {
    default_transaction_isolation: 'serializable',
    default_transaction_deferrable: 'on',
    row_security: 'on',
    synchronous_commit: 'off',
  },
  'limits that are too short': {
    statement_timeout: '5s',
    lock_timeout: '50ms',
    idle_in_transaction_session_timeout: '900ms',
    idle_session_timeout: '2s',
    transaction_timeout: '5s',
  },
  'failing triggers, and the id of an old operation': {
    'plpgsql.extra_errors': 'all',
    'global_logout.operation_id': '00000000-0000-0000-0000-000000000000',
  },
}

/** Gives the database, or the role that connects, the settings that this version of PostgreSQL supports. */
async function set({ psql }: TestDatabase, target: string, settings: Record<string, string>) {
  await psql('create schema trap')
  await psql(
    'create table trap.session (like global_logout.session); create table trap."user" (like global_logout."user")',
  )
  await psql('grant usage on schema trap to public; grant all on all tables in schema trap to public')
  for (const [name, value] of Object.entries(settings)) {
    const [known] = await psql('select from pg_settings where lower(name) = $1', [name])
    const list = value.split(', ').map((each) => `'${each}'`)
    const said = name === 'search_path' ? list.join(', ') : `'${value}'`
    if (known || name.includes('.')) await psql(`alter ${target} set ${name} = ${said}`)
  }
}

/** Connects as its own login, with the rights of the service. */
async function asRole(database: TestDatabase, settings: Record<string, string>): Promise<TestDatabase> {
  const role = `gl_test_set_${randomBytes(4).toString('hex')}`
  await database.psql(`create role ${role} login password 'x' in role global_logout_service`)
  await set(database, `role ${role}`, settings)
  const url = Object.assign(new URL(database.url), { username: role, password: 'x' }).href
  const opened = openDatabase(url)
  t.teardown(async () => {
    await opened.close()
    await dropLogin(database, role)
  })
  return { ...database, ...opened, url }
}

const WAYS = {
  database: async (database: TestDatabase, settings: Record<string, string>) => {
    const [{ name } = { name: '' }] = await database.psql<{ name: string }>(
      'select current_database() as name',
    )
    await set(database, `database ${name}`, settings)
    return database
  },
  role: asRole,
}

/** Whether it is that instant within two minutes: swapping day and month would differ by more. */
const near = (at: string, instant = Date.now()) => Math.abs(new Date(at).getTime() - instant) < 120_000

const ALL: Record<string, string> = {
  ...Object.assign({}, ...Object.values(HOSTILE)),
  datestyle: 'SQL, DMY',
}
for (const [way, prepare] of Object.entries(WAYS))
  for (const [what, settings] of Object.entries(way === 'role' ? HOSTILE : { 'all settings at once': ALL }))
    t.test(`${what}, set for the ${way}`, async (t) => {
      const owner = await testDatabase()
      const database = await prepare(owner, settings)
      const service = await startService({ database })
      const ada = 'ada'
      await owner.psql(`insert into global_logout."user" (id, name) values ($1, 'Ädä')`, [ada])
      const phone = await service.signIn(ada)
      const laptop = await service.signIn(ada)
      t.equal(await service.check(phone.token), 200)
      const list = await service.as(phone.token, '/api/sessions')
      t.equal(list.status, 200)
      const { sessions } = (await list.json()) as { sessions: { createdAt: string; expiresAt: string }[] }
      t.equal(sessions.length, 2)
      t.ok(
        sessions.every(({ createdAt }) => near(createdAt)),
        'begun now',
      )
      t.match(await (await service.as(phone.token, '/api/session')).json(), { user: { name: 'Ädä' } })

      const { headers } = await service.keyFor('security', 'events')
      const logout = await service.as(phone.token, '/api/logout', json({ scope: 'others' }))
      t.equal(logout.status, 200)
      t.equal(await service.check(laptop.token), 401)
      const locked = await service.http('/api/admin/users/ada/revoke', {
        ...json({ reason: 'stolen', lockFor: '2h' }),
        headers: { ...headers, 'content-type': 'application/json' },
      })
      t.equal(locked.status, 200)
      const { lockedUntil } = (await locked.json()) as { lockedUntil: string }
      t.ok(near(lockedUntil, Date.now() + 7_200_000), 'locked for two hours')
      t.equal(await service.check(phone.token), 401)
      const audit = await service.http('/api/admin/audit?user=ada', { headers })
      const { entries } = (await audit.json()) as { entries: { at: string }[] }
      t.equal(entries.length, 2)
      t.ok(
        entries.every(({ at }) => near(at)),
        'recorded now',
      )
      t.equal((await service.http('/events', { headers })).status, 200)
      t.equal((await service.http('/readyz')).status, 200)
      const named = await owner.psql(
        'select from global_logout.revoked_session where operation_id is not null',
      )
      t.equal(named.length, 2, 'each by its own operation')
      for (const [name, value] of Object.entries(settings).filter(([name]) => isSetByService(name))) {
        const [[now] = []] = await database.query<[string | null]>({
          name: '',
          text: 'select current_setting($1, true)',
          values: [name],
        })
        t.not(now, value, name)
      }
    })

for (const [way, prepare] of Object.entries(WAYS))
  t.test(`the command line with all settings at once, set for the ${way}`, async (t) => {
    const owner = await testDatabase()
    const { url } = await prepare(owner, ALL)
    await owner.psql(`insert into global_logout."user" (id) values ('ada')`)
    await owner.psql(`insert into global_logout.session ("sessionToken", "userId", expires)
      values ('x', 'ada', now() at time zone 'utc' + interval '1 day')`)
    const command = async (...args: string[]) => {
      const started = runHere([...args, '--json'], { env: { DATABASE_URL: url } })
      t.equal(await started.ended, 0, `${args.join(' ')}\n${started.output()}`)
      return JSON.parse(started.stdout())
    }
    const [session] = await command('sessions', 'ada')
    t.ok(near(session.createdAt), 'begun now')
    const ended = await command('lock', 'ada', '--for', '2h', '--reason', 'stolen', '--yes')
    t.equal(ended.revoked.length, 1)
    t.ok(near(ended.lockedUntil, Date.now() + 7_200_000), 'locked for two hours')
    const [entry] = await command('audit', 'list')
    t.ok(near(entry.at), 'recorded now')
    await command('audit', 'verify')
    await command('incident', 'plan', '--ip', '203.0.113.0/24', '--reason', 'a leak')
    await command('sweep')
  })

t.test('a role whose triggers do not run is refused: revocations would not be recorded', async (t) => {
  const owner = await testDatabase()
  const database = await asRole(owner, { session_replication_role: 'replica' })
  const service = await startService({ database, answers: false })
  t.equal(await service.check('x'.repeat(43)), 503)
  t.equal((await service.as('x'.repeat(43), '/api/logout', json({ scope: 'global' }))).status, 503)
  t.match(await (await service.http('/readyz')).json(), { detail: /session_replication_role is replica/ })
  const started = runHere(['sweep'], { env: { DATABASE_URL: database.url } })
  t.equal(await started.ended, 1)
  t.match(started.output(), /skips triggers: session_replication_role is replica/)
})

t.test('this test sets the same settings as the service', async (t) => {
  // Each transaction sets its own when the default is weaker.
  for (const name of Object.values(HOSTILE).flatMap((each) => Object.keys(each)))
    t.equal(isSetByService(name), name !== 'synchronous_commit', name)
})
