/**
 * The sweep deletes ended sessions, keeps valid ones, never waits for a lock, and runs on one instance at a
 * time.
 */

import t from 'tap'
import { pagesDue } from '../../src/sessions/sweep-queries.ts'
import { startSweeper, sweep, sweepDue } from '../../src/sessions/sweeper.ts'
import { testDatabase } from '../support/database.ts'
import { keepLog } from '../support/log.ts'
import { waitFor } from '../support/within.ts'

const database = await testDatabase()
const { psql } = database
await psql(`insert into "user" (id) values ('ada')`)

/** Inserts rows, three to a page: a third active, a third expired, a third idle. */
async function fill(rows: number) {
  await psql('delete from session')
  await psql('delete from revoked_session')
  await psql(
    `insert into session ("sessionToken", "userId", "userAgent", expires, "lastSeenAt")
     select 'row-' || i, 'ada', repeat('x', 1400), now() at time zone 'utc' + case when i % 3 = 1 then interval '-1 hour' else interval '1 day' end,
       now() - case when i % 3 = 2 then interval '8 days' else interval '0' end from generate_series(0, $1 - 1) i`,
    [rows],
  )
}
const tablePages = async () =>
  Number((await psql<{ pages: string }>(`select pg_relation_size('session') / 8192 as pages`))[0]?.pages)
/** The next page of the sweep, and the time up to which due pages are read, in seconds. */
async function place() {
  const [at] = await psql<{ page: string; at: number }>(
    `select page, extract(epoch from done_until)::float8 as at from job where name = 'sweep'`,
  )
  return { page: Number(at?.page), at: Number(at?.at) }
}
const dueSince = (span: string) =>
  psql(`update job set done_until = now() - $1::interval where name = 'sweep'`, [span])
const rows = () =>
  psql<{ kind: number; count: string }>(
    `select (split_part("sessionToken", '-', 2)::int % 3) as kind, count(*) from session group by 1 order by 1`,
  )

t.test('the sweep deletes all ended sessions, keeps the valid ones, and records nothing', async (t) => {
  await fill(6_000) // several steps of the sweep
  t.equal(await sweep(database), 4_000)
  t.same(await rows(), [{ kind: 0, count: '2000' }])
  t.same(await psql('select 1 from revoked_session'), [])
  t.equal(await sweep(database), 0)
})

t.test('a background sweep reads the pages that are due, and no more', async (t) => {
  await psql('truncate session')
  await fill(6_000)
  const total = await tablePages()
  t.ok(total > 1_100, `${total} pages`)
  await psql(`update job set page = 0, done_until = now() - interval '30 seconds' where name = 'sweep'`)
  const before = await place()
  const deleted = await sweepDue(database)
  const after = await place()
  t.ok(after.page >= 500 && after.page < total, 'the pages that are due after half a minute')
  t.ok(
    Math.abs(((after.at - before.at) / 60) * 1_000 - after.page) < 1,
    'pages that were read are no longer due',
  )
  t.ok(deleted !== null && deleted > 0 && deleted < (4_000 * (after.page + 1)) / total, `${deleted} deleted`)
  await dueSince('1 day')
  t.equal(await sweepDue(database), 4_000 - Number(deleted), 'the whole table after a pause')
  t.equal((await place()).page, after.page, 'the sweep wraps around to the same page')
  t.same(await rows(), [{ kind: 0, count: '2000' }])
})

t.test('an ended row is read within a day, whatever the size of the table', async (t) => {
  const day = 86_400
  for (const total of [1, 1_000, 50_000, 1_000_000, 50_000_000]) {
    const turns = Math.ceil(total / pagesDue(60, total))
    t.ok(turns * 60 < day, `${total} pages`)
    t.equal(pagesDue(day, total), total)
    t.equal(pagesDue(-1, total), total, 'the clock was set back')
  }
  t.ok(pagesDue(60, 1_000_000) * 8_192 < 10e6, '8 GB cost at most 10 MB a minute')
})

t.test('the sweep skips an ended row that is locked', async (t) => {
  await fill(30)
  await database.transaction(async (tx) => {
    await tx.execute(`select 1 from global_logout.session where "sessionToken" = 'row-1' for update`)
    t.equal(await sweep(database), 19)
  })
  t.equal(await sweep(database), 1)
})

/**
 * Sweeps until nothing is left: a transaction in another test's database on the same server may hold a
 * snapshot back.
 */
async function sweptOf(left: () => Promise<number>): Promise<void> {
  for (let tries = 0; tries < 200 && (await left()) > 0; tries++) await sweep(database)
}

t.test('a change is kept until every instance with a cache has applied it', async (t) => {
  const changes = async () => (await database.psql('select from session_change')).length
  await fill(30)
  await database.psql(
    `update session set expires = expires - interval '1 s' where "sessionToken" like 'row-%'`,
  )
  const noted = await changes()
  t.ok(noted > 0)
  const id = crypto.randomUUID()
  await database.psql('insert into instance (id) values ($1)', [id])
  await sweep(database)
  t.equal(await changes(), noted, 'an instance that has not reported yet')
  await database.psql(`update instance set applied = '1:1:' where id = $1`, [id])
  await sweep(database)
  t.equal(await changes(), noted, 'an instance that lags behind')
  await database.psql('update instance set applied = pg_current_snapshot() where id = $1', [id])
  await sweptOf(changes)
  t.equal(await changes(), 0)
  await database.psql('delete from instance')
  await database.psql(
    `update session set expires = expires - interval '1 s' where "sessionToken" like 'row-%'`,
  )
  await sweptOf(changes)
  t.equal(await changes(), 0, 'no instance is left to read it')
})

t.test('two instances do not sweep at once', async (t) => {
  await fill(30)
  await database.transaction(async (tx) => {
    await tx.execute(`select from global_logout.job where name = 'sweep' for update`)
    t.equal(await sweep(database), null)
  })
  t.equal(await sweep(database), 20)
})

t.test('the sweeper runs by itself, survives an error and stops on close', async (t) => {
  await fill(30)
  await dueSince('1 day')
  let failures = 0
  const broken = {
    transaction: (work: never) =>
      failures++ < 2 ? Promise.reject(new Error('away')) : database.transaction(work),
  }
  const { log, lines } = keepLog()
  const swept = () => lines.filter(({ message }) => message === 'expired sessions deleted')
  const sweeping = { intervalMs: 5, retentionSeconds: 86_400, addressRetentionSeconds: 86_400 }
  const sweeper = startSweeper(broken as typeof database, sweeping, log)
  t.teardown(() => sweeper.close())
  await waitFor('a sweep', () => swept().length > 0)
  t.equal(swept()[0]?.fields.count, 20)
  t.equal(lines.filter(({ message }) => message === 'sweep failed').length, 2)
})
