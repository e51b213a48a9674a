/**
 * `global-logout users link`: a user deleted in the application's table is signed out; nothing else in the
 * application changes.
 */
import t from 'tap'
import { withSchema } from '../../src/database/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { runHere } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { login } from '../support/logins.ts'
import { changes, outside } from '../support/outside.ts'
import { admin } from '../support/server.ts'
import { startService } from '../support/service.ts'
import { waitFor, within } from '../support/within.ts'

const database = await testDatabase()
const { psql, url } = database
const service = await startService({ database })

async function users(...args: string[]) {
  const command = runHere(['users', ...args], { env: { DATABASE_URL: url } })
  return { code: await command.ended, output: command.output(), stdout: command.stdout() }
}
const link = (table: string, ...args: string[]) => users('link', '--table', table, ...args)
/** Whether a session of this user is valid. */
const isIn = async (token: string) => (await service.check(token)) === 200

await psql(`create schema shop;
  create table shop."Customer" ("Id" uuid primary key default gen_random_uuid(), "E-Mail" varchar(200), "Full name" text, visits int default 0);
  create table public.orders (id int, buyer uuid references shop."Customer" on delete cascade);
  insert into shop."Customer" ("E-Mail", "Full name") select n || '@example.com', 'Customer ' || n from generate_series(1, 8) n`)
const ids = (await psql<{ id: string }>('select "Id" as id from shop."Customer" order by "E-Mail"')).map(
  ({ id }) => id,
)
const application = await login(database)
await psql(`grant usage on schema shop to ${application.name};
  grant select, insert, update, delete, truncate on shop."Customer", public.orders to ${application.name}`)
const COLUMNS = ['--id', 'Id', '--email', 'E-Mail', '--name', 'Full name']
/** The doctor's finding about the linked table. */
async function doctor(): Promise<{ level: string; detail: string }> {
  const command = runHere(['doctor', '--json'], { env: { DATABASE_URL: url } })
  await command.ended
  return JSON.parse(command.stdout()).find(({ what }: { what: string }) => what === 'users')
}
/** Links a table, runs `work` with it, and unlinks it. */
async function whileLinked(args: string[], work: () => Promise<void>) {
  const { code, output } = await link(args[0] ?? '', ...args.slice(1), '--yes')
  if (code !== 0) throw new Error(output)
  await work()
  await users('unlink', '--yes')
}

t.test('without --yes it prints the SQL, and changes nothing', async (t) => {
  const before = await outside(url)
  const printed = await link('shop.Customer', ...COLUMNS)
  t.match(printed, { code: 0, output: /create trigger .* on shop\."Customer"/ })
  t.same(changes(before, await outside(url)), [])

  const [sql = ''] = /begin;[\s\S]*commit;/.exec(printed.stdout) ?? []
  await admin(url, (client) => client.query(sql))
  t.match(
    await link('shop.Customer', ...COLUMNS),
    { code: 2, output: /shop\."Customer" is linked/ },
    'the SQL run as printed',
  )
  const undo = await users('unlink')
  t.match(undo, { code: 0, output: 'Nothing was changed' })
  t.match(await users('unlink', '--yes'), { code: 0, output: 'not linked any more' })
  const left = changes(before, await outside(url))
  t.ok(
    left.every((line) => /^[-+] pg_class .*"relname": "Customer"/.test(line)),
    `the only trace left is the flag that the table had a trigger: ${left}`,
  )
  t.match(await users('unlink', '--yes'), { code: 0, output: 'No table is linked' })
})

t.test('while the table is linked', async (t) => {
  const [ada = '', bob = '', cyd = '', dan = '', eve = '', fay = ''] = ids
  const others = await service.signIn(await service.addUser('only-here'))
  await service.addUser(ada, { email: 'old@example.com' })
  const linked = await link('shop.Customer', ...COLUMNS, '--yes')
  t.match(linked, { code: 0, output: /1 user of the mirror updated/ })
  t.match(linked.output, '1 user with sessions is not in shop."Customer"')
  t.match(await psql('select email, name from global_logout."user" where id = $1', [ada]), [
    { email: '1@example.com', name: 'Customer 1' },
  ])

  await t.test('a user deleted by the application is signed out, and the act recorded', async (t) => {
    const [phone, laptop, other] = [
      await service.signIn(ada),
      await service.signIn(ada),
      await service.signIn(bob),
    ]
    await application.psql(`delete from shop."Customer" where "Id" = '${ada}'`)
    t.same([await isIn(phone.token), await isIn(laptop.token), await isIn(other.token)], [false, false, true])
    t.match(
      await psql(
        'select kind, actor_kind, actor_id, revoked_count from global_logout.operation where user_id = $1',
        [ada],
      ),
      [{ kind: 'user.delete', actor_kind: 'database', actor_id: application.name, revoked_count: 2 }],
    )
  })

  await t.test('a deletion that is rolled back ends nothing', async (t) => {
    const { token } = await service.signIn(bob)
    await application.psql(`begin; delete from shop."Customer" where "Id" = '${bob}'; rollback`)
    t.ok(await isIn(token))
  })

  await t.test('a sign-in in progress when its user is deleted does not survive', async (t) => {
    await admin(url, async (signingIn) => {
      await signingIn.query('begin')
      await signingIn.query('select global_logout.sign_in($1, $2)', ['hash-of-cyd', cyd])
      const deleting = application.psql(`delete from shop."Customer" where "Id" = '${cyd}'`)
      await waitFor('the deletion to wait for the sign-in', async () => {
        const [{ waiting } = {}] = await psql<{ waiting: string }>(
          `select count(*) as waiting from pg_stat_activity where usename = '${application.name}' and wait_event_type = 'Lock'`,
        )
        return waiting === '1'
      })
      await signingIn.query('commit')
      await within('the deletion', deleting)
    })
    t.same(await psql(`select from global_logout.session where "userId" = $1`, [cyd]), [])
  })

  await t.test('a new email or name is shown to staff, and other columns are ignored', async (t) => {
    const { token } = await service.signIn(bob)
    await application.psql(`update shop."Customer" set "E-Mail" = 'bob@new.example', "Full name" = null where "Id" = '${bob}';
      update shop."Customer" set visits = visits + 1`)
    t.match(await psql('select email, name from global_logout."user" where id = $1', [bob]), [
      { email: 'bob@new.example', name: null },
    ])
    t.ok(await isIn(token))
  })

  await t.test('a changed id ends the sessions, and a lock stays with the old id', async (t) => {
    const { token } = await service.signIn(dan)
    const moved = crypto.randomUUID()
    await application.psql(`update shop."Customer" set "Id" = '${moved}' where "Id" = '${dan}'`)
    t.notOk(await isIn(token))
    await psql(`insert into global_logout.user_lock (user_id, reason) values ('${eve}', 'stolen')`)
    await t.rejects(
      application.psql(`update shop."Customer" set "Id" = gen_random_uuid() where "Id" = '${eve}'`),
      /has a lock or a role/,
    )
  })

  await t.test('renamed tables and columns are followed, and column types cannot change', async (t) => {
    const { token } = await service.signIn(fay)
    await psql(`alter table shop."Customer" rename to people;
      alter table shop.people rename "Id" to key; alter table shop.people rename visits to "Id"`)
    await t.rejects(psql('alter table shop.people alter "E-Mail" type int using 1'), { code: '0A000' })
    await application.psql(`update shop.people set "E-Mail" = 'fay@new.example' where key = '${fay}'`)
    t.match(await psql('select email from global_logout."user" where id = $1', [fay]), [
      { email: 'fay@new.example' },
    ])
    await application.psql(`delete from shop.people where key = '${fay}'`)
    t.notOk(await isIn(token))
  })

  await t.test('the trigger function works on no other table, and other logins cannot use it', async (t) => {
    await t.rejects(
      psql(`set search_path = public; create table mine (id text primary key); insert into mine values ('only-here');
        create trigger mine after delete on mine for each row execute function global_logout.follow_users();
        delete from mine`),
      /is for linked tables alone/,
    )
    await t.rejects(
      application.psql(
        `create temp table mine (id text); create trigger mine after delete on mine for each row execute function global_logout.follow_users()`,
      ),
      { code: '42501' },
    )
    t.ok(await isIn(others.token))
  })

  await t.test('TRUNCATE signs every user out, also by cascade from another table', async (t) => {
    const { token } = await service.signIn(bob)
    await application.psql('truncate public.orders')
    t.ok(await isIn(token))
    await application.psql('truncate shop.people cascade')
    t.same([await isIn(token), await isIn(others.token)], [false, false])
  })

  await t.test('a second service in another schema follows the same table', async (t) => {
    const there = withSchema(url, 'second_logout')
    await migrate(there)
    const env = { DATABASE_URL: url, DATABASE_SCHEMA: 'second_logout' }
    const command = runHere(['users', 'link', '--table', 'shop.people', '--id', 'key', '--yes'], { env })
    t.equal(await command.ended, 0, command.output())
    const id = crypto.randomUUID()
    await psql(`insert into shop.people (key) values ('${id}');
      select second_logout.sign_in('hash', '${id}'); delete from shop.people where key = '${id}'`)
    t.same(await psql(`select kind from second_logout.operation where user_id = '${id}'`), [
      { kind: 'user.delete' },
    ])
    await psql('drop schema second_logout cascade')
  })
})

t.test('emails of type citext are followed, even if only the case changes', async (t) => {
  await users('unlink', '--yes')
  await psql(`create schema extensions; create extension citext schema extensions;
    create domain public.mail as extensions.citext check (value like '%@%'); create domain public.title as varchar(50);
    create table public.members (id bigint primary key, email extensions.citext, mail mail, name title);
    insert into public.members values (9007199254740993, 'Ada@Example.com', 'a@b', 'Ada')`)
  const id = '9007199254740993'
  await service.addUser(id)
  const mirrored = () => psql('select email, name from global_logout."user" where id = $1', [id])
  await whileLinked(['members', '--id', 'id', '--email', 'email', '--name', 'name'], async () => {
    t.same(await mirrored(), [{ email: 'Ada@Example.com', name: 'Ada' }])
    await psql(
      `set search_path = public, extensions; update members set email = 'ada@example.com', name = 'ada'`,
    )
    t.same(await mirrored(), [{ email: 'ada@example.com', name: 'ada' }])
    // Longer than an index entry may be, and random, so that it cannot be compressed.
    const long = Array.from({ length: 100 }, () => crypto.randomUUID()).join('')
    await psql(`update public.members set email = '${long}'`)
    t.match(await mirrored(), [{ email: long }])
    const { token } = await service.signIn(id)
    await psql('delete from public.members')
    t.notOk(await isIn(token))
  })
  const printed = await link('members', '--id', 'id', '--email', 'email')
  const [statements = ''] = /begin;[\s\S]*commit;/.exec(printed.stdout) ?? []
  await psql(`set search_path = public, extensions; ${statements}
    insert into members values (${id}, 'ada@example.com')`)
  await service.addUser(id, { email: 'ada@example.com' })
  await psql(`update public.members set email = 'ADA@example.com'`)
  t.match(
    await mirrored(),
    [{ email: 'ADA@example.com' }],
    'even with the operators of citext in the search path',
  )
  await users('unlink', '--yes')
  await psql('delete from public.members')
  await whileLinked(['members', '--id', 'id', '--email', 'mail'], async () => {
    await service.addUser(id)
    await psql(
      `insert into public.members values (${id}, null, 'x@y'); update public.members set mail = 'X@Y'`,
    )
    t.match(await mirrored(), [{ email: 'X@Y' }])
  })
  await psql('create table public.handles (id extensions.citext primary key)')
  t.match(await link('handles', '--id', 'id'), { code: 2, output: /"id" .* is of type citext; it must be/ })
})

t.test('another type named citext is refused: reading it would run its cast as our owner', async (t) => {
  const mallory = await login(database)
  await psql(`create schema forged authorization ${mallory.name}`)
  await mallory.psql(`create type forged.citext as (value text);
    create function forged.read(forged.citext) returns text language sql as 'select current_user::text';
    create cast (forged.citext as text) with function forged.read;
    create table forged.members (id int primary key, email forged.citext)`)
  const refused = { code: 2, output: /forged\.citext; it must be .* This citext is not the extension's/ }
  t.match(await link('forged.members', '--id', 'id', '--email', 'email'), refused)
  await psql('alter extension citext add type forged.citext')
  t.match(
    await link('forged.members', '--id', 'id', '--email', 'email'),
    refused,
    'even if the extension contains it',
  )
  await psql('alter extension citext drop type forged.citext')
  await psql(`alter type extensions.citext owner to ${mallory.name}`)
  t.match(
    await link('members', '--id', 'id', '--email', 'email'),
    { code: 2 },
    'its owner could replace the cast',
  )
  await psql('alter type extensions.citext owner to current_user')
  await psql('drop schema forged cascade')
})

t.test('doctor reports what hides deletions: child tables, a disabled trigger', async (t) => {
  t.match(await doctor(), { level: 'ok', detail: 'no table' })
  await psql('create table public.accounts_of (id int primary key, email text)')
  await whileLinked(['accounts_of', '--id', 'id', '--email', 'email'], async () => {
    t.match(await doctor(), { level: 'ok', detail: 'who is deleted in public.accounts_of is signed out' })
    await psql('alter table public.accounts_of disable trigger user')
    t.match(await doctor(), { level: 'problem', detail: /is disabled or gone.*users unlink/ })
    await psql('alter table public.accounts_of enable trigger user')
    await psql('create table public.guests () inherits (public.accounts_of)')
    t.match(await doctor(), { level: 'problem', detail: /child tables, public\.guests: .* stay signed in/ })
  })
  await psql('drop table public.guests, public.accounts_of')
})

t.test('a table that cannot be linked is refused with advice', async (t) => {
  await psql(`set search_path = public; create table twice (id text, email int); create view seen as select 1 as id; create table "Accounts" (id int primary key, at date);
    create table days (day date primary key); create table halves (id int primary key) partition by range (id)`)
  for (const [table, id, message] of [
    ['public.missing', 'id', /there is no table public\.missing\./],
    ['accounts', 'id', /there is no table public\.accounts\. Is it public\."Accounts"\?/],
    ['a.b.c', 'id', /write the table as schema\.table/],
    ['global_logout.user', 'id', /is a table of global-logout itself/],
    ['seen', 'id', /is a view/],
    ['halves', 'id', /partitioned/],
    ['twice', 'id', /"id" of public\.twice is not unique/],
    ['twice', 'ID', /has no column "ID"; it has id, email/],
    ['days', 'day', /is of type date; it must be text, .*uuid/],
  ] as const)
    t.match(await link(table, '--id', id), { code: 2, output: message }, table)
  t.match(await link('Accounts', '--id', 'id', '--email', 'at'), {
    code: 2,
    output: /"at" .* is of type date/,
  })
})

t.test('if the owner lacks rights on the table, the error lists them', async (t) => {
  const owner = await login(database)
  await psql(
    `create schema given authorization ${owner.name}; create table public.theirs (id int primary key)`,
  )
  await migrate(withSchema(owner.url, 'given'))
  const command = runHere(['users', 'link', '--table', 'theirs', '--id', 'id', '--yes'], {
    env: { DATABASE_URL: owner.url, DATABASE_SCHEMA: 'given' },
  })
  t.equal(await command.ended, 1)
  t.match(command.output(), 'needs to own the schema of global-logout, and the rights SELECT and TRIGGER')
  await psql(`grant select, trigger on theirs to ${owner.name}`)
  const triggers = () => psql(`select from pg_trigger where tgrelid = 'theirs'::regclass`)
  const again = (...args: string[]) =>
    runHere(['users', ...args, '--yes'], { env: { DATABASE_URL: owner.url, DATABASE_SCHEMA: 'given' } })
  await psql('alter table theirs enable row level security')
  const hidden = again('link', '--table', 'theirs', '--id', 'id')
  t.equal(await hidden.ended, 1)
  t.match(hidden.output(), /row level security hides rows of public\.theirs.*BYPASSRLS.*Nothing was changed/)
  t.same(await triggers(), [], 'nothing was changed')
  await psql('alter table theirs disable row level security; alter table theirs add name text')
  const linked = again('link', '--table', 'theirs', '--id', 'id')
  t.equal(await linked.ended, 0, linked.output())
  await psql(
    'delete from given.user_link; drop trigger given_user_changed on theirs; drop trigger given_user_deleted on theirs; drop trigger given_users_truncated on theirs',
  )

  await psql(`insert into theirs values (1, 'Ada'); insert into given."user" (id) values ('1');
    alter table given."user" add constraint nameless check (name is null)`)
  const half = again('link', '--table', 'theirs', '--id', 'id', '--name', 'name')
  t.equal(await half.ended, 1)
  t.match(
    half.output(),
    /public\.theirs is linked, but names and emails of the mirror were not updated.*\n.*nameless/,
  )
  t.notMatch(half.output(), 'Nothing was changed')
  t.equal((await triggers()).length, 3)
  await psql('drop schema given cascade')
})

t.test('dropping our schema removes the triggers, and the table works as before', async (t) => {
  t.equal((await link('shop.people', '--id', 'key', '--email', 'E-Mail', '--yes')).code, 0)
  const trigger = () =>
    psql(`select tgname from pg_trigger where tgrelid = 'shop.people'::regclass and not tgisinternal`)
  t.equal((await trigger()).length, 3)
  await psql('drop schema global_logout cascade')
  t.same(await trigger(), [])
  await application.psql(
    `insert into shop.people ("E-Mail") values ('x'); update shop.people set "E-Mail" = 'y'; delete from shop.people`,
  )
})
