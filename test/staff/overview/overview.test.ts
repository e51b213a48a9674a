/** The figures of the console: what they count, how often, and that no page waits for them. */
import t from 'tap'
import { carryOut } from '../../../src/staff/incidents/runner.ts'
import { createOverview } from '../../../src/staff/overview/overview.ts'
import { begin } from '../../support/incidents.ts'
import { admin } from '../../support/server.ts'
import { startService } from '../../support/service.ts'
import { waitFor } from '../../support/within.ts'

const service = await startService()
const { database } = service
const { psql } = database

t.test('sign-ins, ends and replays are counted in the hour in which they happened', async (t) => {
  const user = await service.addUser()
  const sessions = await Promise.all(Array.from({ length: 6 }, () => service.signIn(user)))
  const begin = (index: number, hours: number) =>
    psql(`update session set "createdAt" = now() - make_interval(hours => $2) where id = $1`, [
      sessions[index]?.id,
      hours,
    ])
  await begin(0, 0)
  await begin(1, 3)
  await begin(2, 3)
  await begin(3, 100)
  await begin(4, 5)
  await begin(5, 100)
  // One lasted three hours; one that staff ended lasted for days.
  await service.sessions.logout(sessions[4]?.token ?? '', 'local', { userAgent: null, ipAddress: null })
  await psql('delete from session where id = $1', [sessions[5]?.id])
  await psql(`update revoked_session set revoked_at = now() - interval '2 hours'`)
  await psql(
    `insert into replay (session_id, user_id, count, at) values
      (gen_random_uuid(), $1, 7, now() - interval '4 hours'), (gen_random_uuid(), $1, 2, now()), (gen_random_uuid(), $1, 99, now() - interval '3 days')`,
    [user],
  )
  const figures = await createOverview(database).figures('day')
  t.match(figures, { external: 1 })
  const last = (values: number[] | undefined, hours: number) => values?.slice(-hours)
  t.strictSame(last(figures?.logins, 7), [0, 1, 0, 2, 0, 0, 1])
  t.strictSame(last(figures?.revocations, 4), [0, 2, 0, 0])
  t.strictSame(last(figures?.active, 7), [2, 3, 3, 5, 3, 3, 4])
  t.strictSame(last(figures?.replays, 5), [7, 0, 0, 0, 2])
  for (const values of [figures?.active, figures?.logins, figures?.revocations, figures?.replays])
    t.equal(values?.length, 24)
})

t.test('sessions ended by an incident for everyone count from its start, recorded or not', async (t) => {
  const own = await startService({ except: ['incidents', 'sweeper'] })
  const { psql } = own.database
  const user = await own.addUser()
  const [first, ...others] = [await own.signIn(user), await own.signIn(user), await own.signIn(user)]
  const expired = await own.signIn(user)
  await psql(`update session set "createdAt" = now() - interval '5 hours'`)
  await psql(`update session set expires = now() at time zone 'utc' - interval '4 hours' where id = $1`, [
    expired.id,
  ])
  const incident = await begin(own, { everyone: true })
  await psql('alter table incident disable trigger user')
  await psql(`update incident set started_at = now() - interval '3 hours'`)
  await psql('alter table incident enable trigger user')
  await own.signIn(user)
  const figures = async () => {
    const counted = await createOverview(own.database).figures('day')
    const of = (values: number[] | undefined) => values?.slice(-7)
    return [of(counted?.active), of(counted?.logins), of(counted?.revocations), counted?.external]
  }
  const expected = [[0, 3, 3, 0, 0, 0, 1], [0, 3, 0, 0, 0, 0, 1], [0, 0, 0, 3, 0, 0, 0], 0]
  // A session that was ended by an update of its expiry.
  await psql('delete from revoked_session')
  t.strictSame(await figures(), expected, 'all rows are still there')
  await psql('delete from session where id = $1', [first.id])
  t.strictSame(await figures(), expected, 'one is recorded')
  t.equal((await psql('select from session')).length, others.length + 2)
  t.ok(await carryOut(own.database, own.barrier, incident))
  t.strictSame(await figures(), expected, 'all are recorded')
})

t.test('long-ended sessions are left out, among a hundred thousand', async (t) => {
  await psql('delete from revoked_session')
  await psql(
    `insert into revoked_session (session_id, session_token, user_id, revoked_at, created_at, last_seen_at)
      select gen_random_uuid(), 'x' || n, 'old', now() - interval '30 days', now() - interval '40 days', now() - interval '30 days'
      from generate_series(1, 100000) n`,
  )
  await psql(
    `insert into revoked_session (session_id, session_token, user_id, created_at, last_seen_at)
      select gen_random_uuid(), 'y' || n, 'new', now() - interval '40 days', now() from generate_series(1, 5) n`,
  )
  const figures = await createOverview(database).figures('week')
  t.match(figures, { external: 5 })
  t.equal(
    figures?.revocations.reduce((a, b) => a + b, 0),
    5,
  )
})

t.test('no page waits for a slow count, and many concurrent views share one count', async (t) => {
  const overview = createOverview(database)
  await admin(database.url, async (client) => {
    await client.query('begin')
    await client.query('lock table replay in access exclusive mode')
    const looks = await Promise.all(Array.from({ length: 20 }, () => overview.figures('day')))
    t.ok(looks.every((figures) => figures === null))
    const waiting = await psql(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%replay%'`,
    )
    t.equal(waiting.length, 1)
    await client.query('rollback')
  })
  t.ok(await waitFor('the figures of the day', () => overview.figures('day')), 'the figures of the day')
})

t.test('figures are counted again only after half a minute', async (t) => {
  let now = 0
  const overview = createOverview(database, database, () => now)
  const first = await overview.figures('day')
  now += 29_000
  t.equal(await overview.figures('day'), first, 'not within half a minute')
  now += 2_000
  t.not(await overview.figures('day'), first)
})
