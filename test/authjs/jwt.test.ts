/** Auth.js's JWT sessions can be revoked. */

import { Auth, type AuthConfig } from '@auth/core'
import { encode } from '@auth/core/jwt'
import Credentials from '@auth/core/providers/credentials'
import { type JwtSessionsOptions, jwtSessions } from '@global-logout/authjs'
import { createClient, type Sessions, UndecidedError } from '@global-logout/client'
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { cell } from '../support/matrix.ts'
import { freePort } from '../support/ports.ts'
import { json, startService } from '../support/service.ts'
import { openBrowser } from './browser.ts'
import { startIdentityProvider } from './identity-provider.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { type App, PASSWORD, signIn } from './sign-in.ts'

const SECRET = 'of-the-application'
const service = await startService({ env: { AUTH_SECRET: SECRET } })
const { psql } = service.database
const origin = `http://127.0.0.1:${await freePort()}`
const { provider } = await startIdentityProvider({ redirectUri: `${origin}/auth/callback/work` })
const sessions = createDatabaseSessions({ connectionString: service.database.url })
t.teardown(sessions.close)

const USERS = [
  { id: 'ada', name: 'Ada', email: 'ada@example.com', role: 'admin' },
  { id: 'eve', name: 'Eve', email: 'eve@example.com', role: 'guest' },
]

/** What Auth.js logs as an error; a test that provokes one removes it. */
const errors: Error[] = []
const config = {
  providers: [
    Credentials({
      credentials: { username: {}, password: {} },
      authorize: ({ username, password }) =>
        USERS.find(({ id }) => id === username && password === PASSWORD) ?? null,
    }),
    provider,
  ],
  callbacks: {
    jwt: ({ token, user }) => (user ? { ...token, role: (user as { role?: string }).role } : token),
    session: ({ session, token }) => ({
      ...session,
      user: { ...session.user, id: String(token.sub), role: token.role },
    }),
  },
  secret: SECRET,
  trustHost: true,
  basePath: '/auth',
  logger: { error: (error) => void errors.push(error), warn() {}, debug() {} },
} satisfies AuthConfig
const app = appWith(config)

t.test(
  cell("a sign-out everywhere on the phone ends the laptop's JWT", {
    layout: 'no tables',
    driver: '@auth/core',
    strategy: 'jwt',
  }),
  async (t) => {
    const [phone, laptop, other] = [
      await signIn(app, 'ada'),
      await signIn(app, 'ada'),
      await signIn(app, 'eve'),
    ]
    t.match(phone.cookie(), /^eyJ/, 'the cookie holds a JWT')
    t.match(await phone.session(), { user: { id: 'ada', role: 'admin' } })
    t.equal(await laptop.check(service.base), 200, '/check reads the cookie')
    const stolen = laptop.cookie() ?? ''

    const answer = await phone.browser.request(`${service.base}/api/logout`, sameOrigin({ scope: 'global' }))
    t.equal(answer.status, 200, 'the API for browsers reads it, too')
    t.equal(await laptop.session(), null)
    t.equal(laptop.cookie(), undefined, 'Auth.js clears the cookie')
    laptop.browser.setCookie(origin, app.cookieName, stolen)
    t.equal(await laptop.check(service.base), 401)
    t.equal(await laptop.session(), null)
    t.ok(await other.session(), 'another user stays signed in')
  },
)

t.test('the same over HTTP, where the application needs no database', async (t) => {
  const { key } = await service.keyFor('sessions:create')
  const remote = appWith(config, createClient({ url: service.base, key }))
  const [phone, laptop] = [await signIn(remote, 'ada'), await signIn(remote, 'ada')]
  t.match(await laptop.session(), { user: { id: 'ada' } })
  const request = { headers: { cookie: `${app.cookieName}=${phone.cookie()}` } }
  const done = await createClient({ url: service.base }).logout(request, { scope: 'global' })
  t.ok(done.revoked.length >= 2, 'the cookie of the request is sufficient')
  t.equal(await laptop.session(), null)

  const undecided: unknown[] = []
  const away = createClient({ url: `http://127.0.0.1:${await freePort()}`, key })
  const grace = await signIn(remote, 'ada')
  const cut = openBrowserAt(
    appWith(config, away, { onUndecided: (error) => undecided.push(error) }),
    grace.cookie() ?? '',
  )
  t.equal(await cut.session(), null)
  t.match(undecided, [{ code: 'ERR_SESSION_UNDECIDED' }])
  t.match(cut.cookie(), /^eyJ/, 'the cookie stays')
})

t.test('/check returns the user and session of the JWT', async (t) => {
  const phone = await signIn(app, 'ada')
  const { headers } = await phone.browser.request(`${service.base}/check`)
  t.equal(headers.get('x-user-id'), 'ada')
  const [row] = await psql('select id from session order by "createdAt" desc limit 1')
  t.equal(headers.get('x-session-id'), row?.id)
})

t.test('a sign-out of Auth.js ends the session, so a copy of the JWT is useless', async (t) => {
  const phone = await signIn(app, 'ada')
  const copy = phone.cookie() ?? ''
  await phone.signOut()
  t.equal(phone.cookie(), undefined)
  phone.browser.setCookie(origin, app.cookieName, copy)
  t.equal(await phone.check(service.base), 401)
  t.equal(await phone.session(), null)
})

t.test('a sign-out that cannot be recorded is logged, though Auth.js reports success', async (t) => {
  const failing = appWith(config, { ...sessions, logout: async () => Promise.reject(new Error('away')) })
  const phone = await signIn(failing, 'ada')
  const copy = phone.cookie() ?? ''
  await phone.signOut()
  t.match(errors.splice(0), [{ name: 'EventError', cause: { err: { message: 'away' } } }])
  phone.browser.setCookie(origin, app.cookieName, copy)
  t.equal(await phone.check(service.base), 200, 'the session is unchanged')
})

t.test('undecided: the application sees no user, and the cookie stays', async (t) => {
  const undecided: unknown[] = []
  const onUndecided = (error: unknown) => void undecided.push(error)
  const phone = await signIn(app, 'ada')
  const atApp = (app: App) => openBrowserAt(app, phone.cookie() ?? '')

  const hidden = atApp(appWith(config, unavailable, { onUndecided }))
  t.equal(await hidden.session(), null, 'what `if (!session)` looks for')
  t.match(hidden.cookie(), /^eyJ/)
  t.match(undecided, [{ code: 'ERR_SESSION_UNDECIDED' }])

  const marked = atApp(appWith(config, unavailable, { onUndecided, undecided: 'mark' }))
  const session = await marked.session()
  t.strictSame(session, { expires: session?.expires, error: 'undecided' })

  for (const { cookie } of [hidden, marked]) {
    const later = openBrowserAt(app, cookie() ?? '')
    t.match(await later.session(), { user: { id: 'ada' } }, 'signed in once it can be decided')
    t.equal((await later.session())?.error, undefined, 'no mark is left in the JWT')
  }
})

t.test(`neither the application's callbacks nor the browser see the session token`, async (t) => {
  const seen: unknown[] = []
  const careless = appWith({
    ...config,
    callbacks: {
      jwt: ({ token, user, session }) => {
        if (!user) seen.push(structuredClone(token))
        return { sub: token.sub ?? '', ...session }
      },
      // As in many tutorials.
      session: ({ session, token }) => ({ ...session, token }),
    },
    events: { signOut: (message) => void seen.push(structuredClone(message)) },
  })
  const phone = await signIn(careless, 'ada')
  seen.push(await phone.session(), await phone.session())
  t.equal(await phone.check(service.base), 200, 'it is kept if the callback returns another token')

  const forged = { globalLogout: { token: (await signIn(app, 'eve')).cookie() } }
  await phone.update(forged)
  t.equal(await phone.check(service.base), 200, 'the browser cannot replace it')
  await phone.signOut()
  t.ok(seen.length >= 6, `${seen.length} times`)
  t.notMatch(JSON.stringify(seen), /globalLogout/)
})

t.test('a JWT from before the adoption, which names no session, is refused', async (t) => {
  const before = await encode({ token: { sub: 'ada' }, secret: SECRET, salt: app.cookieName })
  const browser = openBrowserAt(app, before)
  t.equal(await browser.check(), 401)
  t.equal(await browser.session(), null)
  t.equal(browser.cookie(), undefined)
})

t.test('without an adapter, repeated sign-ins at an identity provider are one user', async (t) => {
  const [phone, laptop] = [
    await signIn(app, 'grace', { provider: 'work' }),
    await signIn(app, 'grace', { provider: 'work' }),
  ]
  const userOf = async (device: typeof phone) =>
    (await device.browser.request(`${service.base}/check`)).headers.get('x-user-id')
  t.equal(await userOf(phone), 'work:grace')
  t.equal(await userOf(laptop), 'work:grace')
  const known = await signIn(appWith(config, sessions, { userId: ({ user }) => user.email ?? '' }), 'grace', {
    provider: 'work',
  })
  t.match(await userOf(known), /^grace.*@/, 'or the user that the application knows')
})

t.test('a user who is deleted during the sign-in is not signed in, and no session is left', async (t) => {
  const { adapter } = memoryAdapter()
  const deleted: string[] = []
  const deletedMeanwhile: Sessions = {
    ...sessions,
    async create(session) {
      await adapter.deleteUser(session.user.id)
      await sessions.removeUser(session.user.id)
      deleted.push(session.user.id)
      return sessions.create(session)
    },
  }
  const atProvider = { provider: 'work' }
  const kept = await signIn(appWith({ ...config, adapter }), 'alan', atProvider)
  t.match(kept.cookie(), /^eyJ/)
  const refused = await signIn(appWith({ ...config, adapter }, deletedMeanwhile), 'alan', atProvider)
  t.equal(refused.cookie(), undefined)
  t.match(errors.splice(0), [{ name: 'CallbackRouteError', cause: { err: { message: /there is no user/ } } }])
  t.equal(deleted.length, 1)
  t.same(await psql('select from session where "userId" = any ($1)', [deleted]), [])
})

t.test('a locked user cannot sign in', async (t) => {
  await psql(`insert into user_lock (user_id, reason) values ('eve', 'a test')`)
  const refused = await signIn(app, 'eve')
  t.equal(refused.cookie(), undefined)
  t.match(errors.splice(0), [{ name: 'CallbackRouteError', cause: { err: { code: 'user_locked' } } }])
})

t.test('a configuration that cannot keep the promise is refused', async (t) => {
  t.throws(
    () => jwtSessions({ ...config, session: { strategy: 'database' } }, sessions),
    /use withGlobalLogout/,
  )
})

t.test('Auth.js reported no other error', async (t) => t.same(errors, []))

/** Sessions whose checks always fail. */
const unavailable: Sessions = {
  ...sessions,
  check: () => Promise.reject(new UndecidedError('away')),
}

function appWith(config: AuthConfig, checkedBy: Sessions = sessions, options?: JwtSessionsOptions): App {
  return {
    origin,
    basePath: '/auth',
    cookieName: 'authjs.session-token',
    answer: (request) => Auth(request, jwtSessions(config, checkedBy, options)),
  }
}

/** A browser that already has the cookie. */
function openBrowserAt({ origin, answer, cookieName }: App, value: string) {
  const browser = openBrowser({ [origin]: answer })
  browser.setCookie(origin, cookieName, value)
  return {
    cookie: () => browser.cookie(origin, cookieName),
    session: async () => (await (await browser.request(`${origin}/auth/session`)).json()) as Answer,
    check: async () => (await browser.request(`${service.base}/check`)).status,
  }
}
type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof signIn>>['session']>>

function sameOrigin(body: unknown): RequestInit {
  const init = json(body)
  return { ...init, headers: { ...init.headers, 'sec-fetch-site': 'same-origin' } }
}
