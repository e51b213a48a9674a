/**
 * next-auth 4 and Express with our database sessions: signed in, signed out, and undecided, which signs no
 * user out.
 */
import { createServer } from 'node:http'
import type { AuthConfig } from '@auth/core'
import type { AdapterUser } from '@auth/core/adapters'
import { withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions } from '@global-logout/postgres'
import express, { type Request, type RequestHandler } from 'express'
import t from 'tap'
import { duringOutage } from '../support/database-outage.ts'
import { listen } from '../support/ports.ts'
import { startService } from '../support/service.ts'
import { PATIENCE_MS, waitFor } from '../support/within.ts'
import { openBrowser } from './browser.ts'
import { inDays } from './contract-suite.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { load as loadNextAuth, missing } from './next-auth.ts'
import { load, skip } from './others/load.ts'

const service = await startService()
const sessions = createDatabaseSessions({ connectionString: service.database.url, timeoutMs: PATIENCE_MS })
t.teardown(sessions.close)
const adapter = withGlobalLogout(memoryAdapter({ columns: { role: 'editor' } }).adapter, sessions)
/** What Auth.js logs as an error; a test that provokes one removes it. */
const errors: unknown[] = []
const options = {
  adapter,
  providers: [],
  secret: 'of-the-application',
  session: { strategy: 'database' as const },
  callbacks: {
    session: ({ session, user }: { session: object; user: AdapterUser }) => ({ ...session, user }),
  },
  logger: { error: (error: unknown) => void errors.push(error), warn() {}, debug() {} },
}

async function signIn() {
  const email = `${crypto.randomUUID()}@example.com`
  const user = await adapter.createUser({ id: '', name: 'Ada', email, emailVerified: null })
  const { sessionToken } = await adapter.createSession({
    sessionToken: '',
    userId: user.id,
    expires: inDays(7),
  })
  return { user, token: sessionToken }
}

t.test('Express', { skip }, async (t) => {
  interface ExpressAuth {
    ExpressAuth: (config: AuthConfig) => RequestHandler
    getSession: (request: Request, config: AuthConfig) => Promise<object | null>
  }
  const { ExpressAuth, getSession } = await load<ExpressAuth>('@auth/express')
  const config: AuthConfig = { ...options, trustHost: true } as unknown as AuthConfig
  const app = express()
  app.use('/auth', ExpressAuth(config))
  app.get('/', async (request, response) => void response.json(await getSession(request, config)))
  const server = createServer(app)
  const origin = `http://127.0.0.1:${await listen(server)}`
  t.teardown(() => server.close())

  const { user, token } = await signIn()
  const browser = openBrowser({})
  browser.setCookie(origin, 'authjs.session-token', token)
  const cookie = () => browser.cookie(origin, 'authjs.session-token')
  const session = async () => (await browser.request(`${origin}/`)).json()
  t.match(await session(), { user: { id: user.id, role: 'editor' } })
  await duringOutage(service, async () => {
    t.equal(await session(), null)
    t.equal(await (await browser.request(`${origin}/auth/session`)).json(), null)
    t.ok(errors.splice(0).length > 0, 'the log has the reason')
    t.equal(cookie(), token)
  })
  await waitFor('the session', session)
  errors.splice(0)

  const { csrfToken } = (await (await browser.request(`${origin}/auth/csrf`)).json()) as { csrfToken: string }
  const body = new URLSearchParams({ csrfToken })
  await browser.request(`${origin}/auth/signout`, { method: 'POST', body })
  t.equal(cookie(), undefined)
  t.equal(await service.check(token), 401)
  t.strictSame(errors, [])
})

t.test('next-auth 4', { skip: missing }, async (t) => {
  process.env.NEXTAUTH_URL = 'http://127.0.0.1'
  const { getServerSession } = (await loadNextAuth('next-auth-4/next')).default
  const { token, user } = await signIn()
  const set: string[] = []
  const response = {
    getHeader: () => [],
    setHeader: (_: string, value: string | string[]) => {
      set.push(...[value].flat().filter((line) => line.startsWith('next-auth.session-token=')))
    },
  }
  const session = () =>
    getServerSession({ headers: {}, cookies: { 'next-auth.session-token': token } }, response, options)
  t.match(await session(), { user: { id: user.id, role: 'editor' } })
  t.match(set.splice(0), [new RegExp(`^next-auth.session-token=${token}`)])
  await duringOutage(service, async () => {
    t.equal(await session(), null)
    t.ok(errors.splice(0).length > 0, 'the log has the reason')
    t.strictSame(set, [], 'the cookie stays')
  })
  await waitFor('the session', session)
  errors.splice(0)
  set.splice(0)
  await service.sessions.logout(token, 'global', { userAgent: null, ipAddress: null })
  t.equal(await session(), null)
  t.match(set, [/^next-auth.session-token=;/])
})
