/**
 * `global-logout import`: users stay signed in, ended sessions stay ended, and the application's table is
 * only read.
 */
import t from 'tap'
import { importAll, prepareImport } from '../../src/adopt/import.ts'
import { cliActor } from '../../src/cli/common.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { runHere } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { login } from '../support/logins.ts'
import { changes, outside } from '../support/outside.ts'
import { json, startService } from '../support/service.ts'

const database = await testDatabase()
const { psql, url } = database
const service = await startService({ database })

/** More than two batches; every 50th has expired. */
const MANY = 3_000
const OVER = MANY / 50
await psql(`set search_path = public;
  create table "user" (id text primary key, name text, email text unique, "emailVerified" timestamp, image text);
  create table session ("sessionToken" text primary key, "userId" text not null references "user" (id) on delete cascade, expires timestamp not null);
  insert into "user" select 'u' || n, 'User ' || n, n || '@example.com' from generate_series(1, 1000) n;
  insert into session select 'token-' || n, 'u' || (1 + n % 1000),
    now() at time zone 'utc' + case n % 50 when 0 then interval '-1 day' else interval '20 days' end from generate_series(1, ${MANY}) n`)

const ARGS = ['import', '--table', 'public.session', '--users', 'public.user']
async function importing(...args: string[]) {
  const command = runHere([...ARGS, ...args], { env: { DATABASE_URL: url } })
  return { code: await command.ended, output: command.output(), stdout: command.stdout() }
}
const source = { table: 'public.session', token: 'sessionToken', user: 'userId', expires: 'expires' }
const NEVER = new AbortController().signal
/** In this process. */
async function importNow(options: Partial<Parameters<typeof importAll>[2]> = {}, from = source) {
  const prepared = await database.run((db) => prepareImport(db, from))
  return importAll(database, prepared, { dryRun: false, onProgress: () => {}, signal: NEVER, ...options })
}
const SYSTEM = { ...cliActor(), actorId: 'test' }
const ours = () => psql('select * from global_logout.session order by id')

t.test('a dry run counts, and changes nothing', async (t) => {
  const [before, sessions] = [await outside(url), await ours()]
  const { code, stdout } = await importing('--dry-run', '--json')
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { dryRun: true, complete: true, taken: MANY - OVER, known: 0, expired: OVER })
  t.same(changes(before, await outside(url)), [])
  t.same(await ours(), sessions)
})

t.test('an ended session is not imported, whatever the table of the application has', async (t) => {
  // u11: signed out everywhere. u2: others. u3: this device only. u4: locked. u5: by staff. u6: deleted. u7:
  // this very token.
  const signedOut = async (userId: string, scope: string) => {
    const { token } = await service.signIn(userId)
    t.equal((await service.as(token, '/api/logout', json({ scope }))).status, 200)
  }
  for (const [userId, scope] of [
    ['u11', 'global'],
    ['u2', 'others'],
    ['u3', 'local'],
  ] as const)
    await signedOut(await service.addUser(userId), scope)
  await psql(`insert into global_logout.user_lock (user_id, reason) values ('u4', 'stolen')`)
  await service.addUser('u5')
  await service.accounts.revoke('u5', { reason: 'stolen', lockSeconds: undefined }, SYSTEM)
  await psql(`select global_logout.delete_user('u6')`)
  await psql(`select global_logout.take_over($1, 'u7', now() + interval '1 day')`, [hashToken('token-6')])
  t.equal((await service.as('token-6', '/api/logout', json({ scope: 'local' }))).status, 200)

  const { code, output } = await importing()
  t.equal(code, 0, output)
  t.match(output, `${OVER} sessions skipped: expired.`)
  t.match(output, '3 sessions skipped: of locked users.')
  t.match(output, '12 sessions skipped: of users who signed out everywhere')
  t.match(output, '1 session skipped: ended here before.')
  t.match(output, `${(MANY - OVER - 16).toLocaleString('en')} sessions taken over.`)
  // Token n is of user 1 + n % 1000.
  for (const [token, status] of [
    ['token-1010', 401],
    ['token-2001', 401],
    ['token-2', 200],
    ['token-3', 401],
    ['token-1004', 401],
    ['token-2005', 401],
    ['token-6', 401],
    ['token-1006', 200],
    ['token-50', 401],
  ] as const)
    t.equal(await service.check(token), status, token)
})

t.test('users keep the end of their sessions, and staff see their names', async (t) => {
  t.same(
    await psql(
      `select from global_logout.session s join public.session a on s."sessionToken" = any ($1::text[])
      and a."sessionToken" = 'token-7' where s.expires <> a.expires`,
      [[hashToken('token-7')]],
    ),
    [],
  )
  t.match(await psql(`select name, email from global_logout."user" where id = 'u8'`), [
    { name: 'User 8', email: '8@example.com' },
  ])
  const raw = await psql(`select from global_logout.session where "sessionToken" like 'token%'`)
  t.same(raw, [], 'tokens are hashed')
})

t.test('run again, the import has nothing to do; a logout in between stays in effect', async (t) => {
  const before = await outside(url)
  t.equal((await service.as('token-8', '/api/logout', json({ scope: 'global' }))).status, 200)
  const { counts } = await importNow()
  t.match(counts, { taken: 0, known: MANY - OVER - 16 - 3, ended: 4, signed_out: 12 })
  t.equal(await service.check('token-1008'), 401)
  t.same(changes(before, await outside(url)), [], 'no row of the application was even locked')
})

t.test('an interrupted import can be run again; concurrent imports take no session twice', async (t) => {
  await psql(
    `insert into public.session select 'more-' || n, 'u' || (100 + n % 800), now() at time zone 'utc' + interval '1 day' from generate_series(1, 2000) n`,
  )
  const stop = new AbortController()
  const first = await importNow({
    signal: stop.signal,
    onProgress: ({ counts }) => counts.taken > 0 && stop.abort(),
  })
  t.notOk(first.complete)
  t.ok(first.counts.taken > 0 && first.counts.taken < 2000)
  const [one, two] = await Promise.all([importNow(), importNow()])
  t.equal(first.counts.taken + one.counts.taken + two.counts.taken, 2000)
  const [{ count } = {}] = await psql<{ count: string }>(
    `select count(*) from public.session a join global_logout.session s
      on s."sessionToken" = translate(rtrim(encode(sha256(convert_to(a."sessionToken", 'UTF8')), 'base64'), '='), '+/', '-_')
      where a."sessionToken" like 'more-%'`,
  )
  t.equal(count, '2000')
})

t.test('tokens of any text keep their session valid; rows without user or token are skipped', async (t) => {
  await psql(`set search_path = public; create table odd (t varchar, u varchar, e timestamptz);
    insert into odd values ('Ünï-🔑/+=', 'u200', now() + interval '1 day'), ('', 'u200', 'infinity'), (null, 'u200', 'infinity'),
      ('nobody', null, 'infinity'), ('gone', 'u0', 'infinity'), ('no end', 'u201', 'infinity'), ('no date', 'u201', null)`)
  const odd = { table: 'odd', token: 't', user: 'u', expires: 'e', users: 'user' }
  const { counts } = await importNow({}, odd)
  t.match(counts, { taken: 2, no_token: 2, no_user: 2, expired: 1 })
  const check = await psql(`select from global_logout.session where "sessionToken" = $1`, [
    hashToken('Ünï-🔑/+='),
  ])
  t.equal(check.length, 1)
})

const VISITS = '--table visits --token token --user person --expires until --users people'.split(' ')

t.test('staff see emails as written, of any length, whatever the type of the id', async (t) => {
  await psql(`create extension citext schema public; create domain public.mail as public.citext`)
  for (const [type, ids] of [
    ['uuid', [crypto.randomUUID(), crypto.randomUUID()]],
    ['bigint', ['9007199254740993', '-1']],
  ] as const) {
    // Random, so that PostgreSQL cannot compress it below the limit of an index, 2,704 bytes.
    const long = `${Array.from({ length: 100 }, () => crypto.randomUUID()).join('')}@example.com`
    await psql(`drop table if exists public.visits, public.people;
      create table public.people (id ${type} primary key, email mail, name varchar, image int);
      create table public.visits (token citext, person ${type} references public.people, until timestamptz);
      insert into public.people values ('${ids[0]}', 'Ada@${type}.Example.COM', 'Ada'), ('${ids[1]}', '${long}', '${long}');
      insert into public.visits select 'V-' || id, id, now() + interval '1 day' from public.people`)
    const { code, output } = await importing(...VISITS)
    t.equal(code, 0, output)
    t.match(output, '2 sessions taken over.')
    t.match(output, 'Not taken from people: image (of type integer).')
    for (const [id, email, start] of [
      [ids[0], `Ada@${type}.Example.COM`, `ada@${type}`],
      [ids[1], long, long.slice(0, 20)],
    ] as const) {
      t.equal(await service.check(`V-${id}`), 200)
      t.match(await service.accounts.find(start), { users: [{ id, email }] }, type)
    }
  }
  await psql('alter table public.people rename email to mail')
  const json = await importing(...VISITS, '--json')
  t.match(json.output, 'Not taken from people: email (no such column), image (of type integer).')
  t.match(JSON.parse(json.stdout), { known: 2 }, 'standard output is JSON')
})

t.test('wrong names, types and rights are refused with advice', async (t) => {
  await psql(`create table public.numbers (id int primary key, name text)`)
  for (const [args, message] of [
    [['--table', 'public.Session'], /there is no table public\.Session\. Is it public\.session\?/],
    [['--token', 'token'], /has no column "token"; it has sessionToken, userId, expires/],
    [['--expires', 'userId'], /is of type text; it must be timestamp without time zone/],
    [
      ['--users', 'numbers'],
      /"id" of public\.numbers is of type integer, and "userId" of the sessions is of type text/,
    ],
    [['--email', 'mail'], /public\."user" has no column "mail"/],
  ] as const)
    t.match(await importing(...args), { code: 2, output: message }, args.join(' '))
  const importer = await login(database, 'global_logout_service')
  const command = runHere(ARGS, { env: { DATABASE_URL: importer.url } })
  t.equal(await command.ended, 1)
  t.match(command.output(), 'grant it SELECT on them for the time of the import')
})
