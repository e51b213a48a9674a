/**
 * After a sign-out on a shared computer, the next user does not see the application's cached pages and data.
 */
import { createServer, request } from 'node:http'
import type { Page } from 'playwright-core'
import t from 'tap'
import { browserTest } from '../../support/browser.ts'
import { listen } from '../../support/ports.ts'
import { type Service, startService } from '../../support/service.ts'

/** A gateway to the service, with an application at `/mail` whose page browsers may cache for an hour. */
async function behindGateway(env: Record<string, string> = {}) {
  let service: Service | undefined
  let asked = 0
  const server = createServer((incoming, answer) => {
    if (incoming.url === '/mail') {
      asked++
      const headers = { 'content-type': 'text/html', 'cache-control': 'private, max-age=3600' }
      return void answer.writeHead(200, headers).end('<!doctype html><title>Mail</title><h1>Dear Ada</h1>')
    }
    const { port } = new URL(service?.base ?? '')
    const { url, method, headers } = incoming
    const sent = request({ host: '127.0.0.1', port, path: url, method, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers)
      got.pipe(answer)
    })
    sent.on('error', () => answer.destroy())
    incoming.pipe(sent)
  })
  const port = await listen(server)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  // Chromium obeys Clear-Site-Data on https and on localhost.
  const base = `http://127.0.0.1:${port}`
  service = await startService({ env: { PUBLIC_URL: base, ...env } })
  return { service: { ...service, base }, asked: () => asked }
}

async function readMail(page: Page): Promise<void> {
  await page.goto('/mail')
  await page.goto('/logout')
  await page.goto('/mail')
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'
  browserTest(`the next user does not see the mail from the cache, ${how}`, async (t, open) => {
    const { service, asked } = await behindGateway()
    const { token } = await service.signIn(await service.addUser())
    const page = await (await open(service, { token, javaScriptEnabled })).newPage()
    await readMail(page)
    t.equal(asked(), 1, 'while signed in it comes from the cache')
    await page.goto('/logout')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL('/signed-out')
    await page.goBack()
    await page.goBack()
    await page.waitForURL('/mail')
    t.equal(asked(), 2, 'the application gets the request, and may refuse it')
  })
}

browserTest(
  'with CLEAR_SITE_DATA=cache,storage a sign-out also clears what the application stored',
  async (t, open) => {
    for (const [CLEAR_SITE_DATA, left] of [
      ['cache', 'Ada'],
      ['cache,storage', null],
    ] as const) {
      const { service } = await behindGateway({ CLEAR_SITE_DATA })
      const { token } = await service.signIn(await service.addUser())
      const page = await (await open(service, { token })).newPage()
      await page.goto('/mail')
      await page.evaluate(() => localStorage.setItem('name', 'Ada'))
      await page.goto('/logout')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL('/signed-out')
      t.equal(await page.evaluate(() => localStorage.getItem('name')), left, CLEAR_SITE_DATA)
    }
  },
)
