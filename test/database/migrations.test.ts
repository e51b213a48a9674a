/** The migrations and the schema agree. */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { PgDialect } from 'drizzle-orm/pg-core'
import t from 'tap'
import { checkTokens } from '../../src/check/queries.ts'
import { pendingMigrations } from '../../src/database/migrate.ts'
import { PAGE, READ_FEED } from '../../src/feed/queries.ts'
import { isValid } from '../../src/sessions/validity.ts'
import { testDatabase } from '../support/database.ts'
import { runProgram } from '../support/run-program.ts'
import { servicesOn } from '../support/service.ts'

t.test('drizzle-kit finds nothing to generate', async (t) => {
  // drizzle-kit takes only a path inside the project, relative to it.
  const folder = await mkdtemp('.tap/migrations-')
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await cp('migrations', folder, { recursive: true })
  const before = await readdir(folder)
  const { stdout } = await runProgram('drizzle-kit', [
    'generate',
    '--dialect=postgresql',
    '--schema=./src/**/schema.ts',
    `--out=./${folder}`,
  ])
  t.match(stdout, 'No schema changes')
  t.same(await readdir(folder), before)
})

t.test('a migrated database has exactly the columns that the schema names', async (t) => {
  const database = await testDatabase()
  const columns = await database.psql<{ name: string; type: string; nullable: string; default: boolean }>(
    `select table_name || '.' || column_name as name, udt_name as type, is_nullable as nullable, column_default is not null as default
     from information_schema.columns where table_schema = 'global_logout' order by 1`,
  )
  const session = columns.filter(({ name }) => name.startsWith('session.'))
  t.same(
    session.map(({ name, type }) => `${name} ${type}`),
    [
      'session.createdAt timestamptz',
      'session.epoch int4',
      'session.expires timestamp',
      'session.id uuid',
      'session.ipAddress inet',
      'session.keyId uuid',
      'session.lastSeenAt timestamptz',
      'session.passiveAt timestamptz',
      'session.sessionToken text',
      'session.userAgent text',
      'session.userId text',
    ],
  )
  const ours = ['createdAt', 'id', 'ipAddress', 'keyId', 'lastSeenAt', 'passiveAt', 'userAgent']
  for (const { name, nullable, default: given } of session) {
    if (ours.includes(name.slice('session.'.length)))
      t.ok(given || nullable === 'YES', `${name} needs no value from the stock adapter`)
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
  // A call for each row would cost 15 µs.
  const state = await plan(
    `verbose select session_state(expires, "createdAt", "lastSeenAt", epoch, 1, 1, 1, statement_timestamp()) from session`,
  )
  t.match(state, 'CASE WHEN')
  t.notMatch(state, /session_(state|ends_at)\(/)
  const valid = await plan(`verbose select from session where ${new PgDialect().sqlToQuery(isValid).sql}`)
  t.match(valid, 'timestamptz_smaller(')
  t.notMatch(valid, 'session_ends_at(', 'also if the lifetimes are read by subqueries')
  const check = await plan(`verbose select * from check_tokens(array['t1'])`)
  t.match(check, 'session_pkey')
  t.notMatch(check, /(check_tokens|session_ends_at)\(/)
  // A plan for one token costs three times as much as the check.
  const { checks } = servicesOn(database.url).pools
  for (let each = 0; each < 8; each++) await checkTokens(checks.query, ['t1'])
  const text = `select custom_plans::int from pg_catalog.pg_prepared_statements where name = 'check-tokens'`
  t.same(await checks.query({ name: 'plans', text, values: [] }), [[0]])
})

t.test('the feed reads its two tables by their indexes, and at most a page of each', async (t) => {
  const database = await testDatabase()
  const many = 'generate_series(1, 50000) as n'
  await database.psql(`insert into revoked_session (session_id, session_token, user_id, xid, created_at, last_seen_at)
    select gen_random_uuid(), n::text, 'ada', (n + 3)::text::xid8, now(), now() from ${many}`)
  await database.psql(`insert into replay (session_id, user_id, xid)
    select gen_random_uuid(), 'ada', (n + 3)::text::xid8 from ${many}`)
  await database.psql('analyze')
  const values = ['20000:20000:', '60000:60000:', '0', '0', '20000', '0']
  const plan = (
    await database.psql<{ 'QUERY PLAN': string }>(
      `explain (analyze, timing off, summary off) ${READ_FEED.text}`,
      values,
    )
  ).map((row) => row['QUERY PLAN'])
  t.notOk(plan.some((line) => /Seq Scan on (revoked_session|replay)/.test(line)))
  const scans = plan.flatMap((line) => {
    const [, index, rows] = /Index Scan using (\w+).*actual rows=(\d+)/.exec(line) ?? []
    return index ? [{ index, rows: Number(rows) }] : []
  })
  t.same(scans.map(({ index }) => index).sort(), ['replay_xid_id_idx', 'revoked_session_xid_id_pk'])
  for (const { index, rows } of scans) t.ok(rows > 0 && rows <= PAGE + 1, `${rows} of ${index}`)
})

t.test(
  'the check for a restored database, which runs every second, reads only the ends of indexes',
  async (t) => {
    const database = await testDatabase()
    await database.psql(`insert into revoked_session (session_id, session_token, user_id, created_at, last_seen_at)
    select gen_random_uuid(), n::text, 'ada', now(), now() from generate_series(1, 20000) as n`)
    await database.psql('analyze')
    const [asks] = await database.psql<{ sql: string }>(
      `select prosrc as sql from pg_proc where proname = 'restored_elsewhere'`,
    )
    const plan = await database.psql<{ 'QUERY PLAN': string }>(`explain ${asks?.sql}`)
    const lines = plan.map((row) => row['QUERY PLAN']).join('\n')
    t.match(lines, /Index Only Scan Backward using revoked_session_xid_id_pk/)
    t.notMatch(lines, /Seq Scan on revoked_session/)
  },
)
