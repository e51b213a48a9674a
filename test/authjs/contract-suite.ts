/**
 * Auth.js's contract for adapters, method by method. It runs on the stock adapter with our table of sessions
 * as the reference, and on other adapters with our sessions. Users and accounts are compared whole: no column
 * is dropped or added.
 */
import type { Adapter, AdapterAccount, AdapterUser } from '@auth/core/adapters'
import type { Test } from 'tap'

export interface Implementation {
  adapter: Adapter
  /** The user of a token as the service sees it, without the adapter; null if the token has no session. */
  userOf: (token: string) => Promise<string | null>
  /** The application's own columns, with the defaults that a new user gets. */
  columns?: Record<string, unknown>
  /** An id that no user has. */
  nobody?: string
  /**
   * Set for the reference: there Auth.js makes the tokens and extends sessions. With our sessions,
   * `createSession` returns the token, and the service decides when a session ends.
   */
  isReference?: boolean
}

/** Every method of the contract that Auth.js calls; the suite fails for an adapter that lacks one. */
const METHODS = [
  'createUser',
  'getUser',
  'getUserByEmail',
  'getUserByAccount',
  'updateUser',
  'deleteUser',
  'linkAccount',
  'unlinkAccount',
  'createSession',
  'getSessionAndUser',
  'updateSession',
  'deleteSession',
  'createVerificationToken',
  'useVerificationToken',
] as const satisfies (keyof Adapter)[]

export function adapterContract(
  t: Test,
  { adapter: given, userOf, columns = {}, nobody = 'nobody', isReference = false }: Implementation,
): void {
  const adapter = given as Required<Adapter>
  const newUser = async (rest: { email?: string; name?: string } = {}) => {
    const made = await adapter.createUser({
      id: 'not-this-one',
      email: `${crypto.randomUUID()}@example.com`,
      ...unverified,
      ...rest,
    })
    // The adapter for `pg` omits unknown columns, only here.
    return { ...columns, ...made } as AdapterUser
  }
  const newSession = (userId: string, expires = inDays(6)) => ({
    sessionToken: crypto.randomUUID(),
    userId,
    expires,
  })
  /** Signs in as Auth.js does: it uses the token that the adapter returns. */
  const signIn = async (userId: string) => ({ ...(await adapter.createSession(newSession(userId))) })

  t.test('every method is present', async (t) => {
    for (const method of METHODS) t.type(adapter[method], 'function', method)
  })

  t.test("createUser returns the row, with its own id rather than the provider's", async (t) => {
    const data = {
      name: 'Ada',
      email: `${crypto.randomUUID()}@example.com`,
      emailVerified: new Date(),
      image: 'https://example.com/ada',
    }
    const created = await adapter.createUser({ id: 'from-the-provider', ...data })
    t.not(created.id, 'from-the-provider')
    t.match(created, data)
    t.strictSame(await adapter.getUser(created.id), { ...columns, id: created.id, ...data })
  })

  t.test('an e-mail address belongs to one user', async (t) => {
    const { email } = await newUser()
    await t.rejects(async () => newUser({ email }))
  })

  t.test('getUser, getUserByEmail and getUserByAccount return the user or null', async (t) => {
    const user = await newUser({ name: 'Grace' })
    const account = newAccount(user.id)
    await adapter.linkAccount(account)
    t.strictSame(await adapter.getUser(user.id), user)
    t.strictSame(await adapter.getUserByEmail(user.email), user)
    t.strictSame(await adapter.getUserByAccount(keyOf(account)), user)

    t.equal(await adapter.getUser(nobody), null)
    t.equal(await adapter.getUserByEmail('nobody@example.com'), null)
    t.equal(await adapter.getUserByAccount({ ...keyOf(account), provider: 'another' }), null)
    t.equal(await adapter.getUserByAccount({ ...keyOf(account), providerAccountId: 'another' }), null)
  })

  t.test('updateUser changes the named fields only, and refuses a user without an id', async (t) => {
    const user = await newUser({ name: 'Before' })
    const bystander = await newUser()
    const changed = { ...user, name: 'After' }
    t.match(await adapter.updateUser({ id: user.id, name: 'After' }), { id: user.id, name: 'After' })
    t.strictSame(await adapter.getUser(user.id), changed)
    t.strictSame(await adapter.getUser(bystander.id), bystander)
    const { sessionToken } = await signIn(user.id)
    t.strictSame((await adapter.getSessionAndUser(sessionToken))?.user, changed)
  })

  t.test('createSession returns the session, which the service accepts', async (t) => {
    const user = await newUser()
    const asked = newSession(user.id)
    const made = await adapter.createSession(asked)
    t.strictSame(made, { ...asked, sessionToken: made.sessionToken })
    if (isReference) t.equal(made.sessionToken, asked.sessionToken)
    else {
      t.match(made.sessionToken, /^[\w-]{43}$/, '256 bits')
      t.equal(await userOf(asked.sessionToken), null)
    }
    t.equal(await userOf(made.sessionToken), String(user.id))
  })

  t.test('createSession refuses a user that does not exist', async (t) => {
    await t.rejects(async () => adapter.createSession(newSession(nobody)))
  })

  t.test('getSessionAndUser returns both, or null for a token without a session', async (t) => {
    const user = await newUser()
    const { sessionToken } = await signIn(user.id)
    const found = await adapter.getSessionAndUser(sessionToken)
    t.strictSame(found?.user, user)
    t.match(found?.session, { sessionToken, userId: user.id, expires: Date })
    t.equal(Object.keys(found?.session ?? {}).length, 3)
    t.equal(typeof found?.session.userId, typeof user.id)
    t.ok((found?.session.expires ?? new Date(0)) > new Date())
    t.equal(await adapter.getSessionAndUser('unknown'), null)
    t.equal(await adapter.getSessionAndUser(''), null)
  })

  t.test('updateSession changes at most this session, ends none, and creates none', async (t) => {
    const { id } = await newUser()
    const [session, bystander] = [await signIn(id), await signIn(id)]
    const before = await adapter.getSessionAndUser(bystander.sessionToken)
    for (const expires of [inDays(6.5), inDays(1)]) {
      await adapter.updateSession({ sessionToken: session.sessionToken, expires })
      const found = await adapter.getSessionAndUser(session.sessionToken)
      t.ok(found)
      if (isReference) t.strictSame(found?.session.expires, expires)
    }
    t.equal(await userOf(session.sessionToken), String(id))
    t.strictSame(await adapter.getSessionAndUser(bystander.sessionToken), before)
    t.notOk(await adapter.updateSession({ sessionToken: 'unknown', expires: inDays(1) }))
    t.equal(await adapter.getSessionAndUser('unknown'), null)
  })

  t.test('deleteSession ends this session and no other; repeating it succeeds', async (t) => {
    const { id } = await newUser()
    const [session, bystander] = [await signIn(id), await signIn(id)]
    await adapter.deleteSession(session.sessionToken)
    t.equal(await userOf(session.sessionToken), null)
    t.equal(await adapter.getSessionAndUser(session.sessionToken), null)
    t.notOk(await adapter.updateSession(session), 'no update revives it')
    t.equal(await adapter.getSessionAndUser(session.sessionToken), null)
    await adapter.deleteSession(session.sessionToken)
    t.equal(await userOf(bystander.sessionToken), String(id))
    t.ok(await adapter.getSessionAndUser(bystander.sessionToken))
  })

  t.test('linkAccount links once, and unlinkAccount removes that account and no other', async (t) => {
    const user = await newUser()
    const [account, bystander] = [newAccount(user.id), newAccount(user.id)]
    for (const each of [account, bystander]) await adapter.linkAccount(each)
    await t.rejects(async () => adapter.linkAccount(account), 'an account belongs to one user')
    await adapter.unlinkAccount(keyOf(account))
    t.equal(await adapter.getUserByAccount(keyOf(account)), null)
    t.strictSame(await adapter.getUserByAccount(keyOf(bystander)), user)
    if (adapter.getAccount)
      t.match(await adapter.getAccount(bystander.providerAccountId, bystander.provider), bystander)
  })

  t.test('a verification token is valid once, for the address it was sent to', async (t) => {
    const sent = { identifier: 'ada@example.com', token: crypto.randomUUID(), expires: inDays(1) }
    t.strictSame(await adapter.createVerificationToken(sent), sent)
    t.equal(await adapter.useVerificationToken({ token: sent.token, identifier: 'eve@example.com' }), null)
    t.equal(await adapter.useVerificationToken({ identifier: sent.identifier, token: 'guessed' }), null)
    t.strictSame(await adapter.useVerificationToken({ identifier: sent.identifier, token: sent.token }), sent)
    t.equal(await adapter.useVerificationToken({ identifier: sent.identifier, token: sent.token }), null)
  })

  t.test('of many concurrent uses of one verification token, one is accepted', async (t) => {
    const sent = { identifier: 'ada@example.com', token: crypto.randomUUID(), expires: inDays(1) }
    await adapter.createVerificationToken(sent)
    const use = () => adapter.useVerificationToken({ identifier: sent.identifier, token: sent.token })
    const answers = await Promise.all(Array.from({ length: 8 }, use))
    t.strictSame(answers.filter(Boolean), [sent])
  })

  t.test("deleteUser removes the user's sessions and accounts, and none of another user", async (t) => {
    const [user, bystander] = [await newUser(), await newUser()]
    const sessions = [await signIn(user.id), await signIn(user.id), await signIn(bystander.id)] as const
    const accounts = [newAccount(user.id), newAccount(bystander.id)] as const
    for (const account of accounts) await adapter.linkAccount(account)

    await adapter.deleteUser(user.id)
    t.equal(await adapter.getUser(user.id), null)
    for (const { sessionToken } of sessions.slice(0, 2)) {
      t.equal(await userOf(sessionToken), null)
      t.equal(await adapter.getSessionAndUser(sessionToken), null)
    }
    t.equal(await adapter.getUserByAccount(keyOf(accounts[0])), null)

    t.strictSame((await adapter.getSessionAndUser(sessions[2].sessionToken))?.user, bystander)
    t.strictSame(await adapter.getUserByAccount(keyOf(accounts[1])), bystander)
  })
}

const unverified = { name: null, emailVerified: null, image: null }

export function inDays(days: number): Date {
  return new Date(Date.now() + days * 86_400_000)
}

/** The key by which Auth.js finds an account. */
function keyOf({ provider, providerAccountId }: AdapterAccount) {
  return { provider, providerAccountId }
}

/** An account with every column that Auth.js knows. */
function newAccount(userId: string): AdapterAccount {
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
