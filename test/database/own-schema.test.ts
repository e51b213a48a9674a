/**
 * DATABASE_SCHEMA: two services share one database without touching each other, and no foreign schema is
 * used.
 */
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { withSchema } from '../../src/database/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { inSchema } from '../../src/database/schema-name.ts'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { run } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { login } from '../support/logins.ts'
import { MIGRATIONS } from '../support/migrations.ts'
import { freePort } from '../support/ports.ts'
import { json, startService } from '../support/service.ts'
import { problemsOf } from '../support/settings.ts'

/** A reserved word of SQL and of PL/pgSQL. */
const SECOND = 'case'
const database = await testDatabase()
const { psql, url } = database
const env = { DATABASE_URL: url, DATABASE_SCHEMA: SECOND }

/** Runs a command on the second schema. @returns its standard output. */
async function second(...args: string[]): Promise<string> {
  const command = run(args, { env })
  const code = await command.ended
  if (code !== 0) throw new Error(`global-logout ${args.join(' ')}: ${code}\n${command.output()}`)
  return command.stdout()
}

t.test('two services in two schemas of one database are independent', async (t) => {
  t.match(await second('migrate'), `${MIGRATIONS} migration(s) applied`)
  const names = await psql<{ name: string }>(
    `select proname as name from pg_proc where pronamespace = '${SECOND}'::regnamespace and prosrc ~ '\\mglobal_logout\\M'
     union all select tgname from pg_trigger t join pg_class c on c.oid = tgrelid join pg_proc p on p.oid = tgfoid
       where relnamespace = '${SECOND}'::regnamespace and not tgisinternal and pronamespace <> relnamespace`,
  )
  t.same(names, [], 'no function or trigger of the second names the first')

  const first = await startService({ database })
  const port = await freePort()
  const started = run(['start'], {
    env: { ...env, PORT: String(port), WORKERS: '2', CHECK_MODE: 'leased' },
  })
  await started.ready(port)
  const base = `http://127.0.0.1:${port}`
  const { key } = JSON.parse(
    await second('keys', 'create', '--name', 'app', '--scope', 'sessions:create', '--json'),
  )
  const signedIn = await boundedFetch(`${base}/api/sessions`, {
    ...json({ user: { id: 'ada', name: 'Ada Lovelace' } }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
  })
  t.equal(signedIn.status, 201)
  const { token } = (await signedIn.json()) as { token: string }
  const bearer = { headers: { authorization: `Bearer ${token}` } }
  const checkSecond = async () => (await boundedFetch(`${base}/check`, bearer)).status
  await first.addUser('ada')
  const there = await first.signIn('ada')
  t.same([await checkSecond(), await first.check(token), await first.check(there.token)], [200, 401, 200])
  t.match(await second('user', 'find', 'ada'), 'Ada')
  t.match(await second('sessions', 'ada', '--json'), '"id"')
  t.match(await second('find', 'lovelace'), 'Only beginnings were looked for')
  await psql('create extension pg_trgm schema public')
  await second('migrate')
  t.match(await second('find', 'lovelace'), /^ada +Ada Lovelace/m)

  const inProcess = createDatabaseSessions({ connectionString: url, schema: SECOND })
  t.teardown(inProcess.close)
  t.match(await inProcess.check(bearer), { userId: 'ada' })

  const before = await psql('select * from global_logout.operation order by id')
  await second('revoke', 'ada', '--reason', 'phone stolen', '--yes')
  t.same([await checkSecond(), await first.check(there.token)], [401, 200])
  t.same(await psql('select * from global_logout.operation order by id'), before)
  t.same(await psql(`select kind from "${SECOND}".operation where user_id = 'ada'`), [
    { kind: 'user.revoke' },
  ])

  const doctor = run(['doctor', '--json'], { env })
  await doctor.ended
  const problems = JSON.parse(doctor.stdout()).filter(
    ({ level, what }: { level: string; what: string }) => level === 'problem' && what !== 'durable',
  )
  t.same(problems, [])

  started.child.kill('SIGTERM')
  t.equal(await started.ended, 0)
  await psql(`drop schema "${SECOND}" cascade`)
  t.equal(await first.check(there.token), 200)
  t.same(await psql('select * from global_logout.operation order by id'), before)
})

t.test('a reserved name, or one that needs quotes, is refused by its setting', async (t) => {
  for (const name of [
    'public',
    'pg_logout',
    'information_schema',
    'Logout',
    'a-b',
    'a.b',
    'a"b',
    '1a',
    'ä',
    'x'.repeat(64),
  ])
    t.match(problemsOf({ DATABASE_SCHEMA: name }), [/^DATABASE_SCHEMA: must be a name of its own/], name)
  t.match(problemsOf({ DATABASE_URL: `${withSchema('postgres://db/app', 'a')}` }), [
    /^DATABASE_URL: name the schema in DATABASE_SCHEMA/,
  ])
  t.same(problemsOf({ DATABASE_URL: 'postgres://db/app', DATABASE_SCHEMA: 'a' }), [])
})

t.test("Prisma's own parameters are refused with advice", async (t) => {
  t.match(problemsOf({ DATABASE_URL: 'postgres://db/app?schema=public&pgbouncer=true&connection_limit=1' }), [
    /^DATABASE_URL: the parameter schema is Prisma's.*DATABASE_SCHEMA/,
    /^DATABASE_URL: the parameter pgbouncer is Prisma's.*DATABASE_DIRECT_URL/,
    /^DATABASE_URL: the parameter connection_limit is Prisma's/,
  ])
})

t.test('a foreign schema is refused, and nothing is created in it', async (t) => {
  const stranger = await login(database)
  await psql(`create schema theirs authorization ${stranger.name}`)
  const { name } = await login(database)
  const [{ mine } = {}] = await psql<{ mine: string }>('select current_user as mine')
  await psql(`create schema used; create table used.invoice (id int)`)
  const asLogin = new URL(stranger.url)
  await psql(`create schema owned; grant usage, create on schema owned to ${stranger.name}`)

  await t.rejects(migrate(withSchema(asLogin.href, 'owned')), {
    message: `the schema of DATABASE_SCHEMA belongs to ${mine}, who could change what is in it: migrate as that role, or name another schema.`,
  })
  await t.rejects(migrate(withSchema(url, 'used')), /holds "invoice", which is not of global-logout/)
  t.ok(name)
  for (const schema of ['owned', 'used'])
    t.same(
      await psql(
        `select relname from pg_class where relnamespace = '${schema}'::regnamespace and relname <> 'invoice'`,
      ),
      [],
    )
  const refused = run(['migrate'], { env: { DATABASE_URL: url, DATABASE_SCHEMA: 'used' } })
  t.equal(await refused.ended, 1)
  t.match(refused.output(), 'name a schema that does not exist yet')
  await psql('drop schema theirs, owned, used cascade')
})

t.test('an empty schema that an administrator created for the owner is used', async (t) => {
  const owner = await login(database)
  await psql(`create schema given authorization ${owner.name}`)
  t.equal(await migrate(withSchema(owner.url, 'given')), MIGRATIONS)
  await psql('drop schema given cascade')
})

t.test('only schema names in statements are replaced; settings, roles and channels stay', async (t) => {
  const renamed = (statement: string) => inSchema(statement, 'other')
  t.equal(
    renamed(
      `select "global_logout"."user".id, global_logout.f('global_logout.session'::regclass) from global_logout."user"`,
    ),
    `select "other"."user".id, "other".f('other.session'::regclass) from "other"."user"`,
  )
  t.equal(renamed(`listen global_logout_revoked`), `listen global_logout_revoked`)
  t.equal(renamed('create schema global_logout'), 'create schema "other"')
  t.equal(
    renamed(`set_config('global_logout.operation_id', '', true)`),
    `set_config('other.operation_id', '', true)`,
  )
  t.equal(renamed('grant global_logout_service to x'), 'grant global_logout_service to x')
  t.equal(
    renamed(`select 'global_logout'::regnamespace, to_regnamespace('global_logout')`),
    `select 'other'::regnamespace, to_regnamespace('other')`,
  )
})
