/**
 * The contract of `Sessions`, from the user's point of view. `createClient` and `createDatabaseSessions` both
 * run it, next to an instance in leased mode: a session that ends here is refused there.
 */
import { NotSignedOutError, ServiceError, type Sessions, UndecidedError } from '@global-logout/client'
import type { Test } from 'tap'
import { duringOutage } from '../support/database-outage.ts'
import type { Service } from '../support/service.ts'
import { untilDecided } from '../support/until-decided.ts'
import { waitFor } from '../support/within.ts'

export interface Subject {
  sessions: Sessions
  /** Another instance in leased mode, on the same database. */
  leased: Service
  /** Writes the pending activity updates. */
  flush(): Promise<void>
}

const UNKNOWN = ['unknown', 'x'.repeat(513), '', 'a b']
const DAYS_AGO = `now() - interval '2 days'`

export async function sessionsSuite(t: Test, { sessions, leased, flush }: Subject): Promise<void> {
  const { psql } = leased.database
  let users = 0
  const newUser = () => `ada-${++users}-${crypto.randomUUID()}`
  const signIn = async (id = newUser(), rest: object = {}) => {
    const made = await sessions.create({
      user: { id },
      userAgent: 'Phone',
      ipAddress: '203.0.113.7',
      ...rest,
    })
    return { ...made, id, request: bearer(made.token) }
  }
  /** Whether a session is valid, asserted to be the same here and in the cache of the other instance. */
  const isValid = async ({ token, request }: { token: string; request: ReturnType<typeof bearer> }) => {
    const [here, there] = [(await sessions.check(request)) !== null, (await leased.check(token)) === 200]
    t.equal(here, there, 'the same answer from both')
    return here
  }
  const notSignedOut = { name: 'NotSignedOutError', status: 401, code: 'invalid_token' }

  await t.test(
    'a signed-in user is found by token and by cookie, with the dates of the session',
    async (t) => {
      const id = newUser()
      const made = await sessions.create({
        user: { id, name: 'Ada', email: 'ada@example.com' },
        userAgent: 'Phone',
      })
      t.match(made.token, /^[\w-]{43}$/)
      t.match(made.cookie, {
        name: /authjs.session-token$/,
        attributes: { path: '/', httpOnly: true, sameSite: 'lax' },
      })
      const identity = await sessions.check(bearer(made.token))
      t.match(identity, { userId: id, sessionId: made.sessionId })
      t.ok(identity && Math.abs(identity.createdAt.getTime() - Date.now()) < 60_000)
      t.same(identity?.authTime, identity?.createdAt)
      const [row] = await psql<{ ends: Date; expires: Date; name: string }>(
        `select session_ends_at(expires, "createdAt", "lastSeenAt", s.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch) as ends,
        expires at time zone 'utc' as expires, u.name from session s join "user" u on u.id = s."userId", session_policy p where s.id = $1`,
        [made.sessionId],
      )
      // Over HTTP the dates are in whole seconds.
      t.equal(seconds(identity?.expiresAt), seconds(row?.ends))
      t.equal(seconds(made.expiresAt), seconds(row?.expires))
      t.equal(row?.name, 'Ada')
      const cookie = `theme=dark; ${made.cookie.name}=${made.token}`
      for (const request of [
        { headers: { cookie } },
        { headers: { Cookie: cookie.split('; ') } },
        { headers: new Headers({ cookie }) },
        new Request('http://app/', { headers: { authorization: `bearer ${made.token}` } }),
      ])
        t.match(await sessions.check(request), { userId: id })
    },
  )

  await t.test('an omitted field of the user is kept, and null removes it', async (t) => {
    const id = newUser()
    await sessions.create({ user: { id, name: 'Ada', email: 'a@example.com' } })
    await sessions.create({ user: { id, name: null, image: 'ada.png' } })
    t.same(await psql('select name, email, image from "user" where id = $1', [id]), [
      { name: null, email: 'a@example.com', image: 'ada.png' },
    ])
  })

  await t.test('the session that a sign-in replaces ends everywhere', async (t) => {
    const before = await signIn()
    t.ok(await isValid(before))
    const after = await signIn(before.id, { replaces: before.token })
    t.notOk(await isValid(before))
    t.ok(await isValid(after))
    t.ok(await isValid(await signIn(before.id, { replaces: 'never existed' })), 'no session to replace')
  })

  await t.test('a logout ends the sessions of its scope, everywhere, and lists them', async (t) => {
    for (const [scope, ended] of [
      ['local', [true, false, false]],
      ['others', [false, true, true]],
      ['global', [true, true, true]],
    ] as const) {
      const phone = await signIn()
      const devices = [phone, await signIn(phone.id), await signIn(phone.id)]
      const stranger = await signIn()
      for (const device of devices) t.ok(await isValid(device))
      const { revoked, operationId } = await sessions.logout(phone.request, { scope })
      t.same(
        await Promise.all(devices.map(isValid)),
        ended.map((over) => !over),
        scope,
      )
      t.ok(await isValid(stranger))
      t.same(
        new Set(revoked.map(({ id }) => id)),
        new Set(devices.filter((_, n) => ended[n]).map(({ sessionId }) => sessionId)),
      )
      for (const session of revoked)
        t.match(session, { userAgent: 'Phone', ipAddress: '203.0.113.7', createdAt: Date, lastSeenAt: Date })
      t.match(
        await psql('select kind, scope, actor_kind, actor_id, revoked_count from operation where id = $1', [
          operationId,
        ]),
        [{ kind: 'logout', scope, actor_kind: 'user', actor_id: phone.id, revoked_count: revoked.length }],
      )
    }
  })

  await t.test(
    'the default scope is local; the device and address of the request are recorded',
    async (t) => {
      const phone = await signIn()
      const other = await signIn(phone.id)
      const headers = { ...phone.request.headers, 'user-agent': 'Laptop' }
      const { operationId } = await sessions.logout({ headers, ip: '198.51.100.66' })
      t.ok(await isValid(other))
      t.match(
        await psql('select user_agent, host(ip_address) as ip from operation where id = $1', [operationId]),
        [{ user_agent: 'Laptop', ip: '198.51.100.66' }],
      )
    },
  )

  await t.test('a logout may be repeated, and never reports more than it ended', async (t) => {
    const phone = await signIn()
    const laptop = await signIn(phone.id)
    const first = await sessions.logout(phone.request)
    t.match(await sessions.logout(phone.request), {
      revokedCount: 0,
      revoked: [],
      operationId: first.operationId,
    })
    for (const scope of ['global', 'others'] as const)
      await t.rejects(sessions.logout(phone.request, { scope }), notSignedOut, scope)
    t.ok(await isValid(laptop))
    const all = await sessions.logout(laptop.request, { scope: 'global' })
    t.match(await sessions.logout(laptop.request, { scope: 'others' }), {
      revoked: [],
      operationId: all.operationId,
    })
  })

  await t.test('of two concurrent logouts both succeed, and each session ends once', async (t) => {
    const phone = await signIn()
    const laptop = await signIn(phone.id)
    const [a, b] = await Promise.all(
      [phone, laptop].map(({ request }) => sessions.logout(request, { scope: 'global' })),
    )
    t.equal((a?.revokedCount ?? 0) + (b?.revokedCount ?? 0), 2)
    t.notOk(await isValid(phone))
    t.notOk(await isValid(laptop))
  })

  await t.test('a request without a session identifies no user, and signs no user out', async (t) => {
    const { token, cookie, ...user } = await signIn()
    const other = await signIn(user.id)
    const requests = [
      { headers: {} },
      { headers: { cookie: 'theme=dark' } },
      { headers: { cookie: `${cookie.name}=` } },
      { headers: { cookie: `${cookie.name}=${token}; ${cookie.name}=${other.token}` } },
      { headers: { cookie: `${cookie.name}=%zz` } },
      { headers: { authorization: `Basic ${token}` } },
      { headers: { authorization: `Bearer ${token}, Bearer ${other.token}` } },
      ...UNKNOWN.map(bearer),
    ]
    for (const request of requests) {
      const what = JSON.stringify(request).slice(0, 80)
      t.equal(await sessions.check(request), null, what)
      for (const scope of ['local', 'others', 'global'] as const) {
        const error = await sessions.logout(request, { scope }).catch((error) => error)
        t.ok(error instanceof NotSignedOutError, what)
        t.match(error, notSignedOut)
      }
    }
    t.ok(await isValid({ token, request: bearer(token) }))
  })

  await t.test('of several session cookies, a valid one is used, and a sign-out ends all', async (t) => {
    const cookies = (...pairs: string[]) => ({ headers: { cookie: pairs.join('; ') } })
    const [ada, bea, elsewhere] = [await signIn(), await signIn(), await signIn()]
    const [first, second] = ['authjs.session-token', 'next-auth.session-token']
    const beaToo = await signIn(bea.id)
    const both = cookies(`${second}=${bea.token}`, `${first}=${ada.token}`)
    t.match(await sessions.check(both), { sessionId: ada.sessionId }, 'the first listed name')
    await sessions.logout(both, { scope: 'others' })
    t.ok((await isValid(ada)) && (await isValid(bea)))
    const { revoked } = await sessions.logout(both)
    t.same(new Set(revoked.map(({ id }) => id)), new Set([ada.sessionId, bea.sessionId]))
    t.notOk((await isValid(ada)) || (await isValid(bea)))
    t.ok(await isValid(beaToo), 'in this browser only')

    // The first was ended by a global sign-out, which says nothing about the user of the second.
    const old = await signIn()
    await sessions.logout(old.request, { scope: 'global' })
    const rolledBack = cookies(`${first}=${old.token}`, `${second}=${beaToo.token}`)
    const beaAgain = await signIn(bea.id)
    t.match(await sessions.check(rolledBack), { sessionId: beaToo.sessionId }, 'the first has ended')
    t.match(
      await sessions.check(cookies(`${first}=unknown`, `${second}=${beaToo.token}`)),
      { sessionId: beaToo.sessionId },
      'or is unknown',
    )
    t.equal(await sessions.check(cookies(`${first}=unknown`, `${second}=${old.token}`)), null)
    await sessions.logout(rolledBack, { scope: 'global' })
    t.notOk((await isValid(beaToo)) || (await isValid(beaAgain)))

    const differing = cookies(`${first}=${ada.token}`, `${first}=x`, `${second}=${elsewhere.token}`)
    t.equal(await sessions.check(differing), null, 'if two values of the first name differ, none is used')
    await t.rejects(sessions.logout(differing), notSignedOut)
    t.ok(await isValid(elsewhere))
  })

  await t.test('an expired or idle session is refused', async (t) => {
    for (const [why, change] of [
      ['idle', `"lastSeenAt" = now() - interval '8 days'`],
      ['too old', `"createdAt" = now() - interval '31 days'`],
      ['expired', `expires = now() at time zone 'utc' - interval '1 second'`],
    ] as const) {
      const session = await signIn()
      await psql(`update session set ${change} where id = $1`, [session.sessionId])
      t.equal(await sessions.check(session.request), null, why)
      t.match(
        await sessions.logout(session.request),
        { revoked: [] },
        'it has expired, so it counts as signed out',
      )
      await t.rejects(sessions.logout(session.request, { scope: 'global' }), notSignedOut)
    }
  })

  await t.test(
    'a request extends a session, a prefetch or polling does not; each updates last seen',
    async (t) => {
      const uses: [string, Record<string, string>, boolean][] = [
        ['a use', {}, true],
        ['polling', { 'x-session-activity': 'none' }, false],
        ['a prefetch', { 'sec-purpose': 'prefetch;prerender' }, false],
      ]
      for (const [what, headers, extends_] of uses) {
        const { sessionId, request } = await signIn()
        await psql(`update session set "lastSeenAt" = ${DAYS_AGO} where id = $1`, [sessionId])
        t.ok(await sessions.check({ headers: { ...request.headers, ...headers } }), what)
        await flush()
        const [row] = await psql(
          `select "lastSeenAt" > ${DAYS_AGO} + interval '1 hour' as extended,
          greatest("lastSeenAt", "passiveAt") > now() - interval '1 hour' as seen from session where id = $1`,
          [sessionId],
        )
        t.same(row, { extended: extends_, seen: true }, what)
        t.ok(await sessions.check(request))
      }
    },
  )

  await t.test('a locked user cannot sign in, and gets the reason', async (t) => {
    const { id, ...session } = await signIn()
    await psql(`insert into user_lock (user_id, reason) values ($1, 'test')`, [id])
    const error = await sessions.create({ user: { id } }).catch((error) => error)
    t.ok(error instanceof ServiceError)
    t.match(error, { status: 403, code: 'user_locked' })
    t.ok(await isValid(session), 'a lock alone ends no session')
  })

  await t.test('a deleted user is signed out everywhere; the lock and the record stay', async (t) => {
    const phone = await signIn()
    const laptop = await signIn(phone.id)
    t.ok(await isValid(phone))
    await psql(`insert into user_lock (user_id, reason) values ($1, 'test')`, [phone.id])
    await sessions.removeUser(phone.id)
    t.notOk(await isValid(phone))
    t.notOk(await isValid(laptop))
    t.same(await psql('select from "user" where id = $1', [phone.id]), [])
    const recorded = () =>
      psql(`select kind, revoked_count from operation where user_id = $1 and kind <> 'user.lock'`, [phone.id])
    t.same(await recorded(), [{ kind: 'user.delete', revoked_count: 2 }])
    await sessions.removeUser(phone.id)
    t.equal((await recorded()).length, 1, 'repeating it succeeds, and records nothing')
    await t.rejects(sessions.create({ user: { id: phone.id } }), { code: 'user_locked' })
    await sessions.removeUser(newUser())
  })

  await t.test('invalid input is refused without effect', async (t) => {
    const id = newUser()
    const create = (session: object) => sessions.create(session as Parameters<Sessions['create']>[0])
    for (const user of [undefined, {}, { id: '' }, { id: 7 }]) await t.rejects(create({ user }), TypeError)
    for (const session of [
      { user: { id: 'a\0b' } },
      { user: { id, name: 'a\0b' } },
      { user: { id, name: 7 } },
      { user: { id: 'x'.repeat(1025) } },
      { user: { id }, ipAddress: '1.2.3' },
    ]) {
      const error = await create(session).catch((error) => error)
      t.ok(error instanceof ServiceError)
      t.match(error, { status: 400, code: 'invalid_request' })
    }
    t.same(await psql('select from session where "userId" = $1', [id]), [])
    const session = await signIn(id)
    const everything = { scope: 'everything' as 'global' }
    await t.rejects(sessions.logout(session.request, everything), { name: 'NotSignedOutError', status: 400 })
    await t.rejects(sessions.removeUser(''), TypeError)
    await t.rejects(sessions.removeUser('a\0b'), { name: 'NotSignedOutError', status: 400 })
    t.ok(await isValid(session))
  })

  await t.test('a database outage signs no user out, and no sign-out is reported', async (t) => {
    const { request, id, ...session } = await signIn()
    await duringOutage(leased, async () => {
      const undecided = await sessions.check(request).catch((error) => error)
      t.ok(undecided instanceof UndecidedError)
      t.match(undecided, { status: 503, retryAfterSeconds: Number })
      for (const end of [
        () => sessions.logout(request, { scope: 'global' }),
        () => sessions.removeUser(id),
      ]) {
        const error = await end().catch((error) => error)
        t.ok(error instanceof NotSignedOutError)
        t.match(error, { status: 503, code: 'unavailable' })
      }
      await t.rejects(sessions.create({ user: { id } }), {
        name: 'ServiceError',
        status: 503,
        code: 'unavailable',
      })
      t.equal(await sessions.check({ headers: {} }), null, 'a request without credentials is null even then')
    })
    await waitFor('an answer after the outage', () => sessions.check(request).catch(() => null))
    t.ok((await sessions.check(request))?.sessionId === session.sessionId, 'the session is still valid')
  })

  await t.test(
    'eight loops of checks and one logout: no check that starts after the logout succeeds',
    async (t) => {
      // Each round is a global logout. Every check is due to be recorded, and none may revive the session.
      for (let round = 0; round < 5; round++) {
        const phone = await signIn()
        const laptop = await signIn(phone.id)
        await psql(`update session set "lastSeenAt" = ${DAYS_AGO} where "userId" = $1`, [phone.id])
        let loggedOut = false
        let wrong = 0
        let right = 0
        const loop = async () => {
          for (let after = 0; after < 3; ) {
            const began = loggedOut
            const identity = await untilDecided(() => sessions.check(laptop.request))
            if (began) after++
            if (began && identity) wrong++
            if (identity) right++
          }
        }
        const loops = Array.from({ length: 8 }, loop)
        await waitFor('the checks to run', () => right > 8)
        await untilDecided(() => sessions.logout(phone.request, { scope: 'global' }))
        loggedOut = true
        await Promise.all(loops)
        await flush()
        t.equal(wrong, 0)
        t.notOk(await isValid(laptop), 'it stays ended')
        t.same(await psql('select from session where "userId" = $1', [phone.id]), [])
      }
    },
  )
}

export function bearer(token: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${token}` } }
}

const seconds = (at: Date | undefined) => Math.floor((at?.getTime() ?? Number.NaN) / 1000)
