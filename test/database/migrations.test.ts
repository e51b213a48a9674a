/** The migrations and the schema agree. */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { PgDialect } from 'drizzle-orm/pg-core'
import t from 'tap'
import { checkTokens } from '../../src/check/queries.ts'
import type { Database, Transaction } from '../../src/database/database.ts'
import { pendingMigrations } from '../../src/database/migrate.ts'
import { parseSnapshot } from '../../src/database/snapshots.ts'
import { PAGE, READ_FEED, readFeed } from '../../src/feed/queries.ts'
import { writeCursor } from '../../src/http/cursor.ts'
import { readChanges } from '../../src/leases/queries.ts'
import { listEndedBy } from '../../src/operations/ended-sessions.ts'
import { findTokenStatus, listRecentlyEnded, tokenHashesOf } from '../../src/sessions/ended.ts'
import { isValid } from '../../src/sessions/validity.ts'
import { listRevocations } from '../../src/staff/accounts/queries.ts'
import { listExternalRevocations, listOperations } from '../../src/staff/audit/queries.ts'
import { type Running, readOutcome } from '../../src/staff/incidents/steps.ts'
import { countFigures } from '../../src/staff/overview/queries.ts'
import { recordReplays } from '../../src/staff/replays/queries.ts'
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
      'session.city varchar',
      'session.country varchar',
      'session.createdAt timestamptz',
      'session.deviceName varchar',
      'session.epoch int4',
      'session.expires timestamp',
      'session.id uuid',
      'session.ipAddress inet',
      'session.keyId uuid',
      'session.lastSeenAt timestamptz',
      'session.passiveAt timestamptz',
      'session.sessionToken text',
      'session.signInMethod varchar',
      'session.userAgent text',
      'session.userId text',
    ],
  )
  const ours = ['createdAt', 'id', 'ipAddress', 'keyId', 'lastSeenAt', 'passiveAt', 'userAgent']
  ours.push('city', 'country', 'deviceName', 'signInMethod')
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

t.test('each reader of revocations reads an index, and each index has a reader', async (t) => {
  const database = await testDatabase()
  const { psql, transaction } = database
  const hash = `translate(encode(sha256(convert_to('t' || n, 'UTF8')), 'base64'), '+/=', '-_')`
  await psql(`insert into "user" (id) select 'u' || n from generate_series(1, 1000) n`)
  await psql(`insert into session ("sessionToken", "userId", expires)
    select ${hash}, 'u' || n % 1000 + 1, now() + interval '9 days' from generate_series(1, 40000) n`)
  // An incident ends some, logouts most, and an application a few.
  const incident = crypto.randomUUID()
  await psql(
    `insert into operation (id, kind, actor_kind, revoked_count) values ('${incident}', 'incident.execute', 'staff', 10000)`,
  )
  await psql(`insert into incident (id, reason, selection, actor_kind, expires_at, planned_sessions, planned_users, staff_sessions, sample)
    values ('${incident}', 'breach', '{"userIds": []}', 'staff', now(), 0, 0, 0, '[]')`)
  await psql(`set global_logout.operation_id = '${incident}'; delete from session where "userId" <= 'u32'`)
  await psql(`select (end_sessions((o.*)::operation, null, null, 0)).ended from generate_series(400, 899) n,
    jsonb_populate_record(null::operation, jsonb_build_object('kind', 'logout', 'actor_kind', 'user', 'user_id', 'u' || n)) o`)
  await psql(`delete from session where "userId" between 'u90' and 'u98'`)
  await psql(`update revoked_session set revoked_at = now() - interval '30 days' where id <= 31000`)
  await psql('vacuum analyze revoked_session')
  await psql('analyze operation')
  const [logout] = await psql<{ id: string }>(`select id from operation where user_id = 'u500'`)
  const [ended] = await psql<{ session_id: string }>(
    `select session_id from revoked_session where user_id = 'u500'`,
  )
  const sessionId = ended?.session_id ?? ''
  const source = `null, null, null, 100, true`
  const [{ at } = { at: '' }] = await psql<{ at: string }>('select pg_current_snapshot()::text as at')

  const PK = 'xid_id_pk'
  const TOKEN = 'session_token_idx'
  const USER = 'user_id_id_idx'
  const MANY = 'of_many_idx'
  const TIME = 'revoked_at_idx'
  const EXTERNAL = 'external_idx'
  type Reader = (tx: Transaction, query: Database['query']) => Promise<unknown>
  const running = {
    id: incident,
    operationId: incident,
    planned: 0,
    estimated: false,
    epoch: null,
  } as Running
  const sqlOf = (text: string) => (tx: Transaction) => tx.execute(text)
  const range = { stepSeconds: 3_600, steps: 24 }
  const READERS: [string, string[], Reader][] = [
    ['changes of instances', [PK], (_, query) => readChanges(query, at)],
    ['the feed', [PK], (_, query) => readFeed(query, { databaseId: '', last: parseSnapshot(at) })],
    ['the reason of a refused token', [TOKEN], (tx) => findTokenStatus(tx, 't9')],
    ['reused tokens', [TOKEN], (tx) => recordReplays(tx, [{ hash: 'x', uses: [] }])],
    ['tokens of a session', [USER], (tx) => tokenHashesOf(tx, 'u500', sessionId)],
    ['sessions that a logout ended', [MANY, USER], (tx) => listEndedBy(tx, logout?.id ?? '', 0n, 100)],
    ['sessions that an incident ended', [MANY], (tx) => listEndedBy(tx, incident, 5_000n, 100)],
    ['the outcome of an incident', [MANY], (tx) => readOutcome(tx, running)],
    ['revocations of a user', [USER], (tx) => listRevocations(tx, 'u500', 200)],
    [
      'what ended lately, for the user',
      [USER],
      (tx) => listRecentlyEnded(tx, 'u500', { cursor: writeCursor(['100']) }),
    ],
    ['operations on a user', [USER], (tx) => listOperations(tx, { userId: 'u500' }, null, 100)],
    ['external revocations', [EXTERNAL], (tx) => listExternalRevocations(tx, {}, null, 100)],
    ['figures of a day', [TIME], (tx) => countFigures(tx, range)],
    ['a step of retention', [PK], sqlOf('select global_logout.prune_feed(86400, 100)')],
    ['a large step of retention', [PK], sqlOf('select global_logout.prune_feed(86400, 1000)')],
    [
      'a step of the retention of addresses',
      [TIME],
      sqlOf(`update global_logout.job set done_until = now() - interval '30 days 2 hours' where name = 'addresses';
        select global_logout.delete_addresses(29 * 86400, 100)`),
    ],
    [
      'an erasure',
      [PK, USER],
      sqlOf(`select global_logout.erase_user('u500', '{"actor_kind": "system", "reason": "request 17"}')`),
    ],
    ['whether a dump was restored', [PK], sqlOf('select global_logout.restored_elsewhere()')],
    [
      'a repeated logout',
      [TOKEN],
      sqlOf(`select global_logout.log_out('x', 'global', null, '{}', ${source})`),
    ],
    [
      'a repeated end of a session',
      [PK, USER],
      sqlOf(`select global_logout.log_out("sessionToken", 'local', gen_random_uuid(), '{}', ${source}),
      global_logout.log_out("sessionToken", 'local', null, '{}', ${source}) from global_logout.session where "userId" = 'u999' limit 1`),
    ],
    [
      'a session that is taken over',
      [TOKEN, EXTERNAL],
      sqlOf(`select global_logout.take_over('new', 'u1', now() + interval '1 day')`),
    ],
  ]
  const indexes = await psql<{ name: string }>(
    `select indexrelid::regclass::text as name from pg_index where indrelid = 'revoked_session'::regclass`,
  )
  /** What this connection has scanned so far, in functions too. The number of the table itself counts sequential scans. */
  const scans = async (tx: Transaction) =>
    (
      await tx.$client.query<{ name: string; scans: number }>(
        `select relname as name, pg_catalog.pg_stat_get_xact_numscans(oid)::int as scans from pg_catalog.pg_class
          where oid = 'global_logout.revoked_session'::regclass or oid in (
            select indexrelid from pg_catalog.pg_index where indrelid = 'global_logout.revoked_session'::regclass) order by 1`,
      )
    ).rows
  const used = new Set<string>()
  async function readsIndexes([what, expected, read]: (typeof READERS)[number]) {
    const rollback = new Error('read')
    await transaction(async (tx) => {
      const before = await scans(tx)
      await read(tx, async (text) => (await tx.$client.query({ ...text, rowMode: 'array' })).rows as never)
      const changed = (await scans(tx)).filter(
        ({ name, scans }) => scans > (before.find((each) => each.name === name)?.scans ?? 0),
      )
      const names = changed.map(({ name }) => name)
      t.same(names, expected.map((name) => `revoked_session_${name}`).sort(), what)
      for (const name of names) used.add(name)
      throw rollback
    }).catch((error) => {
      if (error !== rollback) throw error
    })
  }
  for (const reader of READERS) await readsIndexes(reader)
  // Last: revocations that lie ahead are no longer read by the others.
  await psql(
    `update revoked_session set xid = (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000)::text::xid8 where id > (select max(id) - 1000 from revoked_session)`,
  )
  await psql('analyze revoked_session')
  await readsIndexes([
    'settling a restored dump',
    [PK],
    async (tx) => {
      const { rows } = await tx.$client.query('select global_logout.settle_restored() as settled')
      t.same(rows, [{ settled: true }])
    },
  ])
  t.same(
    [...used].sort(),
    indexes.map(({ name }) => name.split('.').at(-1)).sort(),
    'each index has a reader',
  )
})

t.test('a step of retention reads each row of it once, by whatever statistics', async (t) => {
  const { psql, transaction } = await testDatabase()
  const TABLES = ['revoked_session', 'replay', 'taken_over']
  for (const table of TABLES) await psql(`alter table ${table} set (autovacuum_enabled = off)`)
  const fill = async (from: number, to: number) => {
    const many = `generate_series(${from}, ${to}) n`
    await psql(`insert into revoked_session (session_id, session_token, user_id, xid, created_at, last_seen_at)
      select gen_random_uuid(), n::text, 'ada', (n / 10 + 4)::text::xid8, now(), now() from ${many}`)
    await psql(
      `insert into replay (session_id, user_id, xid) select gen_random_uuid(), 'ada', (n / 10 + 4)::text::xid8 from ${many}`,
    )
    await psql(`insert into taken_over (session_token) select n::text from ${many}`)
  }
  /** Rows that this connection has read so far: from end to end, and through each index. */
  const read = async (tx: Transaction) => {
    const { rows } = await tx.$client.query<{ name: string; rows: number }>(
      `select name, (pg_catalog.pg_stat_get_xact_tuples_returned(('global_logout.' || name)::regclass)
          + sum(pg_catalog.pg_stat_get_xact_tuples_fetched(indexrelid)))::int as rows
        from unnest($1::text[]) name join pg_catalog.pg_index on indrelid = ('global_logout.' || name)::regclass group by name`,
      [TABLES],
    )
    return Object.fromEntries(rows.map(({ name, rows }) => [name, rows]))
  }
  for (const [known, more] of [
    [5, 5_000],
    [5_000, 5_000],
  ] as const) {
    await psql(`truncate ${TABLES}`)
    await fill(1, known)
    await psql(`analyze ${TABLES}`)
    await fill(known + 1, known + more)
    await psql(`update revoked_session set revoked_at = now() - interval '2 years'`)
    await psql(`update replay set at = now() - interval '2 years'`)
    await psql(`update taken_over set at = now() - interval '2 years'`)
    await transaction(async (tx) => {
      const before = await read(tx)
      await tx.execute('select global_logout.prune_feed(86400, 1000)')
      const after = await read(tx)
      for (const table of TABLES) {
        const rows = (after[table] ?? 0) - (before[table] ?? 0)
        t.ok(rows >= 1_000 && rows <= 2_000, `${rows} rows of ${table}, where statistics know ${known}`)
      }
    })
  }
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
