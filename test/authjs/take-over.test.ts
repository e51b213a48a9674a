/** Existing sessions of an application are taken over at their first use, and never after they had ended. */
import { withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { deleteOldRevocations, sweep } from '../../src/sessions/sweeper.ts'
import { json, startService } from '../support/service.ts'
import { PATIENCE_MS, within } from '../support/within.ts'
import { openTransaction } from './application.ts'
import { inDays } from './contract-suite.ts'
import { type MemoryAdapter, memoryAdapter } from './memory-adapter.ts'

const service = await startService({ env: { CHECK_MODE: 'leased' } })
await service.answersFromMemory()
const { database } = service
const { psql } = database
const sessions = createDatabaseSessions({ connectionString: database.url, timeoutMs: PATIENCE_MS })
t.teardown(sessions.close)
const DEVICE = { userAgent: 'Firefox', ipAddress: '203.0.113.7' }
const BY = { actorKind: 'staff' as const, actorId: 'eve' }

/** An application whose adapter has sessions of its own. */
function application() {
  const held = memoryAdapter({ columns: { role: 'editor' } })
  const adapter = withGlobalLogout(held.adapter, sessions, { device: () => DEVICE })
  return {
    held,
    adapter,
    /** A user with a session from before the adoption. */
    async signedInBefore(expires = inDays(20)) {
      const email = `${crypto.randomUUID()}@example.com`
      const user = await held.adapter.createUser({ id: '', name: 'Ada', email, emailVerified: null })
      const token = crypto.randomUUID()
      await held.adapter.createSession({ sessionToken: token, userId: user.id, expires })
      return { user, token, id: user.id }
    },
    /** Adds one more earlier session of a user. */
    async oneMore(userId: string) {
      const token = crypto.randomUUID()
      await held.adapter.createSession({ sessionToken: token, userId, expires: inDays(20) })
      return token
    },
  }
}

const { held, adapter, signedInBefore, oneMore } = application()
const rowsOf = (token: string) => psql('select * from session where "sessionToken" = $1', [hashToken(token)])

t.test('a user who was signed in before stays signed in, with the same token', async (t) => {
  const expires = inDays(3)
  const { user, token } = await signedInBefore(expires)
  t.equal(await service.check(token), 401, 'the service learns of the session at the first use')
  const found = await adapter.getSessionAndUser(token)
  t.strictSame(found?.user, user, 'with every column')
  t.match(found?.session, { sessionToken: token, userId: user.id })
  t.equal(await service.check(token), 200)
  t.equal(held.sessions.has(token), false, 'it is stored in one place')
  t.match(await rowsOf(token), [{ userId: user.id, ...DEVICE }])
  t.match(await psql('select * from "user" where id = $1', [user.id]), [{ name: 'Ada', email: user.email }])
  t.ok((await sessions.check({ headers: { authorization: `Bearer ${token}` } }))?.expiresAt)
  const [{ ends } = {}] = await psql(
    `select expires at time zone 'utc' as ends from session where "sessionToken" = $1`,
    [hashToken(token)],
  )
  t.strictSame(ends, expires, 'its end is unchanged')
})

t.test('a session that was taken over does not count as a recent sign-in', async (t) => {
  const { token } = await signedInBefore()
  await adapter.getSessionAndUser(token)
  const identity = await sessions.check({ headers: { authorization: `Bearer ${token}` } })
  const days = (Date.now() - Number(identity?.authTime)) / 86_400_000
  t.ok(days > 14 && days < 16, `half of 30 days ago: ${days}`)
})

t.test('many concurrent first uses all find the session, and make one row', async (t) => {
  const { token, user } = await signedInBefore()
  const found = await Promise.all(Array.from({ length: 20 }, () => adapter.getSessionAndUser(token)))
  t.ok(found.every((each) => each?.user.id === user.id))
  t.equal((await rowsOf(token)).length, 1)
})

t.test('a first use that another overtakes finds the session after the adapter deleted it', async (t) => {
  const { token, user } = await signedInBefore()
  const { held: slow, release, reached } = heldUp(sessions, 'check')
  const late = withGlobalLogout(held.adapter, slow).getSessionAndUser(token)
  await reached()
  t.ok(await adapter.getSessionAndUser(token))
  release()
  t.strictSame((await late)?.user, user)
})

t.test('a token that neither side knows has no session', async (t) => {
  t.equal(await adapter.getSessionAndUser('unknown'), null)
  t.equal(await adapter.getSessionAndUser(''), null)
  await t.resolves(Promise.resolve(adapter.deleteSession('unknown')))
})

t.test('an expired session is refused, and deleted', async (t) => {
  const { token, id } = await signedInBefore(new Date(Date.now() - 1000))
  t.equal(await adapter.getSessionAndUser(token), null)
  t.equal(held.sessions.has(token), false)
  t.strictSame(await psql('select * from "user" where id = $1', [id]), [], 'and no trace of the user')
})

/** Each ends the sessions of a user who already has one session taken over. */
const ENDINGS: Record<string, (user: { id: string; ours: string }) => Promise<unknown>> = {
  'a global logout of another device': ({ ours }) => service.sessions.logout(ours, 'global', DEVICE),
  'a logout of all other devices': ({ ours }) => service.sessions.logout(ours, 'others', DEVICE),
  'a sign-out everywhere by the service': ({ ours }) =>
    service.as(ours, '/api/logout', json({ scope: 'global' })),
  'staff who end all sessions': ({ id }) => service.accounts.revoke(id, { reason: 'theft' }, BY),
  'staff who lock the user': ({ id }) =>
    service.accounts.revoke(id, { reason: 'theft', lockSeconds: null }, BY),
  'a lock that was removed': async ({ id }) => {
    await service.accounts.revoke(id, { reason: 'theft', lockSeconds: null }, BY)
    await service.accounts.unlock(id, null, BY)
  },
  'a lock by SQL': ({ id }) => psql(`insert into user_lock (user_id, reason) values ($1, 'theft')`, [id]),
  'the deletion of the user': ({ id }) => sessions.removeUser(id),
  'a deletion of the sessions by SQL': ({ id }) => psql('delete from session where "userId" = $1', [id]),
  'a kind of operation that is not listed': ({ id }) =>
    psql(
      `insert into operation (id, kind, actor_kind, user_id, revoked_count) values (gen_random_uuid(), 'policy.change', 'system', $1, 0)`,
      [id],
    ),
}
for (const [name, end] of Object.entries(ENDINGS))
  t.test(`after ${name}, no session of the user is taken over`, async (t) => {
    const { token, id } = await signedInBefore()
    const ours = await oneMore(id)
    await adapter.getSessionAndUser(ours)
    await end({ id, ours })
    t.equal(await adapter.getSessionAndUser(token), null)
    t.equal(await service.check(token), 401)
    t.equal(held.sessions.has(token), false, 'the adapter deleted it')
    t.strictSame(await rowsOf(token), [])
  })

t.test('the deletion of a user without sessions of ours is respected, too', async (t) => {
  const { token, id } = await signedInBefore()
  await sessions.removeUser(id)
  await sessions.removeUser(id)
  t.equal(await adapter.getSessionAndUser(token), null)
  t.match(await psql('select kind from operation where user_id = $1', [id]), [{ kind: 'user.delete' }])
  t.strictSame(await psql('select * from "user" where id = $1', [id]), [])
})

t.test('an act that ends one session keeps the others', async (t) => {
  const { token, id } = await signedInBefore()
  const [ended, kept] = [await oneMore(id), await oneMore(id)]
  for (const each of [ended, kept]) await adapter.getSessionAndUser(each)
  await service.sessions.logout(ended, 'local', DEVICE)
  const { id: other } = await service.signIn(id)
  await service.sessions.endOne(kept, other, DEVICE)
  t.ok(await adapter.getSessionAndUser(token))
})

t.test('a sign-out ends a session that had not been used since the adoption', async (t) => {
  const { token, id } = await signedInBefore()
  await adapter.deleteSession(token)
  t.equal(await adapter.getSessionAndUser(token), null)
  t.equal(held.sessions.has(token), false)
  t.match(await psql('select kind, scope from operation where user_id = $1', [id]), [
    { kind: 'logout', scope: 'local' },
  ])
})

t.test('a first use that began before a sign-out does not undo it', async (t) => {
  const { token } = await signedInBefore()
  const { held: old, release } = heldUp(held.adapter, 'getSessionAndUser')
  const late = withGlobalLogout(old, sessions).getSessionAndUser(token)
  await adapter.deleteSession(token)
  release()
  t.equal(await late, null)
  t.equal(await service.check(token), 401)
})

t.test('a sign-out ends a session that a first use takes over meanwhile', async (t) => {
  const { token } = await signedInBefore()
  const { held: old, release, reached } = heldUp(held.adapter, 'getSessionAndUser')
  const signOut = withGlobalLogout(old, sessions).deleteSession(token)
  await reached()
  t.ok(await adapter.getSessionAndUser(token))
  release()
  await signOut
  t.equal(await adapter.getSessionAndUser(token), null)
  t.equal(await service.check(token), 401)
})

t.test('a global logout wins against a concurrent first use, whichever comes first', async (t) => {
  const { token, id } = await signedInBefore()
  const ours = await oneMore(id)
  await adapter.getSessionAndUser(ours)
  const logout = await openTransaction(database)
  await logout.query(`select global_logout.sign_out($1, 'global')`, [hashToken(ours)])
  const use = adapter.getSessionAndUser(token)
  await logout.blocksAStatement()
  await logout.commit()
  t.equal(await use, null)

  const second = await signedInBefore()
  const taking = await openTransaction(database)
  await taking.query('select global_logout.take_over($1, $2, $3)', [
    hashToken(second.token),
    second.id,
    inDays(3),
  ])
  const removal = sessions.removeUser(second.id)
  await taking.blocksAStatement()
  await taking.commit()
  await removal
  t.equal(await service.check(second.token), 401)
})

t.test('concurrent first uses and global logouts leave no session', async (t) => {
  const survivors: string[] = []
  for (let round = 0; round < 40; round++) {
    const { token, id } = await signedInBefore()
    const ours = await oneMore(id)
    await adapter.getSessionAndUser(ours)
    const uses = () => adapter.getSessionAndUser(token)
    await Promise.all([uses(), uses(), service.sessions.logout(ours, 'global', DEVICE), uses()])
    if (await adapter.getSessionAndUser(token)) survivors.push(token)
    if ((await service.check(token)) !== 401) survivors.push(token)
  }
  t.strictSame(survivors, [])
})

t.test('an ended session is never taken over again, even if an adapter still has it', async (t) => {
  for (const how of ['signed out', 'idle']) {
    const { token, id } = await signedInBefore()
    const copy = structuredClone(held.sessions.get(token))
    await adapter.getSessionAndUser(token)
    if (how === 'signed out') await service.sessions.logout(token, 'local', DEVICE)
    else {
      await psql(`update session set "lastSeenAt" = now() - interval '8 days' where "sessionToken" = $1`, [
        hashToken(token),
      ])
      await sweep(database)
      // The update was recorded as an end by SQL; a session that becomes idle by itself is not.
      await psql('delete from revoked_session where session_token = $1', [hashToken(token)])
    }
    held.sessions.set(token, copy as never)
    t.equal(await adapter.getSessionAndUser(token), null, how)
    t.strictSame(await rowsOf(token), [])
    t.ok((await psql('select from taken_over where session_token = $1', [hashToken(token)])).length, id)
  }
})

t.test('a takeover is remembered as long as revocations', async (t) => {
  const { token } = await signedInBefore()
  await adapter.getSessionAndUser(token)
  const left = () => psql('select from taken_over where session_token = $1', [hashToken(token)])
  await deleteOldRevocations(database, 400 * 86_400)
  t.equal((await left()).length, 1)
  await psql(`update taken_over set at = now() - interval '401 days' where session_token = $1`, [
    hashToken(token),
  ])
  await deleteOldRevocations(database, 400 * 86_400)
  t.equal((await left()).length, 0)
})

t.test('if the adapter fails to delete the session, the use fails, and the next one succeeds', async (t) => {
  const { token } = await signedInBefore()
  const failing: MemoryAdapter = {
    ...held.adapter,
    deleteSession: () => Promise.reject<never>(new Error('no connection')),
  }
  await t.rejects(async () => withGlobalLogout(failing, sessions).getSessionAndUser(token), /no connection/)
  t.ok(await adapter.getSessionAndUser(token), 'it is taken over')
  await t.rejects(async () => withGlobalLogout(failing, sessions).deleteSession(token), /no connection/)
  await adapter.deleteSession(token)
  t.equal(held.sessions.has(token), false)
  t.equal(await service.check(token), 401)
})

t.test('if the database does not answer, no user is signed out and no session is deleted', async (t) => {
  const { token } = await signedInBefore()
  const gone = createDatabaseSessions({ connectionString: 'postgres://nobody@127.0.0.1:1/none' })
  t.teardown(gone.close)
  const undecided = withGlobalLogout(held.adapter, gone)
  await t.rejects(async () => undecided.getSessionAndUser(token), { code: 'ERR_SESSION_UNDECIDED' })
  await t.rejects(async () => undecided.deleteSession(token), { code: 'unavailable' })
  // Between the two steps.
  const half = { ...sessions, create: gone.create }
  await t.rejects(async () => withGlobalLogout(held.adapter, half).getSessionAndUser(token), {
    code: 'unavailable',
  })
  t.ok(held.sessions.has(token))
  t.ok(await adapter.getSessionAndUser(token))
})

t.test('if there is nothing to take over, the adapter is not queried', async (t) => {
  const silent: MemoryAdapter = {
    ...held.adapter,
    getSessionAndUser: () => Promise.reject<never>(new Error('no table')),
  }
  const none = withGlobalLogout(silent, sessions, { takeOver: false })
  t.equal(await none.getSessionAndUser('unknown'), null)
  await none.deleteSession('unknown')
  await t.rejects(async () => withGlobalLogout(silent, sessions).getSessionAndUser('unknown'), /no table/)
})

t.test('the same over HTTP, with a key that may sign users in', async (t) => {
  const { headers } = await service.keyFor('sessions:create')
  const ask = async (body: object) => {
    const request = json(body)
    const response = await service.http('/api/sessions', {
      ...request,
      headers: { ...request.headers, ...headers },
    })
    return { status: response.status, ...((await response.json()) as object) }
  }
  const token = crypto.randomUUID()
  const takeOver = { token, expires: inDays(3).toISOString() }
  t.match(await ask({ user: { id: 'grace' }, takeOver }), { status: 201, token, sessionId: String })
  t.match(await ask({ user: { id: 'grace' }, takeOver }), { status: 201, token }, 'again')
  t.equal(await service.check(token), 200)
  t.match(await rowsOf(token), [{ userId: 'grace', keyId: String }], 'it was not the user who signed in')
  await service.sessions.logout(token, 'global', DEVICE)
  t.match(await ask({ user: { id: 'grace' }, takeOver }), { status: 409, code: 'session_over' })
  const other = { ...takeOver, token: crypto.randomUUID() }
  t.match(await ask({ user: { id: 'grace' }, takeOver: other }), { status: 409, code: 'session_over' })
  t.match(await ask({ user: { id: 'ada' }, takeOver: other, replaces: token }), {
    status: 400,
    field: 'takeOver',
  })
  for (const wrong of [
    { token: 'with space' },
    { token: '' },
    { expires: 'soon' },
    { expires: '0001-01-01T00:00+23:59' },
    { expires: '9999-12-31T23:59-23:59' },
  ])
    t.match(await ask({ user: { id: 'ada' }, takeOver: { ...other, ...wrong } }), { status: 400 })

  await psql(`insert into staff (user_id, role) values ('eve', 'security')`)
  t.match(await ask({ user: { id: 'eve' }, takeOver: other }), { status: 403, code: 'insufficient_scope' })
  t.equal(await service.check(other.token), 401)
})

// The last test: no session is taken over after it.
t.test('after an incident no session is taken over, except of users it did not name', async (t) => {
  const [named, other] = [await signedInBefore(), await signedInBefore()]
  await execute({ userIds: [named.id] })
  t.equal(await adapter.getSessionAndUser(named.token), null)
  t.ok(await adapter.getSessionAndUser(other.token))
  const third = await signedInBefore()
  await execute({ ipRange: '198.51.100.0/24' })
  t.equal(await adapter.getSessionAndUser(third.token), null)
})

async function execute(selection: object) {
  const actor = { ...BY, ipAddress: null, userAgent: null, requestId: 'test' }
  const { planId } = await service.incidents.plan(selection, 'leak', actor as never)
  await service.incidents.execute(planId, actor as never)
}

/** The same adapter, but the next answer of `method` is delayed until it is released. */
function heldUp<T extends object>(original: T, method: keyof T) {
  const gate = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  let first = true
  const call = original[method] as (...args: unknown[]) => Promise<unknown>
  const slow = async (...args: unknown[]) => {
    const answer = await call(...args)
    if (!first) return answer
    first = false
    arrived.resolve()
    await within('the release of an answer', gate.promise)
    return answer
  }
  return {
    held: { ...original, [method]: slow },
    release: () => gate.resolve(),
    reached: () => within('an answer that is held up', arrived.promise),
  }
}
