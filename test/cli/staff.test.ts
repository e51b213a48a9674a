/** The command line of security staff at three in the morning: it works without the service, and says what it did. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { run } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'

const database = await testDatabase()
const { psql } = database
const env = { DATABASE_URL: database.url }

async function command(...args: string[]) {
  const started = run(args, { env })
  return { code: await started.ended, output: started.output() }
}
/** What it printed on standard output; the bar of a long work goes to the other one, before it. */
const json = async (...args: string[]) => {
  const { output } = await command(...args, '--json')
  return JSON.parse(output.slice(output.search(/^[{[]/m)))
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
const living = async (userId: string) =>
  (await psql('select from session where "userId" = $1', [userId])).length

t.test('a stolen account: found, looked at, ended, with the reason on record', async (t) => {
  await addUser('ada', 3)
  t.match(await command('user', 'find', 'ADA@'), { code: 0, output: /^ada +Name of ada +ada@example.com/m })
  t.match(await command('sessions', 'ada'), { code: 0, output: /3 sessions/ })

  const dry = await command('revoke', 'ada', '--reason', 'ticket 1', '--dry-run')
  t.match(dry, { code: 0, output: /nothing was ended/ })
  t.match(await command('revoke', 'ada', '--reason', 'ticket 1'), {
    code: 2,
    output: /End 3 sessions .*--yes/,
  })
  t.equal(await living('ada'), 3, 'neither ended any')

  const { operationId, revoked } = await json('revoke', 'ada@example.com', '--reason', 'ticket 1', '--yes')
  t.equal(revoked.length, 3)
  t.equal(await living('ada'), 0)
  t.notMatch(JSON.stringify(revoked), 'sessionToken')
  t.match(await command('audit', 'list', '--user', 'ada'), {
    output: new RegExp(`user\\.revoke +3 +ada +system cli:\\S+ +ticket 1 +${operationId}`),
  })
  t.match(await command('user', 'show', 'ada'), { output: /Revoked lately: 3 sessions/ })
})

t.test('a locked user is signed in by nobody until the lock is lifted', async (t) => {
  await addUser('bob', 1)
  const signIn = () =>
    psql(
      `insert into session ("sessionToken", "userId", expires) values ('again', 'bob', now() + interval '1 day')`,
    )
  t.match(await command('lock', 'bob', '--for', '2h', '--reason', 'stolen', '--yes'), {
    code: 0,
    output: /locked until/,
  })
  t.equal(await living('bob'), 0)
  await t.rejects(signIn(), { code: 'GL001' })
  t.match(await command('unlock', 'bob', '--yes'), { code: 0, output: /may sign in again/ })
  await signIn()
  t.match(await command('unlock', 'bob', '--yes'), { code: 0, output: /is not locked/ })
})

t.test('nobody is signed out by mistake', async (t) => {
  await addUser('carl', 1)
  await addUser('carla', 1)
  await addUser('carlos', 1)
  t.match(await command('revoke', 'car', '--reason', 'x', '--yes'), { code: 1, output: /may mean 3 users/ })
  t.match(await command('revoke', 'nobody', '--reason', 'x', '--yes'), {
    code: 1,
    output: /there is no user/,
  })
  t.match(await command('revoke', 'carl'), { code: 2, output: /--reason/ })
  t.match(await command('revoke', 'carl', '--reason', ' ', '--yes'), { code: 2, output: /--reason/ })
  t.match(await command('lock', 'carl', '--reason', 'x', '--for', 'soon', '--yes'), {
    code: 2,
    output: /--for/,
  })
  t.equal(await living('carl'), 1)
  t.match(
    await command('revoke', 'carl', '--reason', 'x', '--yes'),
    { code: 0 },
    'whose id it is exactly is meant',
  )
  t.equal(await living('carla'), 1)
})

t.test('a role is given by name and on record', async (t) => {
  t.match(await command('user', 'role', 'ada', 'security', '--reason', 'new colleague'), { code: 0 })
  t.match(await command('user', 'find', 'ada'), { output: /security/ })
  t.match(await command('user', 'role', 'ada', 'king', '--reason', 'x'), {
    code: 2,
    output: /security, auditor, none/,
  })
  t.match(await command('user', 'role', 'ada', 'none', '--reason', 'left'), {
    output: /security before, none/,
  })
})

t.test('an incident: planned, executed, reported; a second execution changes nothing', async (t) => {
  await addUser('dora', 4, '198.51.100.1')
  await addUser('emil', 3, '198.51.100.2')
  await addUser('fred', 2, '192.0.2.1')
  const plan = await json('incident', 'plan', '--ip', '198.51.100.0/24', '--reason', 'leak')
  t.match(plan, { sessions: 7, users: 2, staffSessions: 0 })
  t.equal(await living('dora'), 4, 'a plan ends nothing')
  t.match(await command('incident', 'execute', plan.planId), { code: 2, output: /--yes/ })
  const done = await command('incident', 'execute', plan.planId, '--yes')
  t.match(done, { code: 0, output: /: done\n/ })
  t.match(done.output, /ended +7 of 2 user\(s\)/)
  t.same([await living('dora'), await living('emil'), await living('fred')], [0, 0, 2])
  t.match(await json('incident', 'execute', plan.planId, '--yes'), { state: 'done', ended: 7 })
  t.match(await command('incident', 'list'), {
    output: new RegExp(`^${plan.planId} +done .* 7 +7 +leak`, 'm'),
  })

  const file = join(t.testdir(), 'users.txt')
  await writeFile(file, 'fred\r\n\nnobody\n')
  t.match(await json('incident', 'plan', '--users', file, '--reason', 'x'), {
    sessions: 2,
    unknownUsers: ['nobody'],
  })
})

t.test(
  'killed in the middle, an incident goes on where it is called again, and its report adds up',
  async (t) => {
    await addUser('gina', 20_000)
    const { planId } = await json('incident', 'plan', '--user', 'gina', '--reason', 'leak')
    const first = run(['incident', 'execute', planId, '--yes'], { env })
    while ((await living('gina')) === 20_000) await sleep(5)
    first.child.kill('SIGKILL')
    await first.ended
    const left = await living('gina')
    t.ok(left > 0 && left < 20_000, `${left} are left`)
    t.match(await command('incident', 'show', planId), { output: /: running\n/ })

    const report = await json('incident', 'execute', planId)
    t.match(report, {
      state: 'done',
      ended: 20_000,
      outcome: { endedPlanned: 20_000, endedLater: 0, goneMeanwhile: 0, users: 1 },
    })
    t.equal(await living('gina'), 0)
  },
)

t.test('what is wrong with a selection is named by its option', async (t) => {
  const wrong: [string[], RegExp][] = [
    [[], /--everyone/],
    [['--ip', '1.2.3'], /--ip/],
    [['--created-before', 'yesterday'], /--created-before/],
    [['--users', '/does/not/exist'], /no such file/i],
  ]
  for (const [args, says] of wrong) {
    const { code, output } = await command('incident', 'plan', ...args, '--reason', 'x')
    t.ok(code === 1 || code === 2, args.join(' '))
    t.match(output, says)
  }
  t.match(await command('incident', 'show', 'x'), { code: 2, output: /incident list/ })
  t.match(await command('incident', 'show', crypto.randomUUID()), { code: 1, output: /No incident/ })
})

t.test('a record that was changed by hand is named, and the exit code tells', async (t) => {
  const clean = await command('audit', 'verify')
  t.match(clean, { code: 0, output: /as it was written/ })
  const head = /^Head (\S+)$/m.exec(clean.output)?.[1] ?? ''
  t.match(await command('audit', 'verify', '--expect', head), { code: 0 })
  const [row] = await psql<{ id: string }>(
    `update operation set reason = 'other' where reason = 'ticket 1' returning id`,
  )
  t.match(await command('audit', 'verify'), { code: 1, output: row?.id ?? 'none' })
  t.match(await command('audit', 'verify', '--expect', '1:nonsense'), { code: 1 })
})

t.test('what was ended around the service is on record, too', async (t) => {
  await addUser('hans', 2)
  await psql(`delete from session where "userId" = 'hans'`)
  t.match(await command('audit', 'list', '--kind', 'around'), { output: /around +2 +hans +-/ })
})
