/** The sweep removes what is over, keeps what lives, waits for nobody, and is done by one at a time. */

import t from 'tap'
import { startSweeper, sweep } from '../../src/sessions/sweeper.ts'
import { testDatabase } from '../support/database.ts'
import { keepLog } from '../support/log.ts'
import { waitFor } from '../support/within.ts'

const database = await testDatabase()
const { psql } = database
await psql(`insert into "user" (id) values ('ada')`)

/** Rows by the thousand: a third active, a third expired, a third idle. */
async function fill(rows: number) {
  await psql('delete from session')
  await psql('delete from revoked_session')
  await psql(
    `insert into session ("sessionToken", "userId", expires, "lastSeenAt")
     select 'row-' || i, 'ada', now() at time zone 'utc' + case when i % 3 = 1 then interval '-1 hour' else interval '1 day' end,
       now() - case when i % 3 = 2 then interval '8 days' else interval '0' end from generate_series(0, $1 - 1) i`,
    [rows],
  )
}
const rows = () =>
  psql<{ kind: number; count: string }>(
    `select (split_part("sessionToken", '-', 2)::int % 3) as kind, count(*) from session group by 1 order by 1`,
  )

t.test(
  'all that is dead goes, all that lives stays, and no revocation is written for the dead',
  async (t) => {
    await fill(60_000) // several steps of the sweep
    t.equal(await sweep(database), 40_000)
    t.same(await rows(), [{ kind: 0, count: '20000' }])
    t.same(await psql('select 1 from revoked_session'), [])
    t.equal(await sweep(database), 0)
  },
)

t.test('a dead row that somebody holds is skipped, not waited for', async (t) => {
  await fill(30)
  await database.transaction(async (tx) => {
    await tx.execute(`select 1 from global_logout.session where "sessionToken" = 'row-1' for update`)
    t.equal(await sweep(database), 19)
  })
  t.equal(await sweep(database), 1)
})

/** Sweeps until nothing is left: a transaction of another test's database on the same server may hold a snapshot back. */
async function sweptOf(left: () => Promise<number>): Promise<void> {
  for (let tries = 0; tries < 200 && (await left()) > 0; tries++) await sweep(database)
}

t.test('a change is kept until every instance that answers from memory has applied it', async (t) => {
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
  t.equal(await changes(), noted, 'one that has told nothing yet')
  await database.psql(`update instance set applied = '1:1:' where id = $1`, [id])
  await sweep(database)
  t.equal(await changes(), noted, 'one that is behind')
  await database.psql('update instance set applied = pg_current_snapshot() where id = $1', [id])
  await sweptOf(changes)
  t.equal(await changes(), 0)
  await database.psql('delete from instance')
  await database.psql(
    `update session set expires = expires - interval '1 s' where "sessionToken" like 'row-%'`,
  )
  await sweptOf(changes)
  t.equal(await changes(), 0, 'nobody is there to read it')
})

t.test('two instances do not sweep at once', async (t) => {
  await fill(30)
  await database.transaction(async (tx) => {
    await tx.execute(`select from global_logout.job where name = 'sweep' for update`)
    t.equal(await sweep(database), null)
  })
  t.equal(await sweep(database), 20)
})

t.test('it runs by itself, survives an error and stops when told', async (t) => {
  await fill(30)
  let failures = 0
  const broken = {
    transaction: (work: never) =>
      failures++ < 2 ? Promise.reject(new Error('away')) : database.transaction(work),
  }
  const { log, lines } = keepLog()
  const swept = () => lines.filter(({ message }) => message === 'expired sessions deleted')
  const sweeping = { intervalMs: 5, retentionSeconds: 86_400 }
  const sweeper = startSweeper(broken as typeof database, sweeping, log)
  t.teardown(() => sweeper.close())
  await waitFor('a sweep', () => swept().length > 0)
  t.equal(swept()[0]?.fields.count, 20)
  t.equal(lines.filter(({ message }) => message === 'sweep failed').length, 2)
})
