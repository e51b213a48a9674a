/** Operators learn which transaction holds back vacuum, in the log, the metrics and from doctor. */
import t from 'tap'
import type { Database } from '../../src/database/database.ts'
import { openDatabase } from '../../src/database/database.ts'
import { findOldSnapshots, type OldSnapshot } from '../../src/database/old-snapshots.ts'
import { startSnapshotWatch } from '../../src/observability/snapshot-watch.ts'
import { testDatabase } from '../support/database.ts'
import { keepLog } from '../support/log.ts'
import { dropLogin } from '../support/logins.ts'
import { waitFor } from '../support/within.ts'

const database = await testDatabase()
const { psql } = database

t.test('an open transaction is found, with its process if the login has pg_monitor', async (t) => {
  const login = `gl_test_snapshots_${process.pid}`
  await psql(`create role ${login} login password 'x'`)
  const url = new URL(database.url)
  url.username = login
  url.password = 'x'
  const stranger = openDatabase(url.href, { max: 1 })
  t.teardown(async () => {
    await stranger.close()
    await dropLogin({ psql }, login)
  })
  await database.transaction(async (tx) => {
    await tx.execute(`insert into global_logout."user" (id) values ('writer')`)
    const [{ pid } = { pid: 0 }] = (await tx.execute<{ pid: number }>('select pg_backend_pid() as pid')).rows
    const { oldest, hidden } = await database.run(findOldSnapshots)
    t.match(oldest.get('transaction'), { name: new RegExp(`pid ${pid} of `), transactions: Number })
    t.ok(Number(oldest.get('transaction')?.seconds) > 0)
    t.notOk(hidden)
    const seen = await stranger.run(findOldSnapshots)
    t.ok(seen.hidden)
    t.match(seen.oldest.get('transaction'), { seconds: null, transactions: Number })
  })
})

t.test('the log says once when vacuum is held back, by what, and when no more', async (t) => {
  const found = (old: Partial<OldSnapshot>[]) => ({
    oldest: new Map(old.map((each) => [each.holder, { seconds: 0, transactions: 0, name: 'x', ...each }])),
    hidden: false,
  })
  const rounds = [
    found([{ holder: 'transaction', seconds: 299 }]),
    found([{ holder: 'transaction', seconds: 660, name: 'pid 7 of report' }]),
    found([{ holder: 'transaction', seconds: 720, name: 'pid 7 of report' }]),
    found([{ holder: 'slot', transactions: 20_000_000, name: 'old_standby' }]),
  ]
  let round = 0
  const run = (async () => rounds[Math.min(round++, 3)]) as unknown as Database['run']
  const { log, lines } = keepLog()
  const watch = startSnapshotWatch({ run }, log, 5)
  t.teardown(() => watch.close())
  await waitFor('four rounds', () => round > 4)
  t.match(
    lines.map(({ level, message }) => `${level} ${message}`),
    [
      /^warn vacuum is held back: a transaction began 11 minutes ago \(pid 7 of report\)/,
      /^info vacuum is held back no more/,
      /^warn vacuum is held back: the replication slot old_standby is 20,000,000 transactions behind/,
    ],
  )
  t.match(watch.ages, { transaction: { seconds: 0 }, slot: { transactions: 20_000_000 } })
})
