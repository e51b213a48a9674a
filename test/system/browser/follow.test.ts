/** Open pages follow what happens elsewhere, by themselves; and what is asked for in them is not disturbed by that. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrowserContext, Page } from 'playwright-core'
import { browserTest } from '../../support/browser.ts'
import { json, startService } from '../../support/service.ts'
import { waitFor } from '../../support/within.ts'
import { AGENTS, addPerson } from './devices.ts'
import { cutStream, isStream, read } from './gallery.ts'

const service = await startService()
const { psql } = service.database
const ofStream = (sent: { url(): string }) => isStream(new URL(sent.url()))

for (const [how, end, why] of [
  [
    'through the API',
    (_: string, phone: string) =>
      service.as(phone, '/api/logout', {
        ...json({ scope: 'global' }),
        headers: { 'content-type': 'application/json', 'user-agent': AGENTS.phone },
      }),
    /You were signed out everywhere on [\w ]+ at \d\d:\d\d\. The sign-out was requested from Safari on iPhone\./,
  ],
  [
    'by SQL',
    (userId: string) => psql('delete from session where "userId" = $1', [userId]),
    /You were signed out on [\w ]+ at \d\d:\d\d\./,
  ],
] as const) {
  browserTest(
    `after a logout elsewhere ${how}, an open page says that it is out, and why`,
    async (t, open) => {
      const { id, tokens } = await addPerson(service)
      const page = await openHearing(await open(service, { token: tokens[0] }), '/')
      await end(id, tokens[1] ?? '')
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
      t.match(await read(page), why)
    },
  )
}

browserTest('an open list loses a device that was logged out elsewhere', async (t, open) => {
  const { tokens } = await addPerson(service, { devices: 2 })
  const page = await openHearing(await open(service, { token: tokens[0] }), '/')
  await page.getByText('You are signed in on 2 devices.').waitFor()
  await service.as(tokens[1] ?? '', '/api/logout', { method: 'POST' })
  await page.getByText('You are signed in on this device only.').waitFor()
  t.equal(await service.check(tokens[0]), 200)
})

browserTest('what happens to another user, and a database that is away, move no page', async (t, open) => {
  const { tokens } = await addPerson(service, { devices: 2 })
  const other = await addPerson(service)
  const page = await openHearing(await open(service, { token: tokens[0] }), '/')
  const navigations: string[] = []
  page.on('framenavigated', (frame) => navigations.push(frame.url()))
  await service.as(other.tokens[0], '/api/logout', json({ scope: 'global' }))
  await psql(`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name like 'global-logout%' and datname = current_database() and pid <> pg_backend_pid()`)
  // Whatever they had set off would be there before this one is.
  await waitFor(
    'the logout to be decided',
    async () => (await service.as(tokens[1] ?? '', '/api/logout', { method: 'POST' })).status !== 503,
  )
  await page.getByText('You are signed in on this device only.').waitFor()
  t.equal(navigations.length, 1)
})

browserTest('all tabs of a browser follow, whichever of them are closed', async (_, open) => {
  const { tokens } = await addPerson(service)
  const context = await open(service, { token: tokens[0] })
  const first = await openHearing(context, '/')
  const [second, third] = [await context.newPage(), await context.newPage()]
  await second.goto('/logout')
  await third.goto('/')
  await service.as(tokens[1] ?? '', '/api/logout', { method: 'POST' })
  for (const tab of [first, third]) await tab.getByText('You are signed in on 5 devices').waitFor()
  await second.getByText('This device and 4 others').waitFor()

  const hears = second.waitForResponse(ofStream)
  await Promise.all([first.close(), third.close()])
  await Promise.race([hears, second.waitForTimeout(1_000)])
  await service.as(tokens[2] ?? '', '/api/logout', json({ scope: 'global' }))
  await second.getByRole('heading', { name: 'You are signed out' }).waitFor()
})

browserTest('without locks (plain http), a page hears while it is looked at', async (_, open) => {
  const { tokens } = await addPerson(service)
  const context = await open(service, { token: tokens[0] })
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'locks', { value: undefined })
    let state = 'visible'
    Object.defineProperty(document, 'visibilityState', { get: () => state })
    addEventListener('look', (event) => {
      state = (event as CustomEvent).detail
      document.dispatchEvent(new Event('visibilitychange'))
    })
  })
  const page = await openHearing(context, '/')
  const turn = (state: string) =>
    page.evaluate((detail) => dispatchEvent(new CustomEvent('look', { detail })), state)
  const stopped = page.waitForEvent('requestfailed', ofStream)
  await turn('hidden')
  await stopped
  const hears = page.waitForResponse(ofStream)
  await turn('visible')
  await hears
  await service.as(tokens[1] ?? '', '/api/logout', json({ scope: 'global' }))
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
})

browserTest('a page that could not hear when its session ended learns it when it can', async (t, open) => {
  const { tokens } = await addPerson(service)
  const page = await (await open(service, { token: tokens[0] })).newPage()
  await cutStream(page)
  await page.goto('/')
  await service.as(tokens[1] ?? '', '/api/logout', json({ scope: 'global' }))
  t.match(await read(page), 'Your devices', 'it shows what was')
  await page.unroute(isStream)
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
})

browserTest(
  'a list that could not hear of a device that was logged out loses it when it can',
  async (t, open) => {
    const { tokens } = await addPerson(service, { devices: 2 })
    const page = await (await open(service, { token: tokens[0] })).newPage()
    await cutStream(page)
    await page.goto('/')
    await service.as(tokens[1] ?? '', '/api/logout', { method: 'POST' })
    t.match(await read(page), 'You are signed in on 2 devices.', 'it shows what was')
    await page.unroute(isStream)
    await page.getByText('You are signed in on this device only.').waitFor()
  },
)

browserTest('a logout that a page asked for is not cut off by what the page hears of it', async (t, open) => {
  const { tokens } = await addPerson(service)
  const page = await openHearing(await open(service, { token: tokens[0] }), '/logout?scope=global')
  const heard = page.waitForResponse((response) => response.url().endsWith('/api/session'))
  await page.route('/logout', async (route) => {
    const response = await route.fetch({ maxRedirects: 0 })
    // Done, and heard of, before its answer is in: a page that followed now would be gone.
    await heard
    await sleep(300)
    await route.fulfill({ response })
  })
  await page.getByRole('button', { name: 'Sign out' }).click()
  t.equal((await heard).status(), 401)
  await page.getByRole('heading', { name: 'You are signed out everywhere' }).waitFor()
  t.match(await read(page), '6 devices were signed out')
})

browserTest('without JavaScript a page finds out on its next request', async (t, open) => {
  const { tokens } = await addPerson(service)
  const page = await (await open(service, { token: tokens[0], javaScriptEnabled: false })).newPage()
  await page.goto('/')
  await service.as(tokens[1] ?? '', '/api/logout', json({ scope: 'global' }))
  await page.getByRole('link', { name: 'Sign out here' }).click()
  await page.waitForURL('/signed-out')
  t.match(await read(page), 'You were signed out everywhere on')
})

/** Opens a page and waits until it hears. */
async function openHearing(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage()
  const hears = page.waitForResponse(ofStream)
  await page.goto(path)
  await hears
  return page
}
