/** Our database functions: which roles may call them, on which tables they act, and that none can hide a revocation. */
import t from 'tap'
import { migrate } from '../../src/database/migrate.ts'
import { testDatabase } from '../support/database.ts'
import { login } from '../support/logins.ts'
import { admin, databaseUrl } from '../support/server.ts'
import { startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const owner = await testDatabase()
const { psql } = owner
const checker = await login(owner, 'global_logout_checker')
const application = await login(owner, 'global_logout_application')
// The grants of an application that uses Auth.js's stock adapter on our tables.
const oldApplication = await login(owner)
await psql(`grant usage on schema global_logout to ${oldApplication.name};
  grant select, insert, update, delete on "user", session to ${oldApplication.name};
  grant select on session_policy, instance to ${oldApplication.name}`)
const stranger = await login(owner)

/** Every function in our schema, except those of extensions. */
const functions = await psql<{
  name: string
  id: number
  kind: string
  definer: boolean
  settings: string[]
  body: string
}>(`
  select proname as name, oid as id, prorettype::regtype::text as kind, prosecdef as definer, coalesce(proconfig, '{}') as settings,
    pg_get_functiondef(oid) as body
  from pg_proc p where pronamespace = 'global_logout'::regnamespace
    and not exists (select from pg_depend where objid = p.oid and deptype = 'e')
  order by 1`)
const definers = functions.filter(({ definer }) => definer)

t.test('PUBLIC may call no function of ours', async (t) => {
  t.ok(functions.length > 20)
  for (const { name, id } of functions) {
    const [{ may } = {}] = await psql<{ may: boolean }>(
      `select has_function_privilege('public', $1::oid, 'execute') as may`,
      [id],
    )
    t.equal(may, false, name)
  }
})

t.test('roles in the default privileges of the schema may call none either', async (t) => {
  const name = `gl_test_defaults_${process.pid}`
  await psql(`create database ${name}`)
  const url = databaseUrl(owner.url, name)
  t.teardown(() => psql(`drop database ${name} with (force)`))
  const there = (sql: string) => admin(url, async (client) => (await client.query(sql)).rows)
  await there(`alter default privileges grant execute on functions to "${stranger.name}"`)
  await migrate(url)
  t.same(
    await there(`select proname from pg_proc where pronamespace = 'global_logout'::regnamespace and prosecdef
      and has_function_privilege('${stranger.name}', oid, 'execute')`),
    [],
  )
})

t.test('no function resolves names in foreign schemas, and row level security hides no rows from it', (t) => {
  for (const { name, settings, definer, body } of functions) {
    if (/^(RETURN|BEGIN ATOMIC)/m.test(body))
      t.match(
        name,
        /^(session_(state|ends_at)|(check|read)_tokens|operation_(parts|digest))$/,
        'bound when it was created',
      )
    else
      t.ok(
        settings.some((set) => /^search_path=pg_catalog, pg_temp$/.test(set)),
        name,
      )
    if (definer) t.ok(settings.includes('row_security=off'), `${name} sees all rows, or fails`)
  }
  t.end()
})

t.test('a trigger function that runs as the owner works on its own table only', async (t) => {
  const triggers = definers.filter(({ kind }) => kind === 'trigger')
  t.ok(triggers.length >= 10)
  for (const { name } of triggers) {
    await t.rejects(
      psql(`create temp table mine (a int); insert into mine values (1);
        create trigger mine after delete on mine referencing old table as ended
          for each statement execute function global_logout.${name}();
        delete from mine`),
      /is for (global_logout\.\S+|tables of global-logout|linked tables) alone/,
      name,
    )
  }
})

t.test('a read-only role cannot attach our functions to a table of its own', async (t) => {
  const service = await startService({ database: owner })
  const ada = await service.addUser()
  const { token } = await service.signIn(ada)
  for (const who of [checker, application, oldApplication, stranger]) {
    for (const { name } of functions.filter(({ kind }) => kind === 'trigger')) {
      for (const how of [
        'before truncate on mine for each statement',
        'before insert on mine for each row',
        'after delete on mine referencing old table as ended for each statement',
      ])
        await t.rejects(
          who.psql(
            `create temp table mine (a int); create trigger mine ${how} execute function global_logout.${name}()`,
          ),
          { code: '42501' },
          `${name} ${how}`,
        )
    }
  }
  t.equal(await service.check(token), 200)
  t.same(await psql('select from revoked_session'), [])
})

t.test('only the service and the owner may settle a restored database', async (t) => {
  for (const who of [checker, application, oldApplication, stranger])
    await t.rejects(who.psql('select global_logout.settle_restored()'), { code: '42501' })
})

t.test('a leased instance receives revocations whose transaction tried to backdate them', async (t) => {
  const service = await startService({ database: owner, env: { CHECK_MODE: 'leased' } })
  await service.answersFromMemory()
  for (const who of [oldApplication, owner]) {
    const { token, id } = await service.signIn(await service.addUser())
    const before = service.hits()
    await waitFor('an answer from the cache', async () => {
      t.equal(await service.check(token), 200)
      return service.hits() > before
    })
    await admin(who.url, async (client) => {
      await client.query('begin')
      await client.query('delete from session where id = $1', [id])
      await client.query('savepoint s')
      const refused = await client.query('select global_logout.settle_restored()').then(
        () => null,
        async ({ code }) => {
          await client.query('rollback to s')
          return code
        },
      )
      t.equal(refused, who === owner ? '25001' : '42501')
      await client.query('commit')
    })
    const [{ dated } = {}] = await psql<{ dated: boolean }>(
      `select xid > '3' as dated from revoked_session where session_id = $1`,
      [id],
    )
    t.ok(dated)
    // It polls again within a second.
    await waitFor('the check to see it', async () => (await service.check(token)) !== 200, 10_000)
    t.equal(await service.check(token), 401)
  }
})

t.test('settling does not touch revocations of open transactions', async (t) => {
  const service = await startService({ database: owner })
  const { id } = await service.signIn(await service.addUser())
  await admin(owner.url, async (client) => {
    await client.query('begin')
    await client.query('delete from session where id = $1', [id])
    t.same(await psql('select settle_restored() as settled'), [{ settled: false }])
    await psql(
      `update revoked_session set xid = '900000000000' where id = (select min(id) from revoked_session)`,
    )
    t.same(await psql('select settle_restored() as settled'), [{ settled: true }])
    await client.query('commit')
  })
  t.match(await psql(`select xid > '3' as dated from revoked_session where session_id = $1`, [id]), [
    { dated: true },
  ])
})

t.test('truncating a table whose rows are hidden even from the owner is an error', async (t) => {
  const [name, password] = [`gl_test_owner_${process.pid}`, 'x']
  const serverUrl = process.env.TEST_SERVER_URL ?? ''
  await psql(`create role ${name} login password '${password}'`)
  await psql(`create database ${name} owner ${name}`)
  const url = new URL(databaseUrl(serverUrl, name))
  t.teardown(() => psql(`drop database ${name} with (force)`).then(() => psql(`drop role ${name}`)))
  const bySuperuser = (sql: string) =>
    admin(databaseUrl(serverUrl, name), async (client) => (await client.query(sql)).rows)
  url.username = name
  url.password = password
  const asOwner = (sql: string) => admin(url.href, async (client) => (await client.query(sql)).rows)
  await migrate(url.href)
  await asOwner(`insert into "user" (id) values ('ada');
    insert into session ("sessionToken", "userId", expires) values ('a', 'ada', now() + interval '1 day')`)
  await asOwner('alter table session enable row level security; alter table session force row level security')
  await t.rejects(asOwner('truncate session'), /row-level security/)
  t.match(await bySuperuser('select "sessionToken" from session'), [{ sessionToken: 'a' }])
  await asOwner('alter table session no force row level security; truncate session')
  t.match(await bySuperuser('select session_token from revoked_session'), [{ session_token: 'a' }])
})
