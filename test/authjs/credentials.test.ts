/** Auth.js's Credentials provider with revocable sessions, alone and next to an identity provider. */

import { Auth, type AuthConfig } from '@auth/core'
import Credentials from '@auth/core/providers/credentials'
import { databaseCredentials, withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { cell } from '../support/matrix.ts'
import { freePort } from '../support/ports.ts'
import { json, startService } from '../support/service.ts'
import { openBrowser } from './browser.ts'
import { person, startIdentityProvider } from './identity-provider.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { type App, PASSWORD, signIn } from './sign-in.ts'

const service = await startService()
const { psql } = service.database
const origin = `http://127.0.0.1:${await freePort()}`
const { provider } = await startIdentityProvider({ redirectUri: `${origin}/auth/callback/work` })
const sessions = createDatabaseSessions({ connectionString: service.database.url })
t.teardown(sessions.close)

const ada = { id: 'ada', name: 'Ada', email: 'ada@example.com', emailVerified: null, role: 'admin' }
const eve = { id: 'eve', name: 'Eve', email: 'eve@example.com', emailVerified: null, role: 'guest' }
const users = memoryAdapter()
for (const user of [ada, eve]) users.users.set(user.id, user)

/** What Auth.js logs as an error; a test that provokes one removes it. */
const errors: Error[] = []
const config = {
  adapter: withGlobalLogout(users.adapter, sessions),
  providers: [
    Credentials({
      credentials: { username: {}, password: {} },
      authorize: ({ username, password }) =>
        [ada, eve].find(({ id }) => id === username && password === PASSWORD) ?? null,
    }),
  ],
  callbacks: { session: ({ session, user }) => ({ ...session, user }) },
  secret: 'of-the-application',
  trustHost: true,
  basePath: '/auth',
  logger: { error: (error) => void errors.push(error), warn() {}, debug() {} },
} satisfies AuthConfig

const alone = appWith(config)
const beside = appWith({
  ...config,
  session: { strategy: 'database' },
  providers: [...config.providers, provider],
})

for (const [name, app] of [
  ['alone', alone],
  ['beside an identity provider', beside],
  ['alone, with the strategy named', appWith({ ...config, session: { strategy: 'database' } })],
] as const) {
  t.test(
    cell(`${name}: a sign-out everywhere on the phone ends the laptop's session`, {
      layout: 'no tables',
      driver: '@auth/core',
      strategy: 'credentials',
    }),
    async (t) => {
      const [phone, laptop, other] = [
        await signIn(app, 'ada'),
        await signIn(app, 'ada'),
        await signIn(app, 'eve'),
      ]
      t.match(phone.cookie(), /^[\w-]{43}$/, 'the cookie holds a session token, not a JWT')
      t.match(await phone.session(), { user: { id: 'ada', role: 'admin' } }, 'with all columns of the user')
      t.equal(await laptop.check(service.base), 200)
      const stolen = laptop.cookie() ?? ''

      const answer = await service.as(phone.cookie() ?? '', '/api/logout', json({ scope: 'global' }))
      t.equal(answer.status, 200)
      t.equal(await laptop.session(), null)
      t.equal(laptop.cookie(), undefined, 'Auth.js clears the cookie')
      t.equal(await service.check(stolen), 401)
      t.ok(await other.session(), 'another user stays signed in')
    },
  )
}

t.test('an identity provider next to it works as before', async (t) => {
  const grace = await signIn(beside, 'grace', { provider: 'work' })
  t.match(await grace.session(), { user: { email: person('grace').email } })
  t.equal(await grace.check(service.base), 200)
})

t.test('a sign-out of Auth.js ends the session', async (t) => {
  const phone = await signIn(alone, 'ada')
  const stolen = phone.cookie() ?? ''
  await phone.signOut()
  t.equal(phone.cookie(), undefined)
  t.equal(await service.check(stolen), 401)
})

t.test('a wrong password creates no session', async (t) => {
  const before = await psql('select count(*) from session')
  const stranger = await signIn(alone, 'ada', { password: 'guess' })
  t.match(errors.splice(0), [{ name: 'CredentialsSignin' }])
  t.equal(stranger.cookie(), undefined)
  t.equal(await stranger.session(), null)
  t.same(await psql('select count(*) from session'), before)
})

t.test("the browser's previous session ends at the next sign-in", async (t) => {
  const first = await signIn(alone, 'eve')
  const old = first.cookie() ?? ''
  const second = await signIn(alone, 'ada', { browser: first.browser })
  t.match(await second.session(), { user: { id: 'ada' } })
  t.equal(await service.check(old), 401)
})

t.test('a sign-in that cannot end the previous session fails, and sets no cookie', async (t) => {
  const before = (await signIn(alone, 'eve')).cookie() ?? ''
  const deleteSession = () => Promise.reject(new Error('away'))
  const failing = appWith({ ...config, adapter: { ...config.adapter, deleteSession } })
  const browser = openBrowser({ [origin]: failing.answer })
  browser.setCookie(origin, alone.cookieName, before)
  const after = await signIn(failing, 'ada', { browser })
  t.match(errors.splice(0), [{ name: 'CallbackRouteError' }])
  t.equal(after.cookie(), before)
  t.equal(await after.check(service.base), 200)
})

t.test("if the application's own jwt callback refuses the sign-in, there is no session", async (t) => {
  const before = await psql('select count(*) from session')
  const app = appWith({ ...config, callbacks: { ...config.callbacks, jwt: () => null } })
  const refused = await signIn(app, 'ada')
  t.equal(await refused.session(), null)
  t.same(await psql('select count(*) from session'), before)
})

t.test('a numeric id reaches the adapter as a number', async (t) => {
  const users = memoryAdapter()
  const grace = { name: 'Grace', email: 'grace@example.com', emailVerified: null }
  users.users.set(7, { ...grace, id: 7 as never })
  const adapter = withGlobalLogout(users.adapter, sessions, { readUserId: Number })
  const authorize = () => ({ ...grace, id: 7 as never })
  const app = appWith({ ...config, adapter, providers: [Credentials({ authorize })] })
  t.match(await (await signIn(app, 'grace')).session(), { user: { id: 7, name: 'Grace' } })
})

t.test('a locked user cannot sign in', async (t) => {
  await psql(`insert into user_lock (user_id, reason) values ('eve', 'a test')`)
  const refused = await signIn(alone, 'eve')
  t.equal(refused.cookie(), undefined)
  t.equal(await refused.session(), null)
  t.match(errors.splice(0), [{ name: 'CallbackRouteError', cause: { err: { code: 'user_locked' } } }])
})

t.test('a configuration that cannot keep the promise is refused', async (t) => {
  t.throws(() => databaseCredentials({ providers: [] }), /needs an adapter/)
  t.throws(() => databaseCredentials({ ...config, session: { strategy: 'jwt' } }), /use jwtSessions/)
})

t.test('a sign-in without a session fails, so no change in Auth.js could set a cookie', async (t) => {
  const { jwt } = databaseCredentials<AuthConfig>(config)
  await t.rejects(Promise.resolve(jwt?.encode?.({ token: {}, secret: '', salt: '' })), /no session was made/)
})

t.test('Auth.js reported no other error', async (t) => t.same(errors, []))

function appWith(config: AuthConfig): App {
  return {
    origin,
    basePath: '/auth',
    cookieName: 'authjs.session-token',
    answer: (request) => Auth(request, databaseCredentials(config)),
  }
}
