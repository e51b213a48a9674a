/** `global-logout keys`: create, list and revoke service keys on the command line. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { run, runHere } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'

const database = await testDatabase()

const JOURNAL_FOLDER = await mkdtemp(join(tmpdir(), 'global-logout-journal-'))
t.teardown(() => rm(JOURNAL_FOLDER, { recursive: true, force: true }))

async function keys(...args: string[]) {
  const started = runHere(['keys', ...args], { env: { DATABASE_URL: database.url, JOURNAL_FOLDER } })
  return { code: await started.ended, output: started.output() }
}
const create = async (name: string, ...args: string[]) => {
  const { output } = await keys('create', '--name', name, '--scope', 'introspect', '--json', ...args)
  return JSON.parse(output) as { id: string; key: string; expiresAt: string | null }
}

t.test('without any key, the list says how to create one', async (t) => {
  t.match(await keys('list'), { code: 0, output: 'keys create' })
})

t.test('a key is shown once, then listed without its secret, until it is revoked', async (t) => {
  const made = await keys('create', '--name', 'edge gateway', '--scope', 'introspect', 'events')
  t.equal(made.code, 0)
  const [secret = ''] = /^glk_[\w-]{43}$/m.exec(made.output) ?? []
  t.ok(secret)
  const [id = ''] = /[0-9a-f-]{36}/.exec(made.output) ?? []

  const list = await keys('list')
  t.match(list.output, /^ID +NAME +SCOPES +STATE +LAST USED +EXPIRES +CREATED *$/m)
  t.match(list.output, new RegExp(`^${id.slice(0, 8)} +edge gateway +introspect events +active `, 'm'))
  t.notMatch(list.output, secret.slice(4, 16))
  const [listed] = JSON.parse((await keys('list', '--json')).output)
  t.match(listed, { id, name: 'edge gateway', scopes: ['introspect', 'events'], lastUsedAt: null })
  t.notOk('keyHash' in listed)

  t.match((await keys('list', '--wide')).output, id)
  t.match(await keys('revoke', id), { code: 2, output: /--yes/ }, 'not a terminal')
  t.match(await keys('revoke', id.slice(0, 8), '--yes'), { code: 0, output: 'refuses it from now on' })
  t.match(await keys('revoke', id, '--yes'), { code: 0, output: 'already' })
  t.notMatch((await keys('list')).output, id.slice(0, 8))
  t.match((await keys('list', '--all')).output, new RegExp(`^${id.slice(0, 8)} .* revoked `, 'm'))
})

t.test('a revocation is kept in JOURNAL_FOLDER, to be done again after a failover', async (t) => {
  const { id } = await create('kept')
  await keys('revoke', id, '--yes')
  const files = await Promise.all(
    (await readdir(JOURNAL_FOLDER)).map((name) => readFile(join(JOURNAL_FOLDER, name), 'utf8')),
  )
  const acts = files.flatMap((text) => text.split('\n').filter(Boolean)).map((line) => JSON.parse(line))
  const [act] = acts.filter(({ what }) => what.result.keyId === id)
  t.match(act, { id: String, what: { kind: 'key.revoke', result: { keyId: id } } })
})

t.test('the creation and revocation of a key are recorded with the actor, without the secret', async (t) => {
  const { id, key } = await create('on record')
  await keys('revoke', id, '--yes')
  const records = await database.psql(
    `select kind, actor_kind, actor_id, result - 'expiresAt' as result from operation where result->>'keyId' = $1 order by at`,
    [id],
  )
  const by = { actor_kind: 'system', actor_id: `cli:${userInfo().username}` }
  const result = { keyId: id, name: 'on record', scopes: ['introspect'] }
  t.same(records, [
    { kind: 'key.create', ...by, result },
    { kind: 'key.revoke', ...by, result },
  ])
  t.notMatch(JSON.stringify(records), key.slice(4, 16))
})

t.test('a key expires as requested, by default after a year', async (t) => {
  const days = ({ expiresAt }: { expiresAt: string | null }) =>
    expiresAt && Math.round((Date.parse(expiresAt) - Date.now()) / 86_400_000)
  t.equal(days(await create('a')), 365)
  t.equal(days(await create('a', '--expires', '90d')), 90)
  t.equal(days(await create('a', '--expires', 'never')), null)
})

t.test('the name of a key cannot control the terminal of the list', async (t) => {
  await database.psql(
    `insert into service_key (name, key_hash, scopes) values (E'\\x1b[2Jgone', 'x', '{events}')`,
  )
  const { output } = await keys('list')
  t.match(output, 'gone')
  t.notMatch(output, '\u001b[2J')
})

t.test('invalid input is reported, and no key is created', async (t) => {
  const before = await database.psql('select from service_key')
  const scope = ['--scope', 'introspect']
  const wrong: [string[], RegExp][] = [
    [['create'], /--name/],
    [['create', '--name', 'x'], /--scope/],
    [
      ['create', '--name', 'x', '--scope', 'everything'],
      /introspect, sessions:create, users:delete, events, leases, security/,
    ],
    [['create', '--name', ' ', ...scope], /--name/],
    [['create', '--name', 'x\ny', ...scope], /--name/],
    [['create', '--name', 'x', '--expires', 'soon', ...scope], /--expires/],
    [['create', '--name', 'x', 'more', 'words'], /--scope/],
    [['revoke'], /id/],
    [['revoke', 'x'], /keys list/],
    [[], /create, list or revoke/],
    [['destroy'], /create, list or revoke/],
  ]
  for (const [args, says] of wrong) {
    const { code, output } = await keys(...args)
    t.equal(code, 2, args.join(' '))
    t.match(output, says)
  }
  t.match(await keys('revoke', crypto.randomUUID(), '--yes'), { code: 1, output: /no key has the id/ })
  t.equal((await database.psql('select from service_key')).length, before.length)
})

t.test('without a database or a demo in this folder, the error says what to set', async (t) => {
  const started = run(['keys', 'list'], { cwd: t.testdir() })
  t.equal(await started.ended, 2)
  t.match(started.output(), /DATABASE_URL/)
})
