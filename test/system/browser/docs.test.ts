/** The API page: a signed-in user can read and try calls, and it loads nothing from other sites. */
import { browserTest } from '../../support/browser.ts'
import { startService } from '../../support/service.ts'
import { addPerson } from './devices.ts'

const service = await startService()

browserTest('a signed-in user reads about a call, tries it, and sees the answer', async (t, open) => {
  const { id, tokens } = await addPerson(service)
  const context = await open(service, { token: tokens[0] ?? '' })
  const page = await context.newPage()
  const foreign: string[] = []
  page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(service.base))
      foreign.push(request.url())
  })
  const answer = await page.goto('/docs')
  t.match(answer?.headers()['content-security-policy'], "default-src 'none'")
  const call = page.locator('#operations-users-getSession')
  await call.locator('.opblock-summary-control').click()
  await call.getByRole('button', { name: 'Try it out' }).click()
  await call.getByRole('button', { name: 'Execute' }).click()
  await call.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor()
  t.match(await call.locator('.live-responses-table').innerText(), id)
  t.same(foreign, [], 'nothing is loaded from other sites')
})

browserTest('it follows the device: dark if preferred, and no wider than a phone', async (t, open) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await open(service, {
      colorScheme,
      viewport: { width: 390, height: 844 },
      isMobile: true,
    })
    const page = await context.newPage()
    await page.goto('/docs')
    await page.locator('#operations-users-logout .opblock-summary-control').click()
    await page.locator('#operations-users-logout .responses-wrapper').waitFor()
    const dark = () => document.documentElement.classList.contains('dark-mode')
    t.equal(await page.evaluate(dark), colorScheme === 'dark')
    t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
  }
})

browserTest('the other pages keep their Content-Security-Policy', async (t, open) => {
  const page = await (await open(service)).newPage()
  const answer = await page.goto('/signed-out')
  t.notMatch(answer?.headers()['content-security-policy'], 'unsafe')
})
