/** Auth.js itself on our adapter, with a real OpenID Connect server, and our service on the same database. */
import { Auth, type AuthConfig } from '@auth/core'
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { withGlobalLogout } from '@global-logout/authjs'
import { GlobalLogoutAdapter } from '@global-logout/authjs/drizzle'
import { createDatabaseSessions } from '@global-logout/postgres'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { duringOutage } from '../support/database-outage.ts'
import { freePort } from '../support/ports.ts'
import { json, startService } from '../support/service.ts'
import { PATIENCE_MS, waitFor } from '../support/within.ts'
import { DRIVERS, openTransaction } from './application.ts'
import { type Browser, openBrowser, type Site } from './browser.ts'
import { person, startIdentityProvider } from './identity-provider.ts'
import { OWN_COLUMNS, ownTables, ownTablesSql } from './tables.ts'

const DAY = 86_400
const service = await startService()
const { psql } = service.database
await psql(ownTablesSql('uuid'))
const pool = DRIVERS['a pool of node-postgres'](service.database.url, '')
const app = `http://127.0.0.1:${await freePort()}`
const { provider } = await startIdentityProvider({ redirectUri: `${app}/auth/callback/work` })

/** What Auth.js logs as an error; a test that provokes one removes it. */
const errors: Error[] = []
const config: AuthConfig = {
  adapter: GlobalLogoutAdapter(pool, ownTables('uuid'), {
    timeoutMs: PATIENCE_MS,
    device: () => ({ userAgent: 'a browser', ipAddress: '203.0.113.9' }),
  }),
  session: { strategy: 'database', maxAge: 14 * DAY, updateAge: DAY },
  callbacks: { session: ({ session, user }) => ({ ...session, user }) },
  providers: [provider],
  secret: 'of-the-application',
  trustHost: true,
  basePath: '/auth',
  logger: { error: (error) => void errors.push(error), warn() {}, debug() {} },
}

t.test('a sign-in at the identity provider makes a user, an account and a hashed session', async (t) => {
  const ada = await signIn('ada')
  const [user] = await psql('select * from shop_uuid.member where mail = $1', [person('ada').email])
  t.match(user, { full_name: person('ada').name, picture: person('ada').picture })
  const accounts = await psql('select * from shop_uuid.login where member_id = $1', [user?.id])
  t.match(accounts, [{ provider: 'work', subject: 'ada', kind: 'oidc', access_token: String }])
  t.match(await psql('select * from "user" where id = $1', [user?.id]), [
    { name: person('ada').name, email: person('ada').email, image: person('ada').picture },
  ])
  t.strictSame(await psql('select * from shop_uuid.visit'), [], 'no row in the tables of the adapter')
  const sessions = await psql('select * from session where "userId" = $1', [user?.id])
  t.match(sessions, [
    { sessionToken: hashToken(ada.token()), userAgent: 'a browser', ipAddress: '203.0.113.9' },
  ])
  t.equal(sessions.length, 1)
  t.match(ada.token(), /^[\w-]{43}$/, 'the cookie holds the token, not its hash')

  t.match(await ada.session(), {
    user: { id: user?.id, name: person('ada').name, email: person('ada').email, ...OWN_COLUMNS },
  })
  t.equal(
    await (await openBrowser({ [app]: withAuth() }).request(`${app}/auth/session`)).json(),
    null,
    'a visitor without a cookie has no session',
  )
})

t.test('the service accepts the cookie that Auth.js set, for the same user', async (t) => {
  const ada = await signIn('ada')
  const check = await ada.browser.request(`${service.base}/check`)
  t.equal(check.status, 200)
  t.equal(check.headers.get('x-user-id'), (await ada.session())?.user.id)
  const listed = await ada.browser.request(`${service.base}/api/sessions`)
  t.match(await listed.json(), { sessions: [{ current: true, ipAddress: '203.0.113.9' }] })
})

t.test('the next sign-in is the same user with another session', async (t) => {
  const [phone, laptop] = [await signIn('grace'), await signIn('grace')]
  t.not(phone.token(), laptop.token())
  t.equal((await phone.session())?.user.id, (await laptop.session())?.user.id)
  t.same(
    await psql('select count(*)::int as users from shop_uuid.member where mail = $1', [
      person('grace').email,
    ]),
    [{ users: 1 }],
  )
})

t.test('a user who signs in again while signed in keeps a valid session', async (t) => {
  const ada = await signIn('ada')
  const token = ada.token()
  await signIn('ada', ada.browser)
  t.equal(ada.token(), token, 'the same session, as Auth.js does it')
  t.ok((await ada.session())?.user.id)
  t.equal(await service.check(ada.token()), 200)
})

t.test("after a sign-in with an ended session's cookie, only the new token is valid", async (t) => {
  const ada = await signIn('ada')
  const old = ada.token()
  await service.as(old, '/api/logout', json({ scope: 'local' }))
  await signIn('ada', ada.browser)
  t.not(ada.token(), old)
  t.equal(await service.check(ada.token()), 200)
  t.equal(await service.check(old), 401)
})

t.test('a sign-in never uses a session cookie that an attacker planted', async (t) => {
  const browser = openBrowser({ [app]: withAuth() })
  browser.setCookie(app, service.cookieName, 'planted')
  const victim = await signIn('ada', browser)
  t.not(victim.token(), 'planted')
  t.equal(await service.check('planted'), 401)
})

t.test('a request that is overtaken by a logout is the last one that Auth.js answers', async (t) => {
  const ada = await signIn('ada')
  const token = ada.token()
  await psql(`update session set "lastSeenAt" = now() - interval '1 hour' where "sessionToken" = $1`, [
    hashToken(token),
  ])
  const logout = await openTransaction(service.database)
  await logout.query('delete from session where "sessionToken" = $1', [hashToken(token)])
  t.ok(await ada.session(), 'it does not wait for a logout in progress')
  await logout.commit()
  t.equal(await ada.session(), null)
  t.equal(ada.token(), undefined)
  t.equal(await service.check(token), 401)
})

t.test("activity does not extend a session past the service's idle timeout or maximum age", async (t) => {
  for (const over of [
    `"createdAt" = now() - interval '30 days'`,
    `"lastSeenAt" = now() - interval '7 days'`,
  ]) {
    const ada = await signIn('ada')
    const token = ada.token()
    await psql(`update session set ${over} where "sessionToken" = $1`, [hashToken(token)])
    t.equal(await ada.session(), null, over)
    t.equal(await ada.session(), null, over)
    t.equal(ada.token(), undefined, 'Auth.js clears the cookie')
    t.equal(await service.check(token), 401)
  }
})

t.test('a request to the application counts as session activity', async (t) => {
  const ada = await signIn('ada')
  const hash = hashToken(ada.token())
  await psql(`update session set "lastSeenAt" = now() - interval '6 days' where "sessionToken" = $1`, [hash])
  const [before] = await psql('select now()')
  await ada.session()
  const [row] = await psql('select "lastSeenAt" as seen from session where "sessionToken" = $1', [hash])
  t.ok(row?.seen >= before?.now)
})

t.test('a sign-out posted by another site without the CSRF token ends nothing', async (t) => {
  const ada = await signIn('ada')
  const token = ada.token()
  for (const body of ['', 'csrfToken=guessed']) {
    await ada.browser.request(`${app}/auth/signout`, form(body))
    t.match(errors.splice(0), [{ name: 'MissingCSRF' }])
    t.equal(ada.token(), token)
    t.equal(await service.check(token), 200)
  }
})

t.test('a sign-out of Auth.js ends the session everywhere, and is recorded', async (t) => {
  const [phone, laptop] = [await signIn('ada'), await signIn('ada')]
  const token = phone.token()
  const userId = (await phone.session())?.user.id
  await phone.signOut()
  t.equal(phone.token(), undefined, 'the cookie is cleared')
  t.equal(await phone.session(), null)
  t.equal(await service.check(token), 401)
  t.match(await service.sessions.tokenStatus(token), {
    state: 'revoked',
    userId,
    operation: { kind: 'logout', scope: 'local', actorId: userId, revokedCount: 1 },
  })
  const [tombstone] = await psql('select * from revoked_session where session_token = $1', [hashToken(token)])
  t.match(tombstone, { user_id: userId, user_agent: 'a browser', ip_address: '203.0.113.9' })

  t.ok(await laptop.session(), 'the other device stays signed in')
  t.equal(await service.check(laptop.token()), 200)

  phone.browser.setCookie(app, service.cookieName, token)
  t.equal(await phone.session(), null, 'a thief who kept the cookie is signed out, too')
})

t.test('after the phone logs out everywhere, the application refuses the laptop', async (t) => {
  const [phone, laptop] = [await signIn('ada'), await signIn('ada')]
  const eve = await signIn('eve')
  const token = laptop.token()
  const answer = await service.as(phone.token(), '/api/logout', json({ scope: 'global' }))
  t.equal(answer.status, 200)
  for (const device of [phone, laptop]) {
    t.equal(await device.session(), null)
    t.equal(device.token(), undefined, 'Auth.js clears the cookie')
  }
  laptop.browser.setCookie(app, service.cookieName, token)
  t.equal(await laptop.session(), null, 'and stays signed out')
  t.ok(await eve.session(), 'other users stay signed in')
})

t.test('a user signed in with the stock adapter stays signed in, until a sign-out', async (t) => {
  const browser = openBrowser({ [app]: withAuth({ adapter: DrizzleAdapter(pool, ownTables('uuid')) }) })
  const before = await signIn('heidi', browser)
  const token = before.token()
  t.equal((await psql('select from shop_uuid.visit')).length, 1)
  const after = openBrowser({ [app]: withAuth() })
  after.setCookie(app, service.cookieName, token)
  const session = (await (await after.request(`${app}/auth/session`)).json()) as SessionAnswer
  t.match(session.user, { ...OWN_COLUMNS, email: person('heidi').email })
  t.equal(await service.check(token), 200)
  t.strictSame(await psql('select from shop_uuid.visit'), [])
  await after.request(`${app}/auth/signout`, form(`csrfToken=${await csrfToken(after)}`))
  t.equal(await service.check(token), 401)
  after.setCookie(app, service.cookieName, token)
  t.equal(await (await after.request(`${app}/auth/session`)).json(), null)
})

t.test('with checks from memory, a request of a signed-in user costs no query', async (t) => {
  const asked: string[] = []
  const db = logged(asked)
  const sessions = createDatabaseSessions({
    db,
    directConnectionString: service.database.url,
    checks: 'leased',
    timeoutMs: PATIENCE_MS,
  })
  t.teardown(sessions.close)
  const on = (userMaxAge: number) => {
    const adapter = withGlobalLogout(DrizzleAdapter(db, ownTables('uuid')), sessions, { userMaxAge })
    return { adapter, browser: openBrowser({ [app]: withAuth({ adapter }) }) }
  }
  const long = on(3_600)
  const ada = await signIn('ada', long.browser)
  const user = (await ada.session())?.user
  asked.splice(0)
  for (let n = 0; n < 20; n++) t.same((await ada.session())?.user, user, 'with every column')
  t.same(asked, [])

  await long.adapter.updateUser?.({ id: user?.id ?? '', name: 'Countess' })
  t.equal((await ada.session())?.user.name, 'Countess', 'a change by the adapter counts at once')
  const always = openBrowser({ [app]: withAuth({ adapter: on(0).adapter }) })
  always.setCookie(app, service.cookieName, ada.token())
  const brief = openBrowser({ [app]: withAuth({ adapter: on(0.2).adapter }) })
  brief.setCookie(app, service.cookieName, ada.token())
  const nameAt = async (browser: Browser) =>
    ((await (await browser.request(`${app}/auth/session`)).json()) as SessionAnswer).user.name
  await nameAt(brief)
  await psql(`update shop_uuid.member set full_name = 'Ada' where id = $1`, [user?.id])
  t.equal(await nameAt(always), 'Ada', 'without userMaxAge, a change by SQL counts at once')
  await waitFor('the change', async () => (await nameAt(brief)) === 'Ada')
  t.equal((await ada.session())?.user.name, 'Countess', 'within it, as before')

  const phone = await signIn('ada')
  t.equal((await service.as(phone.token(), '/api/logout', json({ scope: 'global' }))).status, 200)
  t.equal(await ada.session(), null, 'and never a session that has ended')
})

t.test('during a database outage, Auth.js shows no session, and keeps the cookie', async (t) => {
  const ada = await signIn('ada')
  const token = ada.token()
  await duringOutage(service, async () => {
    for (let request = 0; request < 3; request++) {
      t.equal(await ada.session(), null)
      t.match(errors.splice(0), [{ name: 'AdapterError' }, { name: 'SessionTokenError' }])
      t.equal(ada.token(), token)
    }
  })
  await waitFor('the session', () => ada.session())
  errors.splice(0)
  t.equal(ada.token(), token)
})

t.test('a sign-in during a database outage fails, and leaves the session cookie unchanged', async (t) => {
  const ada = await signIn('ada')
  const token = ada.token()
  const gone = DRIVERS['a pool of node-postgres'](`${service.database.url}_that_is_not`, '')
  const away = withAuth({ adapter: GlobalLogoutAdapter(gone, ownTables('uuid')) })
  const browser = openBrowser({ [app]: away })
  browser.setCookie(app, service.cookieName, token)
  await t.rejects(signIn('ada', browser), /was not signed in/)
  t.match(errors.splice(0).at(-1), { name: /AdapterError|CallbackRouteError/ })
  t.equal(browser.cookie(app, service.cookieName), token)
})

t.test('a failed sign-out is logged by Auth.js, which clears its cookie nevertheless', async (t) => {
  const ada = await signIn('ada')
  const token = ada.token()
  await duringOutage(service, async () => {
    await ada.signOut()
    t.match(errors.splice(0), [{ name: 'AdapterError' }, { name: 'SignOutError' }])
    t.equal(ada.token(), undefined, 'no adapter can prevent it: docs/adopt.md')
  })
  await waitFor('the service', async () => (await service.check(token)) === 200)
})

interface SessionAnswer {
  user: { id: string; name: string; email: string; role: string }
  expires: string
}

/** Signs a user in through the redirects of both sides, as a browser does. */
async function signIn(who: string, browser = openBrowser({ [app]: withAuth() })) {
  const body = `csrfToken=${await csrfToken(browser)}&callbackUrl=${encodeURIComponent(`${app}/auth/session`)}`
  const { url } = await browser.visit(`${app}/auth/signin/work?login_hint=${who}`, form(body))
  if (url !== `${app}/auth/session`)
    throw new Error(`${who} was not signed in, and ended up at ${url}: ${errors}`)
  return {
    browser,
    token: () => browser.cookie(app, service.cookieName) as string,
    session: async () =>
      (await (await browser.request(`${app}/auth/session`)).json()) as SessionAnswer | null,
    signOut: async () =>
      browser.request(`${app}/auth/signout`, form(`csrfToken=${await csrfToken(browser)}`)),
  }
}

async function csrfToken(browser: Browser): Promise<string> {
  const response = await browser.request(`${app}/auth/csrf`)
  return ((await response.json()) as { csrfToken: string }).csrfToken
}

function form(body: string): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }
}

/** The application's database, whose queries are listed. */
function logged(queries: string[]) {
  const client = new pg.Pool({ connectionString: service.database.url })
  client.on('error', () => {})
  t.teardown(() => client.end())
  return drizzle(client, { logger: { logQuery: (query) => void queries.push(query) } })
}

/** The application: Auth.js, with options that a test changes. */
function withAuth(changes: Partial<AuthConfig> = {}): Site {
  return (request) => Auth(request, { ...config, ...changes })
}
