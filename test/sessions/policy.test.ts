/** One table of cases holds the SQL predicate and the pure function to the same rule. */
import { and, eq } from 'drizzle-orm'
import t from 'tap'
import { expiresAt, type RowState, sessionState } from '../../src/sessions/policy.ts'
import { hashToken } from '../../src/sessions/tokens.ts'
import { checkTokens } from '../../src/storage/checks.ts'
import { isValid, stateNow } from '../../src/storage/policy.ts'
import { session } from '../../src/storage/schema.ts'
import { findSession } from '../../src/storage/sessions.ts'
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
  ['expired', -1, -40 * 86_400, -40 * 86_400, 'over in every way: expiry is named first'],
  ['valid', 3600, 5, 5, 'a clock that was ahead: created in the future'],
]

t.test('the pure function and the SQL predicate agree on every case', async (t) => {
  const now = new Date('2026-03-29T00:59:59.000Z') // an hour before summer time begins in Europe
  for (const zone of ['UTC', 'Europe/Berlin', 'America/Los_Angeles', 'Asia/Kolkata']) {
    for (const [state, expires, created, seen, why] of CASES) {
      const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)
      const times = { expires: at(expires), createdAt: at(created), lastSeenAt: at(seen) }
      t.equal(sessionState(times, policy, now), state, `${why}: in TypeScript`)
      const [row] = await database.psql(
        `select session_state($1::timestamp, $2, $3, $4, $5, $6) as state, set_config('TimeZone', '${zone}', false)`,
        [
          times.expires.toISOString().replace('Z', ''),
          times.createdAt,
          times.lastSeenAt,
          policy.idleTimeoutSeconds,
          policy.maxAgeSeconds,
          now,
        ],
      )
      t.equal(row?.state, state, `${why}: in SQL, in ${zone}`)
    }
  }
})

t.test('the predicate of the queries judges rows by the database clock', async (t) => {
  await database.psql(`insert into "user" (id) values ('ada')`)
  for (const [i, [state, expires, created, seen, why]] of CASES.entries()) {
    if (Math.abs(expires) <= 1) continue // too close to now for a row that waits to be read
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
    // A second within a bound has passed by now; a second beyond it has not come back.
    const wanted = state === 'valid' && /a second/.test(why) ? undefined : state
    if (wanted) t.equal(found[0]?.state, wanted, why)
    const living = await database.run((db) =>
      db
        .select()
        .from(session)
        .where(and(eq(session.id, row?.id ?? ''), isValid)),
    )
    if (wanted) t.equal(living.length === 1, wanted === 'valid', why)
  }
})

t.test('a session ends at the earliest of its three bounds', async (t) => {
  const now = new Date()
  const day = 86_400_000
  const at = (ms: number) => new Date(now.getTime() + ms)
  const times = { expires: at(20 * day), createdAt: at(-25 * day), lastSeenAt: at(-1 * day) }
  t.same(expiresAt(times, policy), at(5 * day), 'the maximum age comes first')
  t.same(expiresAt({ ...times, lastSeenAt: at(-6 * day) }, policy), at(1 * day), 'idle comes first')
  t.same(expiresAt({ ...times, expires: at(1000) }, policy), at(1000), '`expires` comes first')
  t.same(expiresAt({ ...times, expires: new Date(Number.NaN) }, policy), at(5 * day), 'infinity does not')
})

t.test('a session in constant use outlives a short idle timeout: touches come often enough', async (t) => {
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
