/**
 * Applications of Next, on each version: no access without a session, and a sign-out reaches every browser.
 */
import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { browserTest } from '../support/browser.ts'
import { duringOutage } from '../support/database-outage.ts'
import { rawConnection } from '../support/raw.ts'
import { json, type Service } from '../support/service.ts'
import { waitFor, within } from '../support/within.ts'
import { FOLDERS, type NextVersion, signIn, skipNext, startApplication } from './next-application.ts'
import { guardInNode, guardOnEdge } from './next-guard.ts'

const FORGED = { 'x-user-id': 'forged', x_user_id: 'forged', 'x-session-id': 'forged' }

export async function testNext(version: NextVersion): Promise<void> {
  const skip = skipNext(version)
  if (skip) return void t.test(`Next ${version}`, { skip }, async () => {})
  const { base, service, site, database } = await startApplication(version)
  const on = `Next ${version}`
  const me = (page: Page) => page.evaluate(() => fetch('/api/me').then(({ status }) => status))
  const cookieOf = async (context: BrowserContext) =>
    (await context.cookies()).find(({ name }) => name === service.cookieName)?.value

  t.test(`${on}: without a session, a page redirects to the sign-in and data gets 401`, async (t) => {
    const { host } = new URL(base)
    const signInPage = '/api/auth/signin?callbackUrl=%2Faccount%3Ftab%3D1'
    const cases: [string, string][] = [
      [`Host: ${host}\r\nAccept: text/html`, base],
      [`Host: ${host}\r\nSec-Fetch-Mode: navigate`, base],
      [
        `Host: app.example.com\r\nX-Forwarded-Proto: https\r\nSec-Fetch-Mode: navigate`,
        'https://app.example.com',
      ],
    ]
    for (const [from, to] of cases) {
      const answer = await rawConnection(
        base,
        `GET /account?tab=1 HTTP/1.1\r\n${from}\r\nX-User-ID: forged\r\nConnection: close\r\n\r\n`,
      ).closed()
      t.match(answer, /^HTTP\/1.1 303 /)
      const location = /^location: (.*)$/im.exec(answer)?.[1]?.trim() ?? ''
      t.equal(new URL(location, base).href, to + signInPage, from)
    }
    for (const headers of [FORGED, { ...FORGED, 'x-middleware-subrequest': 'middleware:middleware:proxy' }]) {
      const data = await boundedFetch(`${base}/api/me`, { headers })
      t.equal(data.status, 401)
      t.match(await data.json(), { type: 'urn:global-logout:problem:unauthenticated' })
    }
  })

  t.test(`${on}: a path with a trailing slash is the same path`, async (t) => {
    process.env.GLOBAL_LOGOUT_URL = service.base
    const options = { signIn: '/login', public: ['/', '/about', '/help/*'] }
    const ask = await guardInNode(FOLDERS[version], options, { trailingSlash: true })
    for (const [path, passes] of [
      ['/', true],
      ['/about/', true],
      ['/login/', true],
      ['/help/me/', true],
      ['/account/', false],
      ['/aboutness/', false],
    ] as const) {
      const { headers } = await ask(base + path, { accept: 'text/html' })
      t.equal(headers.get('x-middleware-next') === '1', passes, path)
      if (!passes) t.match(headers.get('location'), /\/login\?callbackUrl=/, path)
    }
    const { headers } = await ask(`${base}/devices/`)
    t.equal(headers.get('x-middleware-rewrite'), `${service.base}/devices`)
  })

  browserTest(`${on}: the API gets the user from the proxy only`, async (t, open) => {
    const context = await open(site)
    const page = await signIn(context, 'ada')
    const userId = await page.locator('#user').textContent()
    t.ok(userId)
    const told = await page.evaluate(
      (forged) => fetch('/api/me', { headers: forged }).then((answer) => answer.json()),
      FORGED,
    )
    t.same(told, { userId })
    const check = await boundedFetch(`${service.base}/check`, {
      headers: { authorization: `Bearer ${await cookieOf(context)}` },
    })
    t.equal(check.headers.get('x-user-id'), userId, 'it is the user that the service knows')
  })

  browserTest(
    `${on}: after a sign-out everywhere, the other browser is signed out and leaves its page`,
    async (t, open) => {
      const [phone, laptop, eve] = [await open(site), await open(site), await open(site)]
      const [here, there] = [await signIn(phone, 'dorothy'), await signIn(laptop, 'dorothy')]
      const other = await signIn(eve, 'eve')
      const token = await cookieOf(phone)
      await here.getByRole('button', { name: 'Sign out everywhere' }).click()
      await here.waitForURL('/signed-out')
      t.match(await here.textContent('h1'), 'You are signed out everywhere')
      t.match(
        await here.textContent('main'),
        /devices were signed out:.*this device/s,
        'and lists what has ended',
      )
      await there.waitForURL(/\/signed-out/)
      t.equal(await cookieOf(phone), undefined, 'the cookie is gone')
      t.equal(await service.check(token ?? ''), 401)
      t.equal(await me(there), 401)
      await there.goto('/account')
      t.match(there.url(), /\/api\/auth\/signin/)
      t.equal(await me(other), 200, 'the other user stays signed in')
    },
  )

  browserTest(`${on}: the button asks, signs out this browser, and leaves the page`, async (t, open) => {
    const [phone, laptop] = [await open(site), await open(site)]
    const [here, there] = [await signIn(phone, 'grace'), await signIn(laptop, 'grace')]
    const answers = [false, true]
    here.on('dialog', (dialog) => void (answers.shift() ? dialog.accept() : dialog.dismiss()))
    const button = here.getByRole('button', { name: 'Sign out', exact: true })
    await button.click()
    await waitFor('the question', () => answers.length === 1)
    t.equal(await me(here), 200, 'declined, the user stays signed in')
    await button.click()
    await here.waitForURL('/signed-out')
    t.equal(await cookieOf(phone), undefined)
    t.equal(await me(there), 200, 'the other browser stays signed in')
  })

  browserTest(`${on}: the devices are listed on the application's own origin`, async (t, open) => {
    const extraHTTPHeaders = { 'x-forwarded-for': '192.0.2.66, 198.51.100.7' }
    const page = await signIn(await open(site, { extraHTTPHeaders }), 'joan')
    await page.getByRole('link', { name: 'Your devices' }).click()
    await page.waitForURL('/devices')
    await page.getByText('This device').first().waitFor()
    const text = await page.textContent('body')
    t.match(text, /198\.51\.100\.7/, 'with the address that the proxy in front of Next appended')
    t.notMatch(text, /192\.0\.2\.66/, 'and not one that the client can choose')
    t.equal(await page.evaluate(() => [...document.styleSheets].length > 0), true)
  })

  browserTest(
    `${on}: a device that is signed out in the list loses access, and the list says so`,
    async (t, open) => {
      const [phone, laptop] = [await open(site), await open(site)]
      const [here, there] = [await signIn(phone, 'mary'), await signIn(laptop, 'mary')]
      await here.goto('/devices')
      await here.locator('a.end').click()
      await here.getByRole('button', { name: 'Sign out', exact: true }).click()
      await here.getByRole('heading', { name: '1 device was signed out' }).waitFor()
      t.equal(new URL(here.url()).pathname, '/devices', "not the application's front page")
      await there.waitForURL(/\/signed-out/)
    },
  )

  browserTest(
    `${on}: a page is notified of its session's end at once, through the application`,
    async (t, open) => {
      const page = await signIn(await open(site), 'joan')
      const first = page.evaluate(async () => {
        const { body, headers } = await fetch('/api/session/events')
        const reader = body?.getReader()
        const { value } = (await reader?.read()) ?? {}
        await reader?.cancel()
        return { type: headers.get('content-type'), text: new TextDecoder().decode(value) }
      })
      t.match(await within('the start of the stream', first), {
        type: /^text\/event-stream/,
        text: /^: following/,
      })
    },
  )

  browserTest(`${on}: a page checks once for its proxy, its components and Auth.js`, async (t, open) => {
    const page = await signIn(await open(site), 'mary')
    const checks = async () => {
      const text = await (await service.http('/metrics')).text()
      return Number(/^\S*check_duration_seconds_count\{result="valid"\} (\d+)$/m.exec(text)?.[1])
    }
    const before = await checks()
    await page.goto('/account')
    t.equal((await checks()) - before, 1)
  })

  browserTest(`${on}: polling does not extend a session`, async (t, open) => {
    const context = await open(site)
    const page = await signIn(context, 'mary')
    const isIdle = await idleness(service, (await cookieOf(context)) ?? '')
    const poll = (headers: Record<string, string>, path = '/api/me') =>
      page.evaluate(([path, headers]) => fetch(path, { headers }).then(({ status }) => status), [
        path,
        headers,
      ] as const)
    t.equal(await poll({ 'x-session-activity': 'none' }), 200)
    t.equal(await isIdle(), true, 'polling')
    t.equal(await poll({ 'x-session-activity': 'none' }, '/api/auth/session'), 200)
    t.equal(await isIdle(), true, 'polling by Auth.js itself, if a gateway sets the header')
    // Next 15 does not tell the application that a request is a prefetch.
    if (version === 16) {
      for (const path of ['/api/me', '/account']) {
        t.equal(await poll({ 'next-router-prefetch': '1' }, path), 200)
        t.equal(await isIdle(), true, `a prefetch of ${path}`)
      }
    }
    t.equal(await poll({}), 200)
    t.equal(await isIdle(), false, 'anything else')
  })

  browserTest(`${on}: an outage signs no user out`, async (t, open) => {
    const context = await open(site)
    const page = await signIn(context, 'ada')
    const token = await cookieOf(context)
    await duringOutage(service, async () => {
      t.equal(await me(page), 503)
      page.once('dialog', (dialog) => void dialog.accept())
      await page.getByRole('button', { name: 'Sign out', exact: true }).click()
      await page.getByRole('alert').getByText('Not signed out').waitFor()
      const answer = await page.goto('/account')
      t.equal(answer?.status(), 503)
      t.match(await page.textContent('body'), /still signed in/)
      t.equal(await cookieOf(context), token)
    })
    await page.goto('/account')
    t.equal(new URL(page.url()).pathname, '/account')
    t.equal(await me(page), 200)
  })

  browserTest(
    `${on}: sessions in process answer a page and Auth.js from memory, until a sign-out elsewhere`,
    async (t, open) => {
      const context = await open(site)
      const page = await signIn(context, 'radia')
      const userId = await page.locator('#user').textContent()
      await page.goto('/in-process')
      t.equal(await page.locator('#user').textContent(), userId)
      const before = database.counts.requests
      const pages = await page.evaluate(() => {
        const read = (answer: Response) => answer.text().then((text) => [answer.status, text] as const)
        return Promise.all(Array.from({ length: 30 }, () => fetch('/in-process').then(read)))
      })
      const sent = database.counts.requests - before
      t.ok(
        sent < pages.length,
        `${sent} messages to the database for ${pages.length} pages, and for the lease`,
      )
      for (const [status, text] of pages) if (status !== 200 || !text.includes(userId ?? '?')) t.fail(text)
      const elsewhere = await service.signIn(userId ?? '')
      const signedOut = await service.as(elsewhere.token, '/api/logout', json({ scope: 'global' }))
      t.equal(signedOut.status, 200)
      t.equal(await page.evaluate(() => fetch('/api/in-process').then(({ status }) => status)), 401)
      await page.goto('/in-process')
      t.match(page.url(), /\/api\/auth\/signin/)
    },
  )

  // Next 16 is built without the other routes of the tests.
  if (version === 15) {
    testEdge(base, service)
    testGuards(base, service, site)
    testLeaving(service, site)
    testOwnSessions(base, service, site)
  }
}

/** The guard in a `middleware.ts` that names no runtime. */
function testEdge(base: string, service: Service): void {
  t.test('Next 15: the guard works on the edge', async (t) => {
    const ask = await guardOnEdge(FOLDERS[15], { public: ['/'] }, service.base)
    const { host } = new URL(base)
    const page = { host, 'sec-fetch-mode': 'navigate' }
    const { token } = await service.signIn('edge')
    const cookie = `${service.cookieName}=${token}`
    const passed = await ask(`${base}/account`, { ...page, ...FORGED, cookie })
    t.equal(passed.headers.get('x-middleware-next'), '1')
    t.equal(passed.headers.get('x-middleware-request-x-user-id'), 'edge')
    const open = await ask(`${base}/`, { ...page, ...FORGED })
    t.equal(open.headers.get('x-middleware-next'), '1')
    t.notMatch(open.headers.get('x-middleware-override-headers'), /user-id|session-id/)
    const elsewhere = await ask(`${base}/account`, page)
    t.equal(elsewhere.status, 303)
    t.equal(elsewhere.headers.get('location'), `${base}/api/auth/signin?callbackUrl=%2Faccount`)
    t.equal((await ask(`${base}/api/me`, { host })).status, 401)
    const devices = await ask(`${base}/devices`, page)
    t.equal(devices.headers.get('x-middleware-rewrite'), `${service.base}/devices`)
    await duringOutage(service, async () => {
      t.equal((await ask(`${base}/account`, { ...page, cookie })).status, 503)
    })
  })
}

/** `withSession` and `requireSession` without a proxy that guards. */
function testGuards(base: string, service: Service, site: Service): void {
  t.test('withSession answers 401 without a session, and drops forged identity headers', async (t) => {
    const answer = await boundedFetch(`${base}/api/guarded`, { headers: FORGED })
    t.equal(answer.status, 401)
    t.match(await answer.json(), { type: 'urn:global-logout:problem:unauthenticated' })
    const page = await boundedFetch(`${base}/recent`, { redirect: 'manual' })
    t.match(page.headers.get('location'), /\/api\/auth\/signin\?callbackUrl=%2Frecent$/)
  })

  browserTest(
    'a page that needs a recent sign-in redirects an older session to sign out first',
    async (t, open) => {
      const context = await open(site)
      const page = await signIn(context, 'hedy')
      const userId = await page.locator('#user').textContent()
      const guarded = await page.evaluate(
        (headers) => fetch('/api/guarded', { headers }).then((answer) => answer.json()),
        FORGED,
      )
      t.same(guarded, { userId, forged: null }, 'a public path gets no forged identity either')
      await page.goto('/recent')
      t.equal(await page.locator('#user').textContent(), userId)
      await service.database.psql(
        `update session set "createdAt" = now() - interval '11 minutes' where "userId" = $1`,
        [userId],
      )
      await page.goto('/recent')
      t.match(page.url(), /\/logout\?callbackUrl=%2Fapi%2Fauth%2Fsignin/)
      await duringOutage(service, async () => {
        t.equal(await page.evaluate(() => fetch('/api/guarded').then(({ status }) => status)), 503)
      })
    },
  )
}

/** The action `logout` for this browser alone. */
function testLeaving(service: Service, site: Service): void {
  browserTest(
    'a sign-out redirects to a path of the application, and to no other origin',
    async (t, open) => {
      for (const [to, path] of [
        ['/act?x=1', '/act?x=1'],
        ['/\t/evil.example/', '/signed-out'],
        ['/\n/evil.example/', '/signed-out'],
        ['//evil.example/', '/signed-out'],
        ['/\\evil.example/', '/signed-out'],
        ['https://evil.example/', '/signed-out'],
      ] as const) {
        const context = await open(site)
        await signIn(context, 'barbara')
        const page = await context.newPage()
        await page.goto(`/leave?to=${encodeURIComponent(to)}`)
        await page.getByRole('button', { name: 'Leave' }).click()
        await page.waitForURL(/\/(act|signed-out)/)
        const { origin, pathname, search } = new URL(page.url())
        t.equal(origin + pathname + search, new URL(path, site.base).href, JSON.stringify(to))
      }
    },
  )

  browserTest(
    'a browser is not shown as signed out while one of its cookies is a valid session',
    async (t, open) => {
      const { token } = await service.signIn('barbara')
      // With scripts, an action that throws shows the error page.
      const context = await open(site, { javaScriptEnabled: false })
      const stale = { name: 'authjs.session-token', value: 'stale', url: site.base }
      await context.addCookies([stale, { ...stale, name: 'next-auth.session-token', value: token }])
      const page = await context.newPage()
      await page.goto('/leave')
      await page.getByRole('button', { name: 'Leave' }).click()
      await page.waitForLoadState()
      const looksSignedOut = new URL(page.url()).pathname === '/signed-out'
      t.equal(await service.check(token), looksSignedOut ? 401 : 200)
    },
  )
}

/** Sessions in process, and guarded actions of both kinds. */
function testOwnSessions(base: string, service: Service, site: Service): void {
  browserTest(
    'with sessions in process, a page and Auth.js share one query, and no session means no access',
    async (t, open) => {
      const elsewhere = await boundedFetch(`${base}/in-process`, { redirect: 'manual', headers: FORGED })
      t.match(elsewhere.headers.get('location'), /\/api\/auth\/signin\?callbackUrl=%2Fin-process$/)
      t.equal((await boundedFetch(`${base}/api/in-process`, { headers: FORGED })).status, 401)

      const page = await signIn(await open(site), 'radia')
      const userId = await page.locator('#user').textContent()
      await page.goto('/in-process')
      t.equal(await page.locator('#user').textContent(), userId)
      t.equal(await page.locator('#user').getAttribute('data-checks'), '1')
      const ask = (method: string) =>
        page.evaluate(
          ([method, headers]) => fetch('/api/in-process', { method, headers }).then((it) => it.json()),
          [method, FORGED] as const,
        )
      t.same(await ask('GET'), { userId, forged: null })
      t.same(await ask('POST'), { ended: 1 }, 'a global logout')
      t.match(await ask('GET'), { status: 401 })
      await page.goto('/in-process')
      t.match(page.url(), /\/api\/auth\/signin/)
    },
  )

  browserTest(
    'the first page after the adoption finds its user signed in, even if it checks before Auth.js',
    async (t, open) => {
      const context = await open(site)
      await context.addCookies([{ name: service.cookieName, value: crypto.randomUUID(), url: base }])
      const page = await context.newPage()
      await page.goto('/taken-over')
      t.equal(await page.locator('#user').textContent(), 'katherine')
    },
  )

  for (const which of ['Over HTTP', 'In process'])
    browserTest(
      `a guarded action runs with a session; after its end it redirects to the sign-in: ${which}`,
      async (t, open) => {
        const context = await open(site)
        const page = await signIn(context, 'vera')
        const userId = (await page.locator('#user').textContent()) ?? ''
        const done = async () => (await context.cookies()).find(({ name }) => name === 'done')?.value
        await page.goto('/act')
        await page.getByRole('button', { name: which }).click()
        await waitFor('the action', done)
        t.equal(
          decodeURIComponent((await done()) ?? ''),
          `${userId} ${which.replace(/^[OI]/, (it) => it.toLowerCase())}`,
        )
        await context.clearCookies({ name: 'done' })
        await service.accounts.revoke(userId, { reason: 'test' }, { actorKind: 'system', actorId: 'test' })
        await page.getByRole('button', { name: which }).click()
        await page.waitForURL(/\/api\/auth\/signin/)
        t.equal(await done(), undefined)
      },
    )
}

/** Makes a session two days idle. @returns a function that tells whether it is still idle. */
async function idleness(service: Service, token: string): Promise<() => Promise<boolean>> {
  const { psql } = service.database
  const hash = hashToken(token)
  await service.lastSeen.flush()
  await psql(`update session set "lastSeenAt" = now() - interval '2 days' where "sessionToken" = $1`, [hash])
  return async () => {
    await service.lastSeen.flush()
    const [row] = await psql<{ idle: boolean }>(
      `select "lastSeenAt" < now() - interval '1 day' as idle from session where "sessionToken" = $1`,
      [hash],
    )
    if (!row) throw new Error('the session does not exist')
    return row.idle
  }
}
