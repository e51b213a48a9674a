/** The command line of security staff works without the service, and prints what it did. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { run, runHere } from '../../support/command.ts'
import { testDatabase } from '../../support/database.ts'
import { hold } from '../../support/hold.ts'
import { LONDON, PLACES_FILE } from '../../support/places.ts'
import { waitFor } from '../../support/within.ts'

const database = await testDatabase()
const { psql } = database
const env = { DATABASE_URL: database.url, GEOIP_DATABASE: PLACES_FILE }

async function command(...args: string[]) {
  const started = runHere(args, { env })
  return { code: await started.ended, output: started.output() }
}
/** Standard output has only the result; plans, questions and progress bars go to standard error. */
const json = async (...args: string[]) => {
  const started = runHere([...args, '--json'], { env })
  await started.ended
  return JSON.parse(started.stdout())
}
/** Reads the lines of a file. */
async function csv(...args: string[]) {
  const started = runHere([...args, '--csv'], { env })
  await started.ended
  return started.stdout().trimEnd().split('\r\n')
}

async function addUser(id: string, sessions: number, address = '203.0.113.7') {
  await psql(`insert into "user" (id, name, email) values ($1, $2, $3)`, [
    id,
    `Name of ${id}`,
    `${id}@example.com`,
  ])
  await psql(
    `insert into session ("sessionToken", "userId", expires, "ipAddress", "userAgent")
     select $1 || n, $1, now() + interval '1 day', $3::inet, 'Laptop/1.0' from generate_series(1, $2) n`,
    [id, sessions, address],
  )
}
const active = async (userId: string) =>
  (await psql('select from session where "userId" = $1', [userId])).length

t.test('a stolen account is found, shown and revoked, and the reason is recorded', async (t) => {
  await addUser('ada', 3)
  t.match(await command('user', 'find', 'ADA@'), { code: 0, output: /^ada +Name of ada +ada@example.com/m })
  t.match(await command('sessions', 'ada'), { code: 0, output: /3 sessions/ })

  await psql(
    `update session set "deviceName" = E'My\u202e desk', "ipAddress" = $1, "signInMethod" = 'passkey' where "sessionToken" = 'ada1'`,
    [LONDON],
  )
  t.match(await command('sessions', 'ada'), {
    output: /81\.2\.69\.160 +Laptop 1 +"My[^\u202e]* desk"; London, GB; by passkey$/m,
  })

  const dry = await command('revoke', 'ada', '--reason', 'ticket 1', '--dry-run')
  t.match(dry, { code: 0, output: /nothing was changed/ })
  t.match(await json('revoke', 'ada', '--reason', 'ticket 1', '--dry-run'), {
    dryRun: true,
    userId: 'ada',
    sessionCount: 3,
    sessions: [{ device: { kind: /./ }, ipAddress: /^(203|81)\./ }, {}, {}],
  })
  t.match(await command('revoke', 'ada', '--reason', 'ticket 1'), {
    code: 2,
    output: /End 3 sessions .*--yes/,
  })
  t.equal(await active('ada'), 3, 'none of these commands ended a session')

  const { operationId, revoked } = await json('revoke', 'ada@example.com', '--reason', 'ticket 1', '--yes')
  t.equal(revoked.length, 3)
  t.equal(await active('ada'), 0)
  t.notMatch(JSON.stringify(revoked), 'sessionToken')
  t.match(await command('audit', 'list', '--user', 'ada'), {
    output: new RegExp(
      `Z +${operationId.slice(0, 8)} +user\\.revoke +3 +ada +system cli:\\S+ +ticket 1$`,
      'm',
    ),
  })
  t.match(await command('user', 'show', 'ada'), { output: /Recently revoked: 3 sessions/ })
  const [first] = await psql<{ id: string }>(
    'select session_id as id from revoked_session where operation_id = $1 order by revoked_session.id limit 1',
    [operationId],
  )
  t.match(await command('audit', 'show', operationId), {
    code: 0,
    output: new RegExp(`Sessions: 3[^]*${first?.id.slice(0, 8)} +ada`),
  })
  t.match(await command('audit', 'show', operationId.slice(0, 8), '--wide'), {
    code: 0,
    output: new RegExp(`${operationId}[^]*${first?.id}`),
  })
  t.match(await command('audit', 'show', '00000000'), { code: 1, output: /no id of an operation begins/ })
  t.match(await command('audit', 'show', operationId, '--limit', '1'), { output: /Sessions: 1 of 3/ })
  t.match(await json('audit', 'show', operationId), {
    operation: { reason: 'ticket 1', revokedCount: 3 },
    sessions: [{ sessionId: first?.id, userId: 'ada' }, {}, {}],
  })
  t.equal((await csv('audit', 'show', operationId)).length, 4)
  t.match(await command('audit', 'show', 'x'), { code: 2, output: /"x" is not the id of an operation/ })
  t.match(await command('audit', 'show', crypto.randomUUID()), {
    code: 1,
    output: /No operation has this id/,
  })
  await psql(
    `insert into replay (session_id, user_id, count, same_address, same_program)
    values ($1, 'ada', 7, false, true)`,
    [revoked[0].id],
  )
  const account = await json('user', 'show', 'ada')
  t.match(account, {
    revocations: [{ operation: { reason: 'ticket 1' } }, {}, {}],
    replays: [{ count: 7, sameAddress: false, sameProgram: true }],
  })
  t.match(await command('user', 'show', 'ada'), { output: /another address, the session's own program/ })
  t.notMatch(JSON.stringify(account), /sessionToken|xid/)
})

t.test('a locked user cannot be signed in until unlocked', async (t) => {
  await addUser('bob', 1)
  const signIn = () =>
    psql(
      `insert into session ("sessionToken", "userId", expires) values ('again', 'bob', now() + interval '1 day')`,
    )
  t.match(await command('lock', 'bob', '--for', '2h', '--reason', 'stolen', '--yes'), {
    code: 0,
    output: /locked until/,
  })
  t.equal(await active('bob'), 0)
  await t.rejects(signIn(), { code: 'GL001' })
  t.match(await command('unlock', 'bob', '--yes'), { code: 0, output: /may sign in again/ })
  await signIn()
  t.match(await command('unlock', 'bob', '--yes'), { code: 0, output: /is not locked/ })
  t.same(await json('unlock', 'bob'), { userId: 'bob', operationId: null })
})

t.test('several users are signed out at once, and none if one of them is not found', async (t) => {
  const uuid = '5ca1ab1e-0000-4000-8000-000000000001'
  for (const id of ['kim', 'lee', uuid]) await addUser(id, 2)
  const revoke = (...users: string[]) => ['revoke', ...users, '--reason', 'stolen']
  t.match(await command(...revoke('kim', 'nobody', 'lee'), '--yes'), { code: 1, output: /"nobody"/ })
  t.match(await command(...revoke('kim', 'lee@example.com', 'kim', uuid.slice(0, 8))), {
    code: 2,
    output: new RegExp(
      `kim: 2 sessions\n.*lee: 2 sessions\n.*${uuid}: 2 sessions\n.*End 6 sessions of 3 users\\?`,
    ),
  })
  t.same([await active('kim'), await active('lee'), await active(uuid)], [2, 2, 2], 'none has ended')
  t.match(await json('sessions', 'kim', 'lee'), [
    { userId: 'kim', sessions: [{}, {}] },
    { userId: 'lee', sessions: [{}, {}] },
  ])
  const done = await json('lock', 'kim', 'lee@example.com', uuid.slice(0, 13), '--reason', 'stolen', '--yes')
  t.match(done, [
    { userId: 'kim', revokedCount: 2, lockedUntil: null },
    { userId: 'lee', revokedCount: 2 },
    { userId: uuid, revokedCount: 2 },
  ])
  t.same([await active('kim'), await active('lee'), await active(uuid)], [0, 0, 0])
  t.match(await json('audit', 'list', '--user', uuid.slice(0, 8)), [{ userId: uuid }])
  const unlocked = await command('unlock', 'kim', 'lee', '--yes')
  t.match(unlocked, { code: 0, output: /kim@.* may sign in again\.\n.*lee@.* may sign in again\./ })

  await addUser('5ca1ab1e-0000-4000-8000-000000000002', 1)
  t.match(
    await command(...revoke(uuid.slice(0, 8)), '--yes'),
    { code: 1, output: /not exactly/ },
    'ambiguous',
  )
})

t.test("with --json, the end of a lock is in the API's format", async (t) => {
  await addUser('bea', 1)
  const lock = (...args: string[]) => json('lock', 'bea', '--reason', 'stolen', '--yes', ...args)
  t.match(await lock('--for', '2h'), { lockedUntil: /^\d{4}-\d\d-\d\dT.*Z$/, revoked: [{ device: {} }] })
  t.match(await lock(), { lockedUntil: null, revoked: [] }, 'until staff unlock it')
  t.notOk('lockedUntil' in (await json('revoke', 'bea', '--reason', 'x', '--yes')))
  t.match(await json('unlock', 'bea', '--yes'), { operationId: /^[0-9a-f-]{36}$/ })
})

t.test('a user who is not named exactly is never signed out', async (t) => {
  await addUser('carl', 1)
  await addUser('carla', 1)
  await addUser('carlos', 1)
  t.match(await command('user', 'show', 'car'), { code: 1, output: /matches 3 users/ })
  t.match(await command('revoke', 'car', '--reason', 'x', '--yes'), {
    code: 1,
    output: /not exactly .*carlos/s,
  })
  t.match(await command('revoke', 'nobody', '--reason', 'x', '--yes'), {
    code: 1,
    output: /no user has an id, email or name that begins with "nobody"/,
  })
  t.match(await command('revoke', 'carl'), { code: 2, output: /--reason/ })
  t.match(await command('revoke', 'carl', '--reason', ' ', '--yes'), { code: 2, output: /--reason/ })
  t.match(await command('lock', 'carl', '--reason', 'x', '--for', 'soon', '--yes'), {
    code: 2,
    output: /--for/,
  })
  t.equal(await active('carl'), 1)
  t.match(
    await command('revoke', 'carl', '--reason', 'x', '--yes'),
    { code: 0 },
    'an exact id is used although longer ones begin with it',
  )
  t.equal(await active('carla'), 1)
})

t.test('no command that changes something acts on a prefix of an id, name or email', async (t) => {
  await addUser('u10', 1)
  await psql(`insert into "user" (id, name, email) values ('mallory', 'grace', 'grace@example.com.evil.org')`)
  const meant = { code: 1, output: /not exactly/ }
  for (const [act, whom] of [
    ['revoke', 'u1'],
    ['lock', 'name of u10'],
    ['unlock', 'u10@example.co'],
  ] as const)
    t.match(await command(act, whom, '--reason', 'x', '--yes'), meant, `${act} ${whom}`)
  t.equal(await active('u10'), 1)
  t.match(
    await command('sessions', 'u1'),
    { code: 0, output: /1 session/ },
    'read-only commands accept the beginning of an id',
  )

  const role = ['security', '--reason', 'new colleague', '--yes']
  for (const whom of ['grace', 'grace@example.com']) {
    const refused = await command('user', 'role', whom, ...role)
    t.match(refused, { ...meant, output: /mallory .*grace@example\.com\.evil\.org/ }, whom)
  }
  t.same(await psql('select from staff'), [])
})

t.test('a role is granted after confirmation, and recorded', async (t) => {
  const role = ['user', 'role', 'ada@example.com', 'security', '--reason', 'new colleague']
  t.match(await command(...role), {
    code: 2,
    output: /ada@example\.com.* ada, from none to security\? .*--yes/,
  })
  t.same(await psql('select from staff'), [], 'without a terminal, --yes is required')
  t.match(await command(...role, '--yes'), { code: 0 })
  t.match(await command('user', 'find', 'ada'), { output: /security/ })
  t.match(await command('user', 'role', 'ada', 'king', '--reason', 'x'), {
    code: 2,
    output: /security, auditor, none/,
  })
  t.match(await command('user', 'role', 'ada', 'none', '--reason', 'left', '--yes'), {
    output: /security before, none/,
  })
})

t.test('an incident is planned, executed and reported; executing it again changes nothing', async (t) => {
  await addUser('dora', 4, '198.51.100.1')
  await addUser('emil', 3, '198.51.100.2')
  await addUser('fred', 2, '192.0.2.1')
  const plan = await json('incident', 'plan', '--ip', '198.51.100.0/24', '--reason', 'leak')
  t.match(plan, { sessions: 7, users: 2, staffSessions: 0 })
  t.equal(await active('dora'), 4, 'a plan ends nothing')
  const domain = ['--email-domain', 'Example.COM', '--ip', '198.51.100.1']
  t.match(await json('incident', 'plan', ...domain, '--reason', 'leak'), { sessions: 4, users: 1 })
  t.match(await json('incident', 'plan', '--email-domain', 'ample.com', '--reason', 'leak'), { sessions: 0 })
  t.match(await command('incident', 'execute', plan.planId.slice(0, 9)), { code: 2, output: /--yes/ })
  const done = await command('incident', 'execute', plan.planId, '--yes')
  t.match(done, { code: 0, output: /: done\n/ })
  t.match(done.output, /ended +7 sessions of 2 users/)
  t.same([await active('dora'), await active('emil'), await active('fred')], [0, 0, 2])
  t.match(await json('incident', 'execute', plan.planId, '--yes'), { state: 'done', ended: 7 })
  const ended = await csv('incident', 'show', plan.planId)
  t.equal(ended.length, 1 + 7, 'a header, and a row for each session')
  t.match(ended[0], /^"sessionId","userId",/)
  t.match(ended[7], /^"[0-9a-f-]{36}","(dora|emil)",.*"198\.51\.100\.\d"/)
  t.match(await csv('audit', 'list', '--kind', 'incident.finish'), [/^"at","kind"/, /"leak","7"/])
  t.match(await command('incident', 'list'), {
    output: new RegExp(`Z +${plan.planId.slice(0, 8)} +done .* 7 +7 +leak`, 'm'),
  })

  const file = join(t.testdir(), 'users.txt')
  await writeFile(file, '\ufefffred\r\n\r\n  nobody \nfred\r\n')
  const listed = await json('incident', 'plan', '--users', file, '--reason', 'x')
  t.match(listed, { sessions: 2, users: 1 }, 'a byte order mark, blank lines and duplicates are ignored')
  t.same(listed.unknownUsers, ['nobody'])

  await psql(`update incident set expires_at = now() - interval '1 second' where id = $1`, [listed.planId])
  t.match(await command('incident', 'execute', listed.planId), { code: 1, output: /has expired.*Plan again/ })
  t.equal(await active('fred'), 2, 'for an expired plan, the command does not even ask')
})

t.test('an incident killed midway continues when it is executed again, and its report adds up', async (t) => {
  await addUser('gina', 20_000)
  const { planId } = await json('incident', 'plan', '--user', 'gina', '--reason', 'leak')
  // A locked session keeps the incident from finishing before the process is killed.
  const holder = await hold(
    database,
    `select from session where id = (select max(id::text)::uuid from session where "userId" = 'gina') for update`,
  )
  const first = run(['incident', 'execute', planId, '--yes'], { env })
  await waitFor('the first sessions to end', async () => (await active('gina')) < 20_000)
  first.child.kill('SIGKILL')
  await first.ended
  await holder.end()
  const left = await active('gina')
  t.ok(left > 0 && left < 20_000, `${left} are left`)
  t.match(await command('incident', 'show', planId), { output: /: running\n/ })

  // The incident was confirmed before, so this execution does not ask again.
  const report = await json('incident', 'execute', planId)
  t.match(report, {
    state: 'done',
    ended: 20_000,
    outcome: { endedPlanned: 20_000, endedLater: 0, goneMeanwhile: 0, users: 1 },
  })
  t.equal(await active('gina'), 0)
})

t.test('an invalid selector is reported by its option', async (t) => {
  const wrong: [string[], RegExp][] = [
    [[], /--everyone/],
    [['--ip', '1.2.3'], /--ip/],
    [['--created-before', 'yesterday'], /--created-before/],
    [['--email-domain', '@example.com'], /--email-domain: must be a domain/],
    [['--users', '/does/not/exist'], /--users: .*no such file/i],
    [['--users', '/dev/null'], /--users: must not be empty/],
  ]
  for (const [args, says] of wrong)
    t.match(await command('incident', 'plan', ...args, '--reason', 'x'), { code: 2, output: says })
  t.match(await command('incident', 'show', 'x'), { code: 2, output: /incident list/ })
  t.match(await command('incident', 'show', crypto.randomUUID()), { code: 1, output: /No incident/ })
})

t.test('a record that was changed by hand is reported, and sets the exit code', async (t) => {
  const clean = await command('audit', 'verify')
  t.match(clean, { code: 0, output: /audit log is intact/ })
  const head = /^Head (\S+)$/m.exec(clean.output)?.[1] ?? ''
  t.match(await command('audit', 'verify', '--expect', head), { code: 0 })
  const [row] = await psql<{ id: string }>(
    `update operation set reason = 'other' where reason = 'ticket 1' returning id`,
  )
  t.match(await command('audit', 'verify'), { code: 1, output: row?.id ?? 'none' })
  t.match(await command('audit', 'verify', '--expect', '1:nonsense'), { code: 2, output: /NUMBER:HASH/ })
})

t.test('sessions ended outside the service are recorded, too', async (t) => {
  await addUser('hans', 2)
  await psql(`delete from session where "userId" = 'hans'`)
  t.match(await command('audit', 'list', '--kind', 'external'), { output: /external +2 +hans +-/ })
})

t.test('a filter value that can never match is refused, not answered with an empty list', async (t) => {
  t.match(await command('audit', 'list', '--kind', 'revoke'), { code: 2, output: /user\.revoke/ })
  t.match(await command('audit', 'list', '--since', '2026-11-24T03:00'), { code: 2, output: /zone/ })
  t.match(await command('audit', 'list', '--since', '2026-02-31'), { code: 2 })
  t.same(await json('audit', 'list', '--since', '2999-01-01'), [])
})

t.test('a name can neither control the terminal nor imitate a line of the output', async (t) => {
  await psql(`insert into "user" (id, name) values ('ivan', $1)`, ['\u001b[2J\u009b2JIvan\nAll is well'])
  for (const args of [
    ['user', 'find', 'ivan'],
    ['user', 'show', 'ivan'],
    ['sessions', 'ivan'],
    ['revoke', 'ivan', '--reason', 'x'],
    ['revoke', 'ivan', '--reason', 'x', '--yes'],
    ['user', 'find', 'ivan', '--json'],
  ]) {
    const { output } = await command(...args)
    t.match(output, 'Ivan', args.join(' '))
    t.notMatch(output, /[^\P{Cc}\n]|^All is well/mu, args.join(' '))
  }
  const [ivan] = await json('user', 'find', 'ivan')
  t.equal(ivan.name, '\u001b[2J\u009b2JIvan\nAll is well', 'JSON has the name unchanged')
})
