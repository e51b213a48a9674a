/** The adapter, on the driver of the test file that imports this: one with the stock adapter wherever Auth.js can tell, and what it promises beyond it. */

import type { Adapter } from '@auth/core/adapters'
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { GlobalLogoutAdapter } from '@global-logout/authjs/drizzle'
import fc from 'fast-check'
import pg from 'pg'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { findSession } from '../../src/sessions/queries.ts'
import { generateSessionToken } from '../../src/sessions/tokens.ts'
import { testDatabase } from '../support/database.ts'
import '../support/seed.ts'
import { servicesOn } from '../support/service.ts'
import { applicationDatabase, openTransaction } from './application.ts'
import { adapterContract, inDays, newAccount } from './contract-suite.ts'

const database = await testDatabase()
const stockDatabase = await testDatabase()
const { psql } = database
const adapter = GlobalLogoutAdapter(applicationDatabase(database)) as Required<Adapter>
const stockAdapter = DrizzleAdapter(applicationDatabase(stockDatabase)) as Required<Adapter>
const { sessions: service } = servicesOn(database.url)
const origin = { userAgent: null, ipAddress: null }
/** Random orders of calls; each takes some hundred queries. */
const RUNS = 15
/** Looks on while the others wait for each other. */
const observer = new pg.Client({ connectionString: database.url })
await observer.connect()
t.teardown(() => observer.end())

t.test('the contract of Auth.js, as the stock adapter keeps it', async (t) =>
  adapterContract(t, { adapter: stockAdapter, database: stockDatabase, stored: (token) => token }),
)
t.test('the contract of Auth.js, as ours keeps it', async (t) =>
  adapterContract(t, { adapter, database, stored: hashToken }),
)

t.test('any calls in any order get the same answers from both', async (t) => {
  const pick = (...values: string[]) => fc.constantFrom(...values)
  const token = pick('phone', 'laptop', 'tablet')
  const who = fc.nat(2)
  const days = fc.integer({ min: 1, max: 29 })
  const link = pick('account 1', 'account 2')
  const call = fc.oneof(
    fc.record({ name: fc.constant('createUser' as const), email: pick('a@example.com', 'b@example.com') }),
    fc.record({ name: fc.constant('updateUser' as const), who, label: pick('Ada', 'Eve') }),
    fc.record({ name: fc.constant('deleteUser' as const), who }),
    fc.record({ name: fc.constant('createSession' as const), who, token, days }),
    fc.record({ name: fc.constant('createSession' as const), who, token, days }),
    fc.record({ name: fc.constant('getSessionAndUser' as const), token }),
    fc.record({ name: fc.constant('updateSession' as const), token, days }),
    fc.record({ name: fc.constant('deleteSession' as const), token }),
    fc.record({ name: fc.constant('linkAccount' as const), who, link }),
    fc.record({ name: fc.constant('unlinkAccount' as const), link }),
    fc.record({ name: fc.constant('getUserByAccount' as const), link }),
  )
  type Call = typeof call extends fc.Arbitrary<infer T> ? T : never
  const start = Date.now()
  const before: Call[] = [
    { name: 'createUser', email: 'c@example.com' },
    { name: 'createUser', email: 'd@example.com' },
    { name: 'createSession', who: 0, token: 'phone', days: 7 },
    { name: 'createSession', who: 1, token: 'laptop', days: 7 },
    { name: 'getSessionAndUser', token: 'phone' },
    { name: 'getSessionAndUser', token: 'laptop' },
  ]

  /** The answers of an adapter, with users named by the order in which they came. */
  async function answers(to: Required<Adapter>, calls: Call[]): Promise<unknown[]> {
    const users: string[] = []
    const expires = (days: number) => new Date(start + days * 86_400_000)
    const account = (link: string, userId = '') => ({
      ...newAccount(userId),
      ...fixedAccount,
      providerAccountId: link,
    })
    const ask = async (call: Call): Promise<unknown> => {
      const userId = 'who' in call ? (users[call.who] ?? 'nobody') : ''
      switch (call.name) {
        case 'createUser': {
          const user = await to.createUser({ id: '', email: call.email, emailVerified: null })
          users.push(user.id)
          return user
        }
        case 'updateUser':
          return to.updateUser({ id: userId, name: call.label })
        case 'deleteUser':
          return to.deleteUser(userId)
        case 'createSession':
          return to.createSession({ userId, sessionToken: call.token, expires: expires(call.days) })
        case 'getSessionAndUser':
          return to.getSessionAndUser(call.token)
        case 'updateSession':
          return to.updateSession({ sessionToken: call.token, expires: expires(call.days) })
        case 'deleteSession':
          return to.deleteSession(call.token)
        case 'linkAccount':
          return to.linkAccount(account(call.link, userId))
        case 'unlinkAccount':
          return to.unlinkAccount(account(call.link))
        case 'getUserByAccount':
          return to.getUserByAccount(account(call.link))
      }
    }
    const given: unknown[] = []
    for (const call of calls)
      given.push(await ask(call).catch((error) => ({ refused: error.cause?.code ?? error.message })))
    const text = users.reduce((text, id, n) => text.replaceAll(id, `user ${n}`), JSON.stringify(given))
    return JSON.parse(text)
  }

  let sessionsFound = 0
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 20, maxLength: 40 }), async (random) => {
      const calls = [...before, ...random]
      for (const each of [database, stockDatabase]) await each.psql('delete from "user"')
      const [ours, theirs] = await Promise.all([answers(adapter, calls), answers(stockAdapter, calls)])
      t.strictSame(ours, theirs) || t.fail(JSON.stringify(calls))
      sessionsFound += calls.filter(({ name }, n) => name === 'getSessionAndUser' && ours[n]).length
    }),
    { numRuns: RUNS, endOnFailure: true },
  )
  t.ok(sessionsFound >= 2 * RUNS, `the calls found active sessions ${sessionsFound} times`)
})
const fixedAccount = { refresh_token: 'r', access_token: 'a', id_token: 'i', session_state: 's' }

t.test('a thief of the whole database finds no token in it, and what they find opens nothing', async (t) => {
  const { token, session, userId } = await signIn()
  t.strictSame(await adapter.createSession({ ...session, sessionToken: `${token}2` }), {
    ...session,
    sessionToken: `${token}2`,
  })
  await adapter.getSessionAndUser(token)
  await adapter.updateSession({ sessionToken: token, expires: inDays(20) })
  await adapter.deleteSession(token)
  await adapter.deleteSession('unknown-but-secret')

  const dump = await wholeDatabase()
  t.ok(dump.includes(hashToken(token)), 'the dump is a dump: the tombstone of the token is in it')
  t.ok(dump.includes(userId))
  t.notOk(dump.includes(token), 'no token, neither of a active session nor of an ended one')
  t.notOk(dump.includes('unknown-but-secret'))

  const [row] = await psql('select "sessionToken" as stored from session where "userId" = $1', [userId])
  t.equal(row?.stored, hashToken(`${token}2`))
  t.match(row?.stored, /^[A-Za-z0-9_-]{43}$/)
  t.equal(await adapter.getSessionAndUser(row?.stored), null)
  t.notOk(await adapter.updateSession({ sessionToken: row?.stored, expires: inDays(20) }))
  await adapter.deleteSession(row?.stored)
  t.ok(await adapter.getSessionAndUser(`${token}2`))
})

t.test('tokens offered to Auth.js have 256 bits and do not repeat', async (t) => {
  const tokens = Array.from({ length: 1000 }, generateSessionToken)
  t.equal(new Set(tokens).size, 1000)
  t.ok(tokens.every((token) => Buffer.from(token, 'base64url').length === 32))
})

t.test('a session that is over is over for Auth.js too, and its sliding update moves nothing', async (t) => {
  const ways = {
    expired: `expires = now() at time zone 'utc' - interval '1 second'`,
    idle: `"lastSeenAt" = now() - interval '7 days'`,
    'too old': `"createdAt" = now() - interval '30 days'`,
    'handed a future by psql after it was over': `"createdAt" = now() - interval '31 days', expires = now() + interval '1 year'`,
  }
  for (const [name, how] of Object.entries(ways)) {
    const { token, session } = await signIn()
    await psql(`update session set ${how} where "sessionToken" = $1`, [hashToken(token)])
    const before = await rowOf(token)
    t.equal(await adapter.getSessionAndUser(token), null, name)
    for (const expires of [inDays(30), new Date(before?.expires.getTime() - 60_000), undefined]) {
      t.notOk(await adapter.updateSession({ sessionToken: token, ...(expires && { expires }) }), name)
      t.notOk(await adapter.updateSession({ ...session, ...(expires && { expires }) }), name)
    }
    t.strictSame(await rowOf(token), before, `${name}: the row is as it was`)
    t.equal(await database.run((db) => findSession(db, token)), null, name)
  }
})

t.test('a session never changes hands', async (t) => {
  const { token, session } = await signIn()
  const eve = await newUser()
  t.notOk(await adapter.updateSession({ sessionToken: token, userId: eve, expires: inDays(20) }))
  t.strictSame((await adapter.getSessionAndUser(token))?.session, session)
})

t.test('a sign-out leaves one revocation, which names its operation', async (t) => {
  const { token, userId } = await signIn()
  const row = await rowOf(token)
  await adapter.deleteSession(token)
  t.match(await revocationsOf(userId), [{ session_id: row?.id, session_token: hashToken(token) }])
  t.match(await operationsOf(userId), [
    {
      id: (await revocationsOf(userId))[0]?.operation_id,
      kind: 'authjs.signout',
      scope: 'local',
      actor_kind: 'user',
      actor_id: userId,
      actor_session_id: row?.id,
      revoked_count: 1,
    },
  ])
  t.match(await service.tokenStatus(token), { state: 'revoked', operation: { kind: 'authjs.signout' } })
})

t.test('tidying up a dead or unknown session is no sign-out', async (t) => {
  const { token, userId } = await signIn()
  await psql(`update session set "lastSeenAt" = now() - interval '8 days' where "userId" = $1`, [userId])
  const [before] = await psql('select count(*) from operation')
  // The update ended a active session; what counts is that the deletion adds nothing.
  const revocations = await revocationsOf(userId)
  await adapter.deleteSession(token)
  await adapter.deleteSession(token)
  await adapter.deleteSession('nobody-has-this')
  t.equal(await rowOf(token), undefined)
  t.strictSame(await revocationsOf(userId), revocations)
  t.strictSame(await psql('select count(*) from operation'), [before])
})

t.test('of many sign-outs at once with one token, one is the sign-out', async (t) => {
  const { token, userId } = await signIn()
  await Promise.all(Array.from({ length: 8 }, () => adapter.deleteSession(token)))
  t.equal((await revocationsOf(userId)).length, 1)
  t.equal((await operationsOf(userId)).length, 1)
})

t.test('deleting a user revokes every active session', async (t) => {
  const { userId, token, session } = await signIn()
  await adapter.createSession({ ...session, sessionToken: `${token}2` })
  await adapter.deleteUser(userId)
  t.same(
    (await revocationsOf(userId)).map((row) => row.session_token).sort(),
    [hashToken(token), hashToken(`${token}2`)].sort(),
  )
  t.equal((await service.tokenStatus(token)).state, 'revoked')
})

t.test('a session that is created again with an ended token is another session, and lives', async (t) => {
  const { token, session, userId } = await signIn()
  const before = await rowOf(token)
  await adapter.deleteSession(token)
  await adapter.createSession(session)
  t.strictSame((await adapter.getSessionAndUser(token))?.session, session)
  const again = await database.run((db) => findSession(db, token))
  t.equal(again?.user.id, userId)
  t.not(again?.session.id, before?.id)
})

t.test('use is recorded at most once a minute', async (t) => {
  const { token } = await signIn()
  const seen = (ago: string) =>
    psql(`update session set "lastSeenAt" = now() - interval '${ago}' where "sessionToken" = $1`, [
      hashToken(token),
    ])

  await seen('50 seconds')
  const fresh = await rowOf(token)
  await adapter.getSessionAndUser(token)
  t.strictSame(await rowOf(token), fresh, 'not written at all')

  await seen('61 seconds')
  const [before] = await psql('select now()')
  await Promise.all(Array.from({ length: 8 }, () => adapter.getSessionAndUser(token)))
  const touched = await rowOf(token)
  t.ok(touched?.lastSeenAt >= before?.now)

  await adapter.getSessionAndUser(token)
  t.strictSame(await rowOf(token), touched)
})

t.test('somebody who holds the row keeps nobody waiting who only shows their session', async (t) => {
  const { token, userId } = await signIn()
  await psql(`update session set "lastSeenAt" = now() - interval '1 hour' where "userId" = $1`, [userId])
  const holder = await openTransaction(database)
  await holder.query('select from session where "userId" = $1 for update', [userId])
  t.equal((await adapter.getSessionAndUser(token))?.user.id, userId)
  await holder.commit()
})

t.test('a database that takes no writes still answers who is signed in', async (t) => {
  const { token, userId } = await signIn()
  await psql(`update session set "lastSeenAt" = now() - interval '1 hour' where "userId" = $1`, [userId])
  const replica = applicationDatabase(database, '-c default_transaction_read_only=on')
  t.equal((await GlobalLogoutAdapter(replica).getSessionAndUser?.(token))?.user.id, userId)
})

t.test('a sliding update that meets a logout half-way finds nothing to move', async (t) => {
  const { token, userId } = await signIn()
  const logout = await openTransaction(database)
  await logout.query('delete from session where "userId" = $1', [userId])
  const update = adapter.updateSession({ sessionToken: token, expires: inDays(30) })
  await logout.keepsSomebodyWaiting()
  await logout.commit()
  t.notOk(await update)
  t.equal(await rowOf(token), undefined)
})

t.test('a logout that meets a sliding update half-way ends what was moved', async (t) => {
  const { token } = await signIn()
  const update = await openTransaction(database)
  await update.query(`update session set expires = expires + interval '1 day' where "sessionToken" = $1`, [
    hashToken(token),
  ])
  const logout = service.logout(token, 'global', origin)
  await update.keepsSomebodyWaiting()
  await update.commit()
  t.equal((await logout).revoked.length, 1)
  t.equal(await adapter.getSessionAndUser(token), null)
})

t.test('a sign-out succeeds beside a touch, whatever isolation the application has by default', async (t) => {
  for (const isolation of ['read committed', 'repeatable read', 'serializable']) {
    const options = `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`
    const strict = GlobalLogoutAdapter(applicationDatabase(database, options))
    const { token, userId } = await signIn()
    const touch = await openTransaction(database)
    await touch.query('update session set "lastSeenAt" = now() where "userId" = $1', [userId])
    const signOut = strict.deleteSession?.(token)
    await touch.keepsSomebodyWaiting()
    await touch.commit()
    await t.resolves(Promise.resolve(signOut), isolation)
    t.equal(await adapter.getSessionAndUser(token), null)
    t.equal((await revocationsOf(userId)).length, 1)
  }
})

t.test('a sign-out waits for the disk, even where the application does not', async (t) => {
  const hasty = GlobalLogoutAdapter(applicationDatabase(database, '-c synchronous_commit=off'))
  const { token, userId } = await signIn()
  // What the setting is at the moment of the deletion, told by a trigger that lasts for this test.
  await psql(`create table seen (value text);
    create function see() returns trigger language plpgsql as
      $$ begin insert into seen values (current_setting('synchronous_commit')); return null; end $$;
    create trigger see after delete on session for each statement execute function see()`)
  await hasty.deleteSession?.(token)
  t.strictSame(await psql('select value from seen'), [{ value: 'on' }])
  await psql('drop table seen; drop function see() cascade')
  t.equal((await revocationsOf(userId)).length, 1)
})

t.test('Auth.js at work on a session that is ended meanwhile never brings it back', async (t) => {
  const ROUNDS = 150
  const ends: Record<string, (token: string) => Promise<unknown>> = {
    'a global logout': (token) => service.logout(token, 'global', origin),
    'a sign-out of Auth.js': async (token) => adapter.deleteSession(token),
    'the end of the account': async (token) => {
      const found = await service.find(token)
      if (found) await adapter.deleteUser(found.user.id)
    },
  }
  for (const [name, end] of Object.entries(ends)) {
    const survivors: string[] = []
    const users: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const { token, userId } = await signIn()
      users.push(userId)
      await observer.query(
        `update session set "lastSeenAt" = now() - interval '1 hour' where "userId" = $1`,
        [userId],
      )
      const work = (n: number) =>
        n % 2
          ? adapter.getSessionAndUser(token)
          : adapter.updateSession({ sessionToken: token, expires: inDays(8 + n) })
      await Promise.all([work(0), work(1), work(2), end(token), work(3), work(4)])
      const dead =
        (await adapter.getSessionAndUser(token)) === null &&
        !(await adapter.updateSession({ sessionToken: token, expires: inDays(30) })) &&
        (await database.run((db) => findSession(db, token))) === null
      if (!dead) survivors.push(token)
    }
    t.strictSame(survivors, [], `${name}, ${ROUNDS} times`)
    const [counted] = await psql<{ rows: number; revoked: number }>(
      `select (select count(*)::int from session where "userId" = any ($1)) as rows,
        (select count(distinct session_id)::int from revoked_session where user_id = any ($1)) as revoked`,
      [users],
    )
    t.strictSame(counted, { rows: 0, revoked: ROUNDS }, name)
  }
})

t.test('a login is recorded with its device, and one that tells nonsense gets in all the same', async (t) => {
  const devices = [
    [{ userAgent: 'Firefox', ipAddress: '203.0.113.7' }, 'Firefox', '203.0.113.7'],
    [{ userAgent: 'Firefox', ipAddress: '::ffff:203.0.113.7' }, 'Firefox', '203.0.113.7'],
    [{ userAgent: 'Safari', ipAddress: '2001:db8::7' }, 'Safari', '2001:db8::7'],
    [{ userAgent: 'Safari', ipAddress: 'fe80::7%eth0' }, 'Safari', 'fe80::7'],
    [{ userAgent: 'a'.repeat(9000), ipAddress: '203.0.113.7, 10.0.0.1' }, 'a'.repeat(512), null],
    [{ userAgent: null, ipAddress: 'unknown' }, null, null],
    [{}, null, null],
  ] as const
  for (const [device, userAgent, ipAddress] of devices) {
    const telling = GlobalLogoutAdapter(applicationDatabase(database), undefined, {
      device: async () => device,
    })
    const { token, session } = await signIn(telling)
    t.strictSame(await (await telling.getSessionAndUser?.(token))?.session, session)
    t.match(await rowOf(token), { userAgent, ipAddress })
  }
})

t.test('a database error is an error, and never "signed out"', async (t) => {
  const { token } = await signIn()
  const gone = GlobalLogoutAdapter(applicationDatabase({ url: `${database.url}_that_is_not` }))
  await t.rejects(async () => gone.getSessionAndUser?.(token))
  await t.rejects(async () => gone.deleteSession?.(token))
  await t.rejects(async () => gone.updateSession?.({ sessionToken: token, expires: inDays(1) }))
})

async function newUser(): Promise<string> {
  const user = await adapter.createUser({
    id: '',
    email: `${crypto.randomUUID()}@example.com`,
    emailVerified: null,
  })
  return user.id
}

/** A user with a session, as Auth.js makes it. */
async function signIn(on: Adapter = adapter) {
  const token = generateSessionToken()
  const userId = await newUser()
  const session = { sessionToken: token, userId, expires: inDays(7) }
  await on.createSession?.(session)
  return { token, userId, session }
}

/** The row of a token as it stands, its version (xmin) too. */
async function rowOf(token: string): Promise<pg.QueryResultRow | undefined> {
  const [row] = await psql('select xmin, * from session where "sessionToken" = $1', [hashToken(token)])
  return row
}

function revocationsOf(userId: string) {
  return psql('select * from revoked_session where user_id = $1', [userId])
}

function operationsOf(userId: string) {
  return psql('select * from operation where user_id = $1', [userId])
}

/** Every row of every table, as text. */
async function wholeDatabase(): Promise<string> {
  const tables = await psql<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  const rows = await Promise.all(tables.map(({ name }) => psql(`select t::text from ${name} t`)))
  return JSON.stringify(rows)
}
