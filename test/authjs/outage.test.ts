/**
 * Ten seconds without the database: no session is valid meanwhile, and all users are still signed in
 * afterwards.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Auth, type AuthConfig } from '@auth/core'
import Credentials from '@auth/core/providers/credentials'
import { databaseCredentials, jwtSessions, withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { duringOutage } from '../support/database-outage.ts'
import { freePort } from '../support/ports.ts'
import { startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { type App, signIn } from './sign-in.ts'

const OUTAGE_MS = 10_000
const SECRET = 'of-the-application'
/** Makes a JWT that needs three cookies. */
const padding = 'a'.repeat(7_000)
const service = await startService({ env: { AUTH_SECRET: SECRET }, patient: false })
const sessions = createDatabaseSessions({ connectionString: service.database.url })
t.teardown(sessions.close)

const ada = { id: 'ada', name: 'Ada', email: 'ada@example.com', emailVerified: null }
const users = memoryAdapter()
users.users.set(ada.id, ada)
const config = {
  providers: [Credentials({ credentials: { username: {}, password: {} }, authorize: () => ada })],
  secret: SECRET,
  trustHost: true,
  basePath: '/auth',
  logger: { error() {}, warn() {}, debug() {} },
} satisfies AuthConfig
const adapter = withGlobalLogout(users.adapter, sessions)
const apps = {
  'database sessions with credentials': await appWith(databaseCredentials({ ...config, adapter })),
  'JWT sessions': await appWith(jwtSessions(config, sessions, { onUndecided() {} })),
  'JWT sessions in parts': await appWith(
    jwtSessions({ ...config, callbacks: { jwt: ({ token }) => ({ ...token, padding }) } }, sessions, {
      onUndecided() {},
    }),
  ),
}

t.test('an outage of ten seconds signs no user out', async (t) => {
  const devices = await Promise.all(
    Object.entries(apps).map(async ([name, app]) => ({ name, device: await signIn(app, 'ada') })),
  )
  for (const { name, device } of devices) {
    t.match(await device.session(), { user: { name: 'Ada' } }, name)
    t.equal(await device.check(service.base), 200, name)
    const part = device.browser.cookie(apps['JWT sessions in parts'].origin, 'authjs.session-token.2')
    t.equal(part !== undefined, name === 'JWT sessions in parts', name)
  }
  await duringOutage(service, async () => {
    const end = Date.now() + OUTAGE_MS
    for (let rounds = 0; Date.now() < end || rounds < 2; rounds++) {
      for (const { name, device } of devices) {
        t.equal(await device.session(), null, `${name}: the application sees no user`)
        t.ok(device.cookie(), `${name}: the cookie stays`)
        t.equal(await device.check(service.base), 503, `${name}: undecided`)
        t.ok(device.cookie(), `${name}: the cookie stays`)
      }
      await sleep(OUTAGE_MS / 10)
    }
  })
  for (const { name, device } of devices) {
    await waitFor('a check that is decided', async () => (await device.check(service.base)) !== 503)
    t.equal(await device.check(service.base), 200, name)
    t.match(await device.session(), { user: { name: 'Ada' } }, `${name}: signed in as before`)
  }
})

async function appWith(config: AuthConfig): Promise<App> {
  return {
    origin: `http://127.0.0.1:${await freePort()}`,
    basePath: '/auth',
    cookieName: 'authjs.session-token',
    answer: (request) => Auth(request, config),
  }
}
