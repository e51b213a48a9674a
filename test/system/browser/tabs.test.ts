/** The browser script: tabs show a sign-out, and stay unchanged while the service is undecided. */
import type { Page } from 'playwright-core'
import { browserTest } from '../../support/browser.ts'
import { startService } from '../../support/service.ts'
import { within } from '../../support/within.ts'
import { addPerson } from './devices.ts'
import { cutStream, logOut, read, signIn } from './gallery.ts'

const service = await startService()
const UNKNOWN_DEVICE = { userAgent: null, ipAddress: null }

browserTest('after a sign-out the other tabs of the browser show it', async (t, open) => {
  const { tokens } = await addPerson(service)
  const context = await open(service, { token: tokens[0] })
  const [here, list, question] = [await context.newPage(), await context.newPage(), await context.newPage()]
  await list.goto('/')
  await question.goto('/logout')
  await logOut(here, 'global')
  for (const tab of [list, question]) {
    await tab.waitForURL('/signed-out?followed')
    // The event may arrive before this browser has removed its cookie; the text then names the time.
    t.match(
      await read(tab),
      /You are signed out You (were signed out in this browser|signed out everywhere on [\w ]+ at \d\d:\d\d)\./,
    )
  }
})

browserTest(
  'a list in another tab no longer shows the devices that were signed out here',
  async (t, open) => {
    const { tokens } = await addPerson(service)
    const context = await open(service, { token: tokens[0] })
    const [here, list] = [await context.newPage(), await context.newPage()]
    await list.goto('/')
    await logOut(here, 'others')
    await list.getByText('You are signed in on this device only.').waitFor()
    t.equal(new URL(list.url()).pathname, '/')
  },
)

for (const [moment, happen] of [
  ['becomes visible again', () => document.dispatchEvent(new Event('visibilitychange'))],
  [
    'comes back from the back-forward cache',
    () => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })),
  ],
] as const) {
  browserTest(`a tab that ${moment} after a sign-out elsewhere shows it`, async (t, open) => {
    const { tokens } = await addPerson(service)
    const page = await (await open(service, { token: tokens[0] })).newPage()
    await cutStream(page)
    await page.goto('/')
    await service.sessions.logout(tokens[1] ?? '', 'global', UNKNOWN_DEVICE)
    await page.evaluate(happen)
    await page.waitForURL('/signed-out')
    t.match(await read(page), 'You were signed out everywhere on')
  })

  browserTest(`a tab that ${moment} while the service cannot answer stays unchanged`, async (t, open) => {
    const { tokens } = await addPerson(service)
    const page = await (await open(service, { token: tokens[0] })).newPage()
    await page.goto('/')
    const navigations: string[] = []
    page.on('framenavigated', (frame) => navigations.push(frame.url()))
    const headers = { 'www-authenticate': 'Bearer' }
    for (const status of [503, 500, 429, 401, 200, 'abort'] as const) {
      await page.unroute('/api/session')
      await page.route('/api/session', (route) =>
        status === 'abort' ? route.abort() : route.fulfill({ status, headers, body: 'not a session' }),
      )
      const asked = Promise.race([page.waitForEvent('requestfailed'), page.waitForEvent('requestfinished')])
      await page.evaluate(happen)
      await asked
    }
    // A navigation caused by the answers above would come before this answer is handled.
    await page.unroute('/api/session')
    await page.evaluate(async () => void (await fetch('/api/session')))
    t.strictSame(navigations, [])
    t.match(await read(page), 'Your devices')
  })
}

browserTest(
  'after a sign-in as another user in the same browser, an open tab shows that user',
  async (t, open) => {
    const ada = await addPerson(service)
    const grace = await addPerson(service, { name: 'Grace Hopper' })
    const page = await (await open(service, { token: ada.tokens[0] })).newPage()
    await page.goto('/logout?scope=global')
    await signIn(page, service, grace.tokens[0])
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await page.getByText('Signed in as Grace Hopper').waitFor()
    t.equal(await service.check(ada.tokens[0]), 200)
  },
)

browserTest(
  'a second press of the button sends no second request, and after going back the button works again',
  async (t, open) => {
    const { tokens } = await addPerson(service)
    const page = await (await open(service, { token: tokens[0] })).newPage()
    await page.goto('/logout?scope=others')
    let posts = 0
    const held = Promise.withResolvers<void>()
    const first = Promise.withResolvers<void>()
    await page.route('/logout', async (route) => {
      posts += 1
      first.resolve()
      await within('the second press', held.promise)
      await route.continue()
    })
    // Playwright looks up nothing while a navigation is pending.
    const words = Promise.withResolvers<string>()
    await page.exposeFunction('say', words.resolve)
    await page.evaluate(() => {
      const { say } = globalThis as unknown as { say(text: string): void }
      new MutationObserver(() => {
        const text = document.querySelector('output')?.textContent
        if (text) say(text)
      }).observe(document.body, { childList: true, subtree: true })
    })
    const box = await page.getByRole('button', { name: 'Sign out' }).boundingBox()
    if (!box) throw new Error('there is no button')
    const press = () => page.mouse.click(box.x + 10, box.y + 10)
    await press()
    await within('the first request', first.promise)
    t.equal(await within('the words of the wait', words.promise), 'Signing out. This can take a few seconds.')
    await press()
    held.resolve()
    await page.getByRole('heading', { name: '5 devices were signed out' }).waitFor()
    t.equal(posts, 1)

    await logOut(page, 'global')
    await page.waitForURL('/signed-out')
    t.equal(posts, 2)
  },
)

browserTest(
  "times are shown in the browser's time zone, and are right if its clock is wrong",
  async (t, open) => {
    const { tokens } = await addPerson(service)
    const told = async (page: Page) => {
      await page.goto('/')
      return page.locator('time[data-relative]').allTextContents()
    }
    const plain = await told(
      await (await open(service, { token: tokens[0], javaScriptEnabled: false })).newPage(),
    )
    t.strictSame(plain.filter((_, odd) => odd % 2).slice(0, 3), ['2 minutes ago', '5 hours ago', 'yesterday'])

    const context = await open(service, { token: tokens[0], timezoneId: 'Asia/Kathmandu' })
    const page = await context.newPage()
    await cutStream(page)
    await page.clock.install({ time: Date.now() - 3 * 3_600_000 })
    t.strictSame(await told(page), plain, 'a browser three hours slow shows the same as the server')
    await page.clock.runFor('03:00:00')
    t.match(await read(page.locator('time[data-relative]').nth(1)), '3 hours ago', 'and keeps updating')

    await service.sessions.logout(tokens[1] ?? '', 'global', UNKNOWN_DEVICE)
    await page.goto('/')
    const time = page.getByRole('main').locator('time')
    const expected = new Intl.DateTimeFormat('en-GB', {
      dateStyle: 'long',
      timeStyle: 'short',
      timeZone: 'Asia/Kathmandu',
    }).format(new Date((await time.getAttribute('datetime')) ?? ''))
    t.equal(await read(time), expected)
  },
)
