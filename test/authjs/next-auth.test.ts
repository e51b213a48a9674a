/**
 * next-auth 4, and `auth()` of next-auth 5: both wrap Auth.js, and differ in how they report an undecided
 * session.
 */

import { databaseCredentials, jwtSessions, withGlobalLogout } from '@global-logout/authjs'
import { type Sessions, UndecidedError } from '@global-logout/client'
import { createDatabaseSessions } from '@global-logout/postgres'
import { parseCookie } from 'cookie'
import t from 'tap'
import { cell } from '../support/matrix.ts'
import { freePort } from '../support/ports.ts'
import { json, startService } from '../support/service.ts'
import type { Site } from './browser.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { load, missing, type NextAuth4 } from './next-auth.ts'
import { type App, PASSWORD, signIn } from './sign-in.ts'

const SECRET = 'of-the-application'
const service = await startService({
  env: { AUTH_SECRET: SECRET, SESSION_COOKIE: 'next-auth.session-token' },
})
const origin = `http://127.0.0.1:${await freePort()}`
process.env.NEXTAUTH_URL = origin
const sessions = createDatabaseSessions({ connectionString: service.database.url })
t.teardown(sessions.close)
const unavailable: Sessions = { ...sessions, check: () => Promise.reject(new UndecidedError('away')) }

const ada = { id: 'ada', name: 'Ada', email: 'ada@example.com', emailVerified: null }
const users = memoryAdapter()
users.users.set(ada.id, ada)
const authorize = async ({ password }: { password?: string }) => (password === PASSWORD ? ada : null)
/** Codes and errors that next-auth logs; a test that provokes one removes it. */
const errors: unknown[] = []

t.test('next-auth 4', { skip: missing }, async (t) => {
  const { default: credentials } = await load('next-auth-4/providers/credentials')
  const { default: nextAuth4 } = await load('next-auth-4')
  const config = {
    providers: [credentials.default({ credentials: { username: {}, password: {} }, authorize })],
    secret: SECRET,
    logger: { error: (code: string) => void errors.push(code), warn() {}, debug() {} },
  }
  const withSessions = { ...config, adapter: withGlobalLogout(users.adapter, sessions) }
  const database = appWith(nextAuth4.default, databaseCredentials(withSessions))
  const jwt = appWith(nextAuth4.default, jwtSessions(config, sessions))

  for (const [name, app, cookie] of [
    ['database sessions with credentials', database, /^[\w-]{43}$/],
    ['JWT sessions', jwt, /^eyJ/],
  ] as const) {
    t.test(
      cell(`${name}: a sign-out everywhere on the phone ends the laptop's session`, {
        layout: 'no tables',
        driver: 'next-auth 4',
        strategy: app === jwt ? 'jwt' : 'credentials',
      }),
      async (t) => {
        const [phone, laptop] = [await signIn(app, 'ada'), await signIn(app, 'ada')]
        t.match(phone.cookie(), cookie)
        t.match(await phone.session(), { user: { name: 'Ada' } })
        t.equal(await laptop.check(service.base), 200)
        const init = json({ scope: 'global' })
        const headers = { ...init.headers, 'sec-fetch-site': 'same-origin' }
        const answer = await phone.browser.request(`${service.base}/api/logout`, { ...init, headers })
        t.equal(answer.status, 200)
        t.equal(await laptop.check(service.base), 401)
        t.same(await laptop.session(), {}, "next-auth's answer without a session")
        t.equal(laptop.cookie(), undefined)
        // It encodes the token that the callback refused.
        t.same(errors.splice(0), app === jwt ? ['JWT_SESSION_ERROR'] : [])
      },
    )

    t.test(`${name}: a sign-out of next-auth ends the session`, async (t) => {
      const phone = await signIn(app, 'ada')
      const copy = phone.cookie() ?? ''
      await phone.signOut()
      t.equal(phone.cookie(), undefined)
      phone.browser.setCookie(origin, app.cookieName, copy)
      t.equal(await phone.check(service.base), 401)
      t.same(errors, [])
    })
  }

  t.test('undecided: getServerSession returns no user, and the cookie stays', async (t) => {
    const phone = await signIn(jwt, 'ada')
    const { getServerSession } = await load('next-auth-4/next').then((loaded) => loaded.default)
    const options = jwtSessions(config, unavailable, { onUndecided() {} })
    const cookies = { [jwt.cookieName]: phone.cookie() }
    const set: unknown[] = []
    const response = { getHeader: () => [], setHeader: (_: string, value: unknown) => set.push(value) }
    t.equal(await getServerSession({ headers: {}, cookies }, response, options), null)
    t.match(set.flat().at(-1), /^next-auth\.session-token=eyJ/, 'it is set anew')
    t.match(await phone.session(), { user: { name: 'Ada' } })
    t.same(errors, [])
  })
})

t.test('auth() of next-auth 5', { skip: missing }, async (t) => {
  // next-auth 4's variable, which version 5 would use as its own.
  delete process.env.NEXTAUTH_URL
  const { initAuth } = await load('next-auth-5/lib/index.js')
  const { encode } = await load('next-auth-5/jwt')
  const config = {
    providers: [],
    secret: SECRET,
    trustHost: true,
    basePath: '/api/auth',
    callbacks: { authorized: ({ auth }: { auth: unknown }) => seen.push(auth) > 0 },
    logger: { error: (error: unknown) => void errors.push(error), warn() {}, debug() {} },
  }
  let seen: unknown[] = []
  const { token } = await sessions.create({ user: { id: 'ada' } })
  const cookie = await encode({
    token: { name: 'Ada', globalLogout: { sessionId: 'an id', token } },
    secret: SECRET,
    salt: 'authjs.session-token',
  })
  const headers = { cookie: `authjs.session-token=${cookie}`, 'x-forwarded-proto': 'http' }
  const request = Object.assign(new Request(`${origin}/a/page`, { headers }), {
    nextUrl: new URL(`${origin}/a/page`),
  })
  /** Runs its middleware. @returns what `authorized` gets, and the cookies that are set. */
  const authOf = async (wrapped: object): Promise<string[]> => {
    seen = []
    const response: Response = await initAuth(wrapped)(request, {})
    return response.headers.getSetCookie().filter((line) => line.startsWith('authjs.session-token='))
  }

  await authOf(jwtSessions(config, sessions))
  t.match(seen, [{ user: { name: 'Ada' } }])
  t.notMatch(JSON.stringify(seen), /globalLogout/)

  const [kept = ''] = await authOf(jwtSessions(config, unavailable, { onUndecided() {} }))
  t.same(seen, [null], 'undecided is no session: most applications only test `auth`')
  t.match(kept, /^authjs\.session-token=eyJ/, 'the cookie stays')

  const own = {
    ...config,
    callbacks: { ...config.callbacks, session: ({ session }: { session: object }) => session },
  }
  await authOf(jwtSessions(own, unavailable, { onUndecided() {} }))
  t.same(seen, [null], 'even with a callback of the application')

  await sessions.logout({ headers: { authorization: `Bearer ${token}` } })
  const [cleared = ''] = await authOf(jwtSessions(config, sessions))
  t.same(seen, [null])
  t.match(cleared, /^authjs\.session-token=;/)
  t.same(errors, [])
})

function appWith(nextAuth: NextAuth4, options: object): App {
  return {
    origin,
    basePath: '/api/auth',
    cookieName: 'next-auth.session-token',
    answer: pageApi((request, response) => nextAuth(request, response, options)),
  }
}

/** Answers like an API route of Next.js, `pages/api/auth/[...nextauth].ts`. */
function pageApi(handle: (request: object, response: object) => Promise<unknown>): Site {
  return async (request) => {
    const { pathname, searchParams, host } = new URL(request.url)
    const headers = new Headers()
    const answer = { status: 200, body: null as string | null }
    const response = {
      status(code: number) {
        answer.status = code
        return response
      },
      getHeader: (name: string) => (name === 'Set-Cookie' ? headers.getSetCookie() : headers.get(name)),
      setHeader(name: string, value: string | string[]) {
        headers.delete(name)
        for (const each of [value].flat()) headers.append(name, each)
        return response
      },
      json: (body: unknown) => response.send(body),
      send(body: unknown) {
        answer.body = typeof body === 'string' ? body : JSON.stringify(body)
      },
      end() {},
    }
    const text = await request.text()
    await handle(
      {
        method: request.method,
        headers: { ...Object.fromEntries(request.headers), host },
        cookies: parseCookie(request.headers.get('cookie') ?? ''),
        query: { ...Object.fromEntries(searchParams), nextauth: pathname.split('/').slice(3) },
        body: Object.fromEntries(new URLSearchParams(text)),
      },
      response,
    )
    return new Response(answer.body, { status: answer.status, headers })
  }
}
