/** The state of a session and its end follow the same rule, by one table of cases. */
import { and, eq } from 'drizzle-orm'
import t from 'tap'
import { checkTokens } from '../../src/check/queries.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { findSession } from '../../src/sessions/queries.ts'
import { session } from '../../src/sessions/schema.ts'
import type { RowState } from '../../src/sessions/validity.ts'
import { endOf, isValid, stateNow } from '../../src/sessions/validity.ts'
import { testDatabase } from '../support/database.ts'

const database = await testDatabase()
const policy = { idleTimeoutSeconds: 7 * 86_400, maxAgeSeconds: 30 * 86_400 }

/** Seconds from now: of `expires`, of creation, of last use. */
const CASES: [state: RowState, expires: number, created: number, seen: number, why: string][] = [
  ['valid', 3600, -60, -60, 'used a minute ago'],
  ['valid', 1, -60, -60, 'a second before it expires'],
  ['expired', 0, -60, -60, 'at the instant it expires'],
  ['expired', -1, -60, -60, 'a second after'],
  ['valid', 3600, -30 * 86_400 + 1, -60, 'a second younger than the maximum age'],
  ['expired', 3600, -30 * 86_400, -60, 'exactly as old as the maximum age'],
  ['expired', 3600, -40 * 86_400, 0, 'older, though in use and with time left by `expires`'],
  ['valid', 3600, -8 * 86_400, -7 * 86_400 + 1, 'a second within the idle timeout'],
  ['idle', 3600, -8 * 86_400, -7 * 86_400, 'exactly at the idle timeout'],
  ['idle', 3600, -9 * 86_400, -8 * 86_400, 'a day beyond it'],
  ['expired', -1, -40 * 86_400, -40 * 86_400, 'past both bounds: expired is named before idle'],
  ['valid', 3600, 5, 5, 'a clock that was ahead: created in the future, within the allowed minute'],
]

t.test('the state of a session and its end agree, in every time zone', async (t) => {
  const now = new Date('2026-03-29T00:59:59.000Z') // an hour before summer time begins in Europe
  const end = endOf('session', { idleTimeout: '$4', maxAge: '$5', epoch: '$7' })
  for (const zone of ['UTC', 'Europe/Berlin', 'America/Los_Angeles', 'Asia/Kolkata']) {
    for (const [state, expires, created, seen, why] of CASES) {
      const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)
      const read = async (epoch: number) => {
        const [row] = await database.psql(
          `select session_state(expires, "createdAt", "lastSeenAt", epoch, $4, $5, $7, $6) as state, ${end} > $6 as ahead, zone
            from set_config('TimeZone', '${zone}', false) as zone,
              lateral (select $1::timestamp as expires, $2::timestamptz as "createdAt", $3::timestamptz as "lastSeenAt", 1 as epoch) session`,
          [
            at(expires).toISOString().replace('Z', ''),
            at(created),
            at(seen),
            policy.idleTimeoutSeconds,
            policy.maxAgeSeconds,
            now,
            epoch,
          ],
        )
        return row
      }
      t.strictSame(await read(1), { state, ahead: state === 'valid', zone }, `${why}, in ${zone}`)
      t.strictSame(await read(2), { state: 'revoked', ahead: false, zone }, `ended with its epoch: ${why}`)
    }
  }
})

t.test('without lifetimes a session is neither valid nor ended', async (t) => {
  for (const [idle, age] of [
    [null, null],
    [604_800, null],
    [null, 2_592_000],
  ]) {
    const [row] = await database.psql(
      `select session_ends_at(s.expires, now(), now(), 0, $1, $2, 0) as end, session_state(s.expires, now(), now(), 0, $1, $2, 0, now()) as state
        from (values ('infinity'::timestamp), ('2000-01-01')) as s (expires) group by 1, 2`,
      [idle, age],
    )
    t.strictSame(row, { end: null, state: null }, `idle timeout ${idle}, maximum age ${age}`)
  }
})

t.test('the predicate of the queries uses the database clock', async (t) => {
  await database.psql(`insert into "user" (id) values ('ada')`)
  for (const [i, [state, expires, created, seen, why]] of CASES.entries()) {
    if (Math.abs(expires) <= 1) continue // too close to now: the row may change before it is read
    await database.psql(
      `insert into session ("sessionToken", "userId", expires, "createdAt", "lastSeenAt") values ($1, 'ada',
       now() at time zone 'utc' + make_interval(secs => $2), now() + make_interval(secs => $3), now() + make_interval(secs => $4))`,
      [`hash-${i}`, expires, created, seen],
    )
    const [row] = await database.psql<{ id: string }>('select id from session where "sessionToken" = $1', [
      `hash-${i}`,
    ])
    const found = await database.run((db) =>
      db
        .select({ state: stateNow })
        .from(session)
        .where(and(eq(session.id, row?.id ?? ''))),
    )
    // A bound that was a second away may have passed by now; one that passed a second ago has not come back.
    const wanted = state === 'valid' && /a second/.test(why) ? undefined : state
    if (wanted) t.equal(found[0]?.state, wanted, why)
    const active = await database.run((db) =>
      db
        .select()
        .from(session)
        .where(and(eq(session.id, row?.id ?? ''), isValid)),
    )
    if (wanted) t.equal(active.length === 1, wanted === 'valid', why)
  }
})

t.test('a session ends at the earliest of its three bounds; infinite `expires` sets none', async (t) => {
  await database.psql('delete from session')
  const ends = async (expires: string, created: string, seen: string) => {
    const [{ now }] = (await database.psql(
      `insert into session ("sessionToken", "userId", expires, "createdAt", "lastSeenAt")
        values ($1, 'ada', ${expires}, now() - interval '${created}', now() - interval '${seen}') returning now()`,
      [hashToken(expires + created + seen)],
    )) as [{ now: Date }]
    const found = await database.run((db) => findSession(db, expires + created + seen))
    return Math.round(((found?.session.endsAt.getTime() ?? 0) - now.getTime()) / 1000) / 86_400
  }
  const inDays = (days: number) => `now() at time zone 'utc' + interval '${days} days'`
  t.equal(await ends(inDays(20), '25 days', '1 day'), 5, 'the maximum age comes first')
  t.equal(await ends(inDays(20), '25 days', '6 days'), 1, 'idle comes first')
  t.equal(await ends(inDays(2), '25 days', '1 day'), 2, '`expires` comes first')
  for (const expires of [`'infinity'`, `'294276-12-31'`, `'275760-09-14'`, `'10000-01-01'`])
    t.equal(await ends(expires, '25 days', '1 day'), 5, expires)
})

t.test('activity updates are frequent enough for sessions with a short idle timeout', async (t) => {
  for (const [idle, seen, due] of [
    [30, 5, false],
    [30, 9, true],
    [90, 20, false],
    [90, 24, true],
    [7 * 86_400, 50, false],
    [7 * 86_400, 61, true],
  ] as const) {
    await database.psql('update session_policy set idle_timeout_seconds = $1', [idle])
    await database.psql('delete from session')
    await database.psql(
      `insert into session ("sessionToken", "userId", expires, "lastSeenAt") values ($1, 'ada', now() at time zone 'utc' + interval '1 day', now() - make_interval(secs => $2))`,
      [hashToken('token'), seen],
    )
    const [checked] = await checkTokens(database.query, [hashToken('token')])
    t.equal(checked?.stale, due, `idle ${idle} s, seen ${seen} s ago`)
    const found = await database.run((db) => findSession(db, 'token'))
    t.equal(found?.stale, checked?.stale, 'both queries agree')
  }
})
