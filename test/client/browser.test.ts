/**
 * The browser helper clears data, leaves the page and notifies other tabs only once the service has confirmed
 * the logout.
 */

import type { LogoutOptions } from '@global-logout/client/browser'
import type { BrowserContext, Page } from 'playwright-core'
import { LOGOUT_SCOPES } from '../../src/operations/kinds.ts'
import { browserTest } from '../support/browser.ts'
import { duringOutage } from '../support/database-outage.ts'
import { startService } from '../support/service.ts'
import { openApplication } from './application-page.ts'

const service = await startService()
const HELPER = '/client/browser.ts'

type Options = Pick<LogoutOptions, 'scope' | 'callbackUrl'> & { ask?: boolean }

/** Calls `logout` in a page. @returns the outcome, or undefined if the page was left. */
function logOut(page: Page, options: Options = {}) {
  return page.evaluate(
    async ([path, { ask, ...options }]) => {
      const { logout } = await import(path)
      const clear = ['sessionStorage', 'localStorage', 'caches', () => (document.title = 'cleared')]
      const outcome = logout({ ...options, clear, ...(!ask && { confirm: () => true }) })
      return outcome.catch(({ name, message, status, code }: Record<string, unknown>) => ({
        name,
        message,
        status,
        code,
      }))
    },
    [HELPER, options] as const,
  )
}

/** Opens an application that keeps data in the browser. */
async function application(context: BrowserContext): Promise<Page> {
  const page = await openApplication(context)
  await page.evaluate(async () => {
    sessionStorage.setItem('draft', 'mine')
    localStorage.setItem('name', 'Ada')
    await (await caches.open('mail')).put('/mail', new Response('private'))
  })
  return page
}

/** Reads what is left of that data. */
function kept(page: Page) {
  return page.evaluate(async () => ({
    session: sessionStorage.length,
    local: localStorage.length,
    caches: (await caches.keys()).length,
    title: document.title,
  }))
}
const ALL = { session: 1, local: 1, caches: 1, title: 'application' }

/** A tab that subscribes to sign-outs; its title shows how many it received. */
async function listener(context: BrowserContext): Promise<Page> {
  const page = await openApplication(context)
  await page.evaluate(async (path) => {
    const { onSignedOut } = await import(path)
    let heard = 0
    let messages = 0
    new BroadcastChannel('global-logout').addEventListener('message', () => {
      document.documentElement.title = `${++messages} messages`
    })
    const stop = onSignedOut(() => (document.title = `heard ${++heard}`))
    addEventListener('stop', stop)
  }, HELPER)
  return page
}

const heard = (page: Page) => page.waitForFunction(() => document.title.startsWith('heard'))

browserTest(
  'logging out in one tab ends the sessions, clears data, leaves, and notifies the other tab',
  async (t, open) => {
    const ada = await service.addUser()
    const [{ token }, { token: phone }] = [await service.signIn(ada), await service.signIn(ada)]
    const context = await open(service, { token })
    const [here, there] = [await application(context), await listener(context)]
    await Promise.all([here.waitForURL('/signed-out'), logOut(here, { scope: 'global' }).catch(() => {})])
    await heard(there)
    t.equal(await service.check(token), 401)
    t.equal(await service.check(phone), 401)
    t.same(await here.evaluate(() => [sessionStorage.length, localStorage.length]), [0, 0])
    t.same(await here.evaluate(() => caches.keys()), [])
    t.notOk((await context.cookies()).some(({ name }) => name === service.cookieName))
    await here.goBack().catch(() => {})
    t.not(new URL(here.url()).pathname, '/app', 'the back button does not show the private page')
  },
)

browserTest('the user is asked first, and can decline', async (t, open) => {
  const { token } = await service.signIn(await service.addUser())
  const page = await application(await open(service, { token }))
  const asked: string[] = []
  page.on('dialog', (dialog) => {
    asked.push(dialog.message())
    void dialog.dismiss()
  })
  for (const scope of LOGOUT_SCOPES) t.equal(await logOut(page, { scope, ask: true }), false)
  t.same(asked, [
    'Sign out on this device?',
    'Sign out on all other devices?',
    'Sign out on all devices, this one included?',
  ])
  t.equal(await service.check(token), 200)
  t.same(await kept(page), ALL)
})

browserTest('if the service does not confirm the logout, nothing is cleared', async (t, open) => {
  const { token } = await service.signIn(await service.addUser())
  const context = await open(service, { token })
  const [page, there] = [await application(context), await listener(context)]
  const refused = { name: 'NotSignedOutError', message: /^Not signed out: .*[Tt]ry again/ }
  await duringOutage(service, async () => {
    t.match(await logOut(page), { ...refused, status: 503, code: 'unavailable' })
  })
  const something: Record<string, Parameters<Parameters<Parameters<Page['route']>[1]>[0]['fulfill']>[0]> = {
    'a page for every address': { status: 200, body: '<h1>Welcome</h1>' },
    'another JSON': { status: 200, json: {} },
    'no content': { status: 204 },
    'a redirect': { status: 302, headers: { location: '/signed-out' } },
    'a proxy without upstream': { status: 502, body: 'Bad Gateway' },
  }
  for (const [what, answer] of Object.entries(something)) {
    await page.route('/api/logout', (route) => route.fulfill(answer), { times: 1 })
    t.match(await logOut(page), { ...refused, status: 503, code: 'no_answer' }, what)
  }
  await page.route('/api/logout', (route) => route.abort(), { times: 1 })
  t.match(await logOut(page), { ...refused, code: 'no_answer' }, 'no network')
  t.same(await kept(page), ALL)
  t.equal(new URL(page.url()).pathname, '/app')
  t.equal(await there.evaluate(() => document.documentElement.title), '', 'no tab was notified')
  t.equal(await service.check(token), 200)

  await Promise.all([page.waitForURL('/signed-out'), logOut(page).catch(() => {})])
  await heard(there)
  t.equal(await service.check(token), 401, 'trying again ends the session')
})

browserTest('a user whose session has already ended sees that', async (t, open) => {
  const page = await application(await open(service, { token: 'unknown' }))
  t.match(await logOut(page), { name: 'NotSignedOutError', status: 401, code: 'invalid_token' })
  t.same(await kept(page), ALL)
})

browserTest('logging out the other devices leaves this browser unchanged', async (t, open) => {
  const ada = await service.addUser()
  const [{ token }, { token: phone }] = [await service.signIn(ada), await service.signIn(ada)]
  const context = await open(service, { token })
  const [here, there] = [await application(context), await listener(context)]
  const asked = there.waitForResponse('/api/session')
  await Promise.all([
    here.waitForURL('/app?done'),
    logOut(here, { scope: 'others', callbackUrl: '/app?done' }).catch(() => {}),
  ])
  await asked
  t.equal(await service.check(phone), 401)
  t.equal(await service.check(token), 200)
  t.same(await here.evaluate(() => [sessionStorage.length, localStorage.length]), [1, 1])
  t.equal(await there.title(), 'application')
})

browserTest("the helper and the service's own pages notify each other", async (t, open) => {
  const { token } = await service.signIn(await service.addUser())
  const context = await open(service, { token })
  const [app, own, other] = [await listener(context), await context.newPage(), await context.newPage()]
  await own.goto('/')
  await other.goto('/logout?scope=global')
  await other.getByRole('button', { name: 'Sign out' }).click()
  await heard(app)
  await own.waitForURL(/\/signed-out/)
  t.match([await app.title(), new URL(own.url()).pathname], [/^heard/, '/signed-out'], 'both tabs followed')

  const { token: anew } = await service.signIn(await service.addUser())
  await context.addCookies([{ name: service.cookieName, value: anew, url: service.base, httpOnly: true }])
  await own.goto('/')
  await logOut(app).catch(() => {})
  await own.waitForURL(/\/signed-out/)
  t.equal(new URL(own.url()).pathname, '/signed-out', "the service's page follows the helper")
})

browserTest('a 401 from a proxy signs the user out in no tab', async (t, open) => {
  const { token } = await service.signIn(await service.addUser())
  const context = await open(service, { token })
  const [page, other] = [await listener(context), await openApplication(context)]
  const tell = async () => {
    const asked = page.waitForResponse('/api/session')
    await other.evaluate(() => new BroadcastChannel('global-logout').postMessage('signed out'))
    return (await asked).status()
  }
  const headers = { 'www-authenticate': 'Bearer' }
  for (const answer of [{ status: 401 }, { status: 401, headers }, { status: 401, headers, json: {} }]) {
    await page.route('/api/session', (route) => route.fulfill(answer), { times: 1 })
    t.equal(await tell(), 401)
  }
  t.equal(await tell(), 200, 'the service itself answers that the session is valid')
  t.equal(await page.title(), 'application')
  await service.sessions.logout(token, 'local', { userAgent: null, ipAddress: null })
  t.equal(await tell(), 401)
  await heard(page)
})

browserTest('a tab that unsubscribed is not notified', async (t, open) => {
  const { token } = await service.signIn(await service.addUser())
  const context = await open(service, { token })
  const [here, deaf, there] = [await application(context), await listener(context), await listener(context)]
  await deaf.evaluate(() => dispatchEvent(new Event('stop')))
  await Promise.all([here.waitForURL('/signed-out'), logOut(here).catch(() => {})])
  await heard(there)
  t.equal(await deaf.title(), 'application')
})

browserTest('several notifications of one logout are handled once', async (t, open) => {
  const page = await listener(await open(service))
  await page.evaluate(async () => {
    const other = new BroadcastChannel('global-logout')
    for (let n = 0; n < 3; n++) {
      other.postMessage('signed out')
      await fetch('/api/session')
    }
    await fetch('/api/session')
  })
  t.equal(await page.title(), 'heard 1')
})

browserTest('a page restored from the back-forward cache checks its session', async (t, open) => {
  const { token } = await service.signIn(await service.addUser())
  const page = await listener(await open(service, { token }))
  await service.sessions.logout(token, 'global', { userAgent: null, ipAddress: null })
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
  await heard(page)
  t.equal(await page.title(), 'heard 1')
})
