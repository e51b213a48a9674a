/**
 * What Auth.js asks of an adapter, method by method: the answer, and the row that stands in the database after
 * it. Run against the stock adapter and ours. Rows are compared whole: a column too many is a difference.
 */
import type { Adapter, AdapterAccount } from '@auth/core/adapters'
import type { Test } from 'tap'
import type { TestDatabase } from '../support/database.ts'

export interface Implementation {
  adapter: Adapter
  database: Pick<TestDatabase, 'psql'>
  /** What the database holds in place of a session token. */
  stored: (token: string) => string
}

/** Every method of the contract; the suite fails for an adapter that lacks one. */
const METHODS = [
  'createUser',
  'getUser',
  'getUserByEmail',
  'getUserByAccount',
  'updateUser',
  'deleteUser',
  'linkAccount',
  'unlinkAccount',
  'getAccount',
  'createSession',
  'getSessionAndUser',
  'updateSession',
  'deleteSession',
  'createVerificationToken',
  'useVerificationToken',
] as const satisfies (keyof Adapter)[]

export function adapterContract(t: Test, { adapter: given, database, stored }: Implementation): void {
  const adapter = given as Required<Adapter>
  const rows = rowsOf(database)
  const newUser = (rest: { email?: string; name?: string } = {}) =>
    adapter.createUser({
      id: 'not-this-one',
      email: `${crypto.randomUUID()}@example.com`,
      ...unverified,
      ...rest,
    })
  const newSession = (userId: string, expires = inDays(7)) => ({
    sessionToken: crypto.randomUUID(),
    userId,
    expires,
  })

  t.test('every method is there', async (t) => {
    for (const method of METHODS) t.type(adapter[method], 'function', method)
  })

  t.test(
    'createUser answers the row, with an id of the database and not of the identity provider',
    async (t) => {
      const data = {
        name: 'Ada',
        email: 'ada@example.com',
        emailVerified: new Date(),
        image: 'https://example.com/ada',
      }
      const created = await adapter.createUser({ id: 'from-the-provider', ...data })
      t.not(created.id, 'from-the-provider')
      t.strictSame(created, { id: created.id, ...data })
      t.strictSame(await rows.user(created.id), [created])
    },
  )

  t.test('an e-mail address belongs to one user', async (t) => {
    const { email } = await newUser()
    await t.rejects(async () => newUser({ email }))
  })

  t.test(
    'getUser, getUserByEmail and getUserByAccount answer the user, or null for a stranger',
    async (t) => {
      const user = await newUser({ name: 'Grace' })
      const account = newAccount(user.id)
      await adapter.linkAccount(account)
      t.strictSame(await adapter.getUser(user.id), user)
      t.strictSame(await adapter.getUserByEmail(user.email), user)
      t.strictSame(await adapter.getUserByAccount(account), user)

      t.equal(await adapter.getUser('nobody'), null)
      t.equal(await adapter.getUserByEmail('nobody@example.com'), null)
      t.equal(await adapter.getUserByAccount({ ...account, provider: 'another' }), null)
      t.equal(await adapter.getUserByAccount({ ...account, providerAccountId: 'another' }), null)
    },
  )

  t.test('updateUser changes what it names, keeps the rest, and refuses to guess whom', async (t) => {
    const user = await newUser({ name: 'Before' })
    const bystander = await newUser()
    const changed = { ...user, name: 'After', emailVerified: new Date() }
    const { id, name, emailVerified } = changed
    t.strictSame(await adapter.updateUser({ id, name, emailVerified }), changed)
    t.strictSame(await rows.user(user.id), [changed])
    t.strictSame(await rows.user(bystander.id), [bystander])
    await t.rejects(async () => adapter.updateUser({ id: 'nobody', name }), { message: 'No user found.' })
    await t.rejects(async () => adapter.updateUser({ name } as never), { message: 'No user id.' })
  })

  t.test('createSession answers what it was given', async (t) => {
    const session = newSession((await newUser()).id)
    t.strictSame(await adapter.createSession(session), session)
    t.strictSame(await rows.session(stored(session.sessionToken)), [
      { ...session, sessionToken: stored(session.sessionToken) },
    ])
  })

  t.test('createSession refuses a token in use and a user that does not exist', async (t) => {
    const session = newSession((await newUser()).id)
    await adapter.createSession(session)
    await t.rejects(async () => adapter.createSession(session))
    await t.rejects(async () => adapter.createSession(newSession('nobody')))
  })

  t.test('getSessionAndUser answers both, or null for a token that nobody has', async (t) => {
    const user = await newUser()
    const session = newSession(user.id)
    await adapter.createSession(session)
    t.strictSame(await adapter.getSessionAndUser(session.sessionToken), { session, user })
    t.equal(await adapter.getSessionAndUser('nobody-has-this'), null)
    t.equal(await adapter.getSessionAndUser(''), null)
  })

  t.test('updateSession moves the end of this session and no other', async (t) => {
    const { id } = await newUser()
    const [session, bystander] = [newSession(id), newSession(id)]
    for (const each of [session, bystander]) await adapter.createSession(each)
    for (const expires of [inDays(30), inDays(1)]) {
      const moved = { ...session, expires }
      t.strictSame(await adapter.updateSession({ sessionToken: session.sessionToken, expires }), moved)
      t.strictSame((await adapter.getSessionAndUser(session.sessionToken))?.session, moved)
    }
    t.strictSame((await adapter.getSessionAndUser(bystander.sessionToken))?.session, bystander)
  })

  t.test('updateSession with nothing to change answers the session as it is', async (t) => {
    const session = newSession((await newUser()).id)
    await adapter.createSession(session)
    t.strictSame(await adapter.updateSession({ sessionToken: session.sessionToken }), session)
    t.strictSame(await adapter.updateSession(session), session)
  })

  t.test('updateSession of a token that nobody has answers nothing and makes nothing', async (t) => {
    t.notOk(await adapter.updateSession({ sessionToken: 'nobody-has-this', expires: inDays(1) }))
    t.strictSame(await rows.session(stored('nobody-has-this')), [])
  })

  t.test('deleteSession ends this session and no other; once more is no error', async (t) => {
    const { id } = await newUser()
    const [session, bystander] = [newSession(id), newSession(id)]
    for (const each of [session, bystander]) await adapter.createSession(each)
    await adapter.deleteSession(session.sessionToken)
    t.strictSame(await rows.session(stored(session.sessionToken)), [])
    t.equal(await adapter.getSessionAndUser(session.sessionToken), null)
    t.notOk(await adapter.updateSession(session), 'and nothing brings it back')
    await adapter.deleteSession(session.sessionToken)
    t.strictSame((await adapter.getSessionAndUser(bystander.sessionToken))?.session, bystander)
  })

  t.test('a session may be created again with a token that was deleted before', async (t) => {
    const user = await newUser()
    const session = newSession(user.id)
    for (let round = 0; round < 3; round++) {
      t.strictSame(await adapter.createSession(session), session)
      t.strictSame(await adapter.getSessionAndUser(session.sessionToken), { session, user })
      await adapter.deleteSession(session.sessionToken)
    }
  })

  t.test(
    'linkAccount keeps every field; getAccount finds it; unlinkAccount removes it and no other',
    async (t) => {
      const { id } = await newUser()
      const [account, bystander] = [newAccount(id), newAccount(id)]
      for (const each of [account, bystander]) await adapter.linkAccount(each)
      t.strictSame(await rows.account(account.providerAccountId), [account])
      t.strictSame(await adapter.getAccount(account.providerAccountId, account.provider), account)
      await t.rejects(async () => adapter.linkAccount(account), 'an account belongs to one user')

      await adapter.unlinkAccount(account)
      t.strictSame(await rows.account(account.providerAccountId), [])
      t.equal(await adapter.getAccount(account.providerAccountId, account.provider), null)
      t.strictSame(await rows.account(bystander.providerAccountId), [bystander])
    },
  )

  t.test('a verification token is good once, for the address it was sent to', async (t) => {
    const sent = { identifier: 'ada@example.com', token: crypto.randomUUID(), expires: inDays(1) }
    t.strictSame(await adapter.createVerificationToken(sent), sent)
    t.strictSame(await rows.verificationToken(sent.token), [sent])
    t.equal(await adapter.useVerificationToken({ ...sent, identifier: 'eve@example.com' }), null)
    t.equal(await adapter.useVerificationToken({ ...sent, token: 'guessed' }), null)
    t.strictSame(await adapter.useVerificationToken(sent), sent)
    t.equal(await adapter.useVerificationToken(sent), null)
  })

  t.test('of many at once with one verification token, one gets in', async (t) => {
    const sent = { identifier: 'ada@example.com', token: crypto.randomUUID(), expires: inDays(1) }
    await adapter.createVerificationToken(sent)
    const answers = await Promise.all(Array.from({ length: 8 }, () => adapter.useVerificationToken(sent)))
    t.strictSame(answers.filter(Boolean), [sent])
  })

  t.test('deleteUser takes sessions and accounts along, and nothing of anybody else', async (t) => {
    const [user, bystander] = [await newUser(), await newUser()]
    const sessions = [newSession(user.id), newSession(user.id), newSession(bystander.id)] as const
    const accounts = [newAccount(user.id), newAccount(bystander.id)] as const
    for (const session of sessions) await adapter.createSession(session)
    for (const account of accounts) await adapter.linkAccount(account)

    await adapter.deleteUser(user.id)
    t.equal(await adapter.getUser(user.id), null)
    t.equal(await adapter.getSessionAndUser(sessions[0].sessionToken), null)
    t.equal(await adapter.getSessionAndUser(sessions[1].sessionToken), null)
    t.equal(await adapter.getUserByAccount(accounts[0]), null)
    t.strictSame(await rows.user(user.id), [])
    t.strictSame(await rows.account(accounts[0].providerAccountId), [])

    const { sessionToken } = sessions[2]
    t.strictSame(await adapter.getSessionAndUser(sessionToken), { session: sessions[2], user: bystander })
    t.strictSame(await adapter.getUserByAccount(accounts[1]), bystander)
  })

  t.test('instants survive to the millisecond, on both sides of a summer time', async (t) => {
    const { id } = await newUser()
    for (const expires of [
      '2099-03-29T01:59:59.999Z',
      '2099-10-25T00:30:00.001Z',
      '2096-02-29T23:59:59.500Z',
    ]) {
      const session = newSession(id, new Date(expires))
      t.strictSame(await adapter.createSession(session), session)
      t.strictSame((await adapter.getSessionAndUser(session.sessionToken))?.session, session)
    }
  })
}

const unverified = { name: null, emailVerified: null, image: null }

export function inDays(days: number): Date {
  return new Date(Date.now() + days * 86_400_000)
}

/** An account with every column that Auth.js knows. */
export function newAccount(userId: string): AdapterAccount {
  return {
    userId,
    type: 'oidc',
    provider: 'oidc',
    providerAccountId: crypto.randomUUID(),
    refresh_token: crypto.randomUUID(),
    access_token: crypto.randomUUID(),
    expires_at: 1_900_000_000,
    token_type: 'bearer',
    scope: 'openid email',
    id_token: crypto.randomUUID(),
    session_state: crypto.randomUUID(),
  }
}

/** Rows as they stand, in Auth.js's columns, read around the adapter. */
function rowsOf({ psql }: Pick<TestDatabase, 'psql'>) {
  const utc = (column: string) => `"${column}" at time zone 'utc' as "${column}"`
  return {
    user: (id: string) =>
      psql(`select id, name, email, ${utc('emailVerified')}, image from "user" where id = $1`, [id]),
    account: (id: string) => psql('select * from account where "providerAccountId" = $1', [id]),
    session: (stored: string) =>
      psql(`select "sessionToken", "userId", ${utc('expires')} from session where "sessionToken" = $1`, [
        stored,
      ]),
    verificationToken: (token: string) =>
      psql(`select identifier, token, ${utc('expires')} from "verificationToken" where token = $1`, [token]),
  }
}
