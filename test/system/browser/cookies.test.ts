/**
 * Session cookies in Chromium: cookies that a sibling domain sets, and cookies left from an earlier `COOKIE_DOMAIN`. Names below
 * `.localhost` resolve to this machine, and Chromium treats them as secure, so that `__Host-` works.
 */
import { createServer } from 'node:http'
import type { BrowserContext } from 'playwright-core'
import t from 'tap'
import { DEMO_USERS, seedDemo } from '../../../demo/users.ts'
import { browserTest } from '../../support/browser.ts'
import { listen } from '../../support/ports.ts'
import { type Service, startService } from '../../support/service.ts'

const HOST = 'app.localhost'

/** The service's address under its name for browsers. */
const at = ({ base }: Service) => base.replace('127.0.0.1', HOST)

/** A page on a sibling domain that sets a cookie, sent as latin1 like every header of Node. */
async function sibling(): Promise<(context: BrowserContext, setCookie: string) => Promise<void>> {
  let line = ''
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': line }).end('<!doctype html>')
  })
  const port = await listen(server)
  t.teardown(() => server.close().closeAllConnections())
  return async (context, setCookie) => {
    line = setCookie
    const page = await context.newPage()
    await page.goto(`http://evil.${HOST}:${port}/`)
    await page.close()
  }
}

/** Signs in through the pages. @returns the path of the page that follows. */
async function signIn(context: BrowserContext, service: Service): Promise<string> {
  const page = await context.newPage()
  await page.goto(`${at(service)}/login`)
  await page.getByRole('button', { name: `Sign in as ${DEMO_USERS[0]?.name}` }).click()
  await page.waitForLoadState()
  const { pathname } = new URL(page.url())
  await page.close()
  return pathname
}

const sessionCookies = async (context: BrowserContext, service: Service) =>
  (await context.cookies(at(service))).filter(({ name }) => name.includes('session-token'))

const plant = await sibling()

browserTest(
  'a cookie that a sibling domain sets does not sign the user in as the attacker',
  async (t, open) => {
    const service = await startService({ demo: true, env: { PUBLIC_URL: `https://${HOST}` } })
    const attacker = await service.signIn(await service.addUser('attacker'))
    t.equal(service.cookieName, '__Host-authjs.session-token')
    for (const before of ['\xa0', '\xc2\xa0', '\x85', '=', '', '%20']) {
      const context = await open(service)
      await plant(context, `${before}${service.cookieName}=${attacker.token}; Domain=${HOST}; Path=/; Secure`)
      const page = await context.newPage()
      const response = await page.goto(`${at(service)}/api/session`)
      t.equal(response?.status(), 401, JSON.stringify(before))
    }
    const context = await open(service)
    await plant(context, `\xa0${service.cookieName}=${attacker.token}; Domain=${HOST}; Path=/; Secure`)
    t.equal((await context.cookies(at(service))).length, 1, 'Chromium keeps it and sends it')
  },
)

browserTest('after COOKIE_DOMAIN is introduced, the next sign-in works', async (t, open) => {
  const env = { PUBLIC_URL: `http://${HOST}` }
  const before = await startService({ demo: true, env })
  await before.database.run(seedDemo)
  const { database } = before
  const after = await startService({ demo: true, database, env: { ...env, COOKIE_DOMAIN: HOST } })
  const context = await open(before)
  await signIn(context, before)
  t.match(await sessionCookies(context, before), [{ domain: HOST }], 'host-only')
  await signIn(context, after)
  t.match(await sessionCookies(context, after), [{ domain: `.${HOST}` }], 'only the new one is left')
  const page = await context.newPage()
  t.equal((await page.goto(`${at(after)}/api/session`))?.status(), 200)
})

browserTest('two session cookies are removed by the 401, and signing in again works', async (t, open) => {
  const env = { PUBLIC_URL: `http://${HOST}`, COOKIE_DOMAIN: HOST }
  const service = await startService({ demo: true, env })
  await service.database.run(seedDemo)
  const { token } = await service.signIn(await service.addUser())
  const forms = [{ domain: HOST }, { domain: `.${HOST}` }]
  for (const path of ['/check', '/api/session', '/signed-out', '/']) {
    const context = await open(service)
    await context.addCookies(
      forms.map((form, n) => ({ ...form, name: service.cookieName, value: `${token}${n}`, path: '/' })),
    )
    t.equal((await sessionCookies(context, service)).length, 2)
    const page = await context.newPage()
    const response = await page.goto(`${at(service)}${path}`)
    t.equal(response?.status(), path.length > 1 && path !== '/signed-out' ? 401 : 200, path)
    t.same(await sessionCookies(context, service), [], `${path} has removed both`)
    t.equal(await signIn(context, service), '/', 'the next sign-in works')
    t.equal((await page.goto(`${at(service)}/check`))?.status(), 200)
  }
})

browserTest('session cookies of every parent domain are removed by one 401', async (t, open) => {
  const host = `id.team.${HOST}`
  const env = { PUBLIC_URL: `http://${host}` }
  const service = await startService({ demo: true, env })
  const { token } = await service.signIn(await service.addUser())
  const context = await open(service)
  const address = service.base.replace('127.0.0.1', host)
  const cookie = { name: service.cookieName, path: '/' }
  await context.addCookies([
    { ...cookie, domain: host, value: token },
    { ...cookie, domain: `.team.${HOST}`, value: 'planted' },
    { ...cookie, domain: `.${HOST}`, value: 'planted' },
  ])
  const page = await context.newPage()
  t.equal((await page.goto(`${address}/check`))?.status(), 401)
  t.same(await context.cookies(), [])
})
