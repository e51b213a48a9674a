/** The migrations and the schema say the same. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { pendingMigrations } from '../../src/storage/migrate.ts'
import { testDatabase } from '../support/database.ts'

const run = promisify(execFile)

t.test('drizzle-kit finds nothing to generate', async (t) => {
  // drizzle-kit wants a folder inside the project, named relative to it.
  const folder = await mkdtemp('.tap/migrations-')
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await cp('migrations', folder, { recursive: true })
  const before = await readdir(folder)
  const { stdout } = await run('drizzle-kit', [
    'generate',
    '--dialect=postgresql',
    '--schema=./src/storage/*schema.ts',
    `--out=./${folder}`,
  ])
  t.match(stdout, 'No schema changes')
  t.same(await readdir(folder), before)
})

t.test('a migrated database has exactly the columns that the schema names', async (t) => {
  const database = await testDatabase()
  const columns = await database.psql<{ name: string; type: string; nullable: string; default: boolean }>(
    `select table_name || '.' || column_name as name, udt_name as type, is_nullable as nullable, column_default is not null as default
     from information_schema.columns where table_schema = 'public' order by 1`,
  )
  const session = columns.filter(({ name }) => name.startsWith('session.'))
  t.same(
    session.map(({ name, type }) => `${name} ${type}`),
    [
      'session.createdAt timestamptz',
      'session.expires timestamp',
      'session.id uuid',
      'session.ipAddress inet',
      'session.lastSeenAt timestamptz',
      'session.sessionToken text',
      'session.userAgent text',
      'session.userId text',
    ],
  )
  const ours = ['createdAt', 'id', 'ipAddress', 'lastSeenAt', 'userAgent']
  for (const { name, nullable, default: given } of session) {
    if (ours.includes(name.slice('session.'.length)))
      t.ok(given || nullable === 'YES', `${name} needs nothing from the stock adapter`)
  }
  t.equal(await database.run(pendingMigrations), 0)
})

t.test('the queries of the hot path use the indexes made for them', async (t) => {
  const database = await testDatabase()
  await database.psql(`insert into "user" (id) select 'u' || i from generate_series(1, 1000) i`)
  await database.psql(
    `insert into session ("sessionToken", "userId", expires) select 't' || i, 'u' || (1 + i % 1000), now() at time zone 'utc' + interval '1 day' from generate_series(1, 20000) i`,
  )
  await database.psql('vacuum analyze session')
  const plan = async (sql: string) =>
    (await database.psql<{ 'QUERY PLAN': string }>(`explain ${sql}`))
      .map((row) => row['QUERY PLAN'])
      .join('\n')
  t.match(await plan(`select * from session where "sessionToken" = 't1'`), 'session_pkey')
  t.match(await plan(`delete from session where "userId" = 'u1'`), 'session_userId_idx')
  t.match(
    await plan(`select ctid from session where ctid >= '(0,0)'::tid and ctid < '(50,0)'::tid`),
    'Tid Range Scan',
  )
})
