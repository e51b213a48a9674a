/** Open pages show a sign-out elsewhere by themselves, without disturbing a sign-out of their own. */
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
    `after a sign-out elsewhere ${how}, an open page shows that the user is signed out, and why`,
    async (t, open) => {
      const { id, tokens } = await addPerson(service)
      const page = await openFollowing(await open(service, { token: tokens[0] }), '/')
      await end(id, tokens[1] ?? '')
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
      t.match(await read(page), why)
    },
  )
}

browserTest('an open list no longer shows a device that was signed out elsewhere', async (t, open) => {
  const { tokens } = await addPerson(service, { devices: 2 })
  const page = await openFollowing(await open(service, { token: tokens[0] }), '/')
  await page.getByText('You are signed in on 2 devices.').waitFor()
  await service.as(tokens[1] ?? '', '/api/logout', { method: 'POST' })
  await page.getByText('You are signed in on this device only.').waitFor()
  t.equal(await service.check(tokens[0]), 200)
})

browserTest(
  'a page stays when another user signs out, and when the database connections are cut',
  async (t, open) => {
    const { tokens } = await addPerson(service, { devices: 2 })
    const other = await addPerson(service)
    const page = await openFollowing(await open(service, { token: tokens[0] }), '/')
    const navigations: string[] = []
    page.on('framenavigated', (frame) => navigations.push(frame.url()))
    await service.as(other.tokens[0], '/api/logout', json({ scope: 'global' }))
    await psql(`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name like 'global-logout%' and datname = current_database() and pid <> pg_backend_pid()`)
    // A reload caused by them would come before this navigation.
    await waitFor(
      'the logout to be decided',
      async () => (await service.as(tokens[1] ?? '', '/api/logout', { method: 'POST' })).status !== 503,
    )
    await page.getByText('You are signed in on this device only.').waitFor()
    t.equal(navigations.length, 1)
  },
)

browserTest(
  'all tabs of a browser show the sign-out, also when some tabs were closed before',
  async (_, open) => {
    const { tokens } = await addPerson(service)
    const context = await open(service, { token: tokens[0] })
    const first = await openFollowing(context, '/')
    const [second, third] = [await context.newPage(), await context.newPage()]
    await second.goto('/logout')
    await third.goto('/')
    await service.as(tokens[1] ?? '', '/api/logout', { method: 'POST' })
    for (const tab of [first, third]) await tab.getByText('You are signed in on 5 devices').waitFor()
    await second.getByText('This device and 4 others').waitFor()

    const following = second.waitForResponse(ofStream)
    await Promise.all([first.close(), third.close()])
    await Promise.race([following, second.waitForTimeout(1_000)])
    await service.as(tokens[2] ?? '', '/api/logout', json({ scope: 'global' }))
    await second.getByRole('heading', { name: 'You are signed out' }).waitFor()
  },
)

browserTest('without Web Locks (plain http), a visible page receives events', async (_, open) => {
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
  const page = await openFollowing(context, '/')
  const turn = (state: string) =>
    page.evaluate((detail) => dispatchEvent(new CustomEvent('look', { detail })), state)
  const stopped = page.waitForEvent('requestfailed', ofStream)
  await turn('hidden')
  await stopped
  const following = page.waitForResponse(ofStream)
  await turn('visible')
  await following
  await service.as(tokens[1] ?? '', '/api/logout', json({ scope: 'global' }))
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
})

browserTest(
  'a page without a stream when its session ended shows the sign-out once it has one',
  async (t, open) => {
    const { tokens } = await addPerson(service)
    const page = await (await open(service, { token: tokens[0] })).newPage()
    await cutStream(page)
    await page.goto('/')
    await service.as(tokens[1] ?? '', '/api/logout', json({ scope: 'global' }))
    t.match(await read(page), 'Your devices', 'it shows the state from before')
    await page.unroute(isStream)
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  },
)

browserTest(
  'a list without a stream when a device was signed out is updated once it has one',
  async (t, open) => {
    const { tokens } = await addPerson(service, { devices: 2 })
    const page = await (await open(service, { token: tokens[0] })).newPage()
    await cutStream(page)
    await page.goto('/')
    await service.as(tokens[1] ?? '', '/api/logout', { method: 'POST' })
    t.match(await read(page), 'You are signed in on 2 devices.', 'it shows the state from before')
    await page.unroute(isStream)
    await page.getByText('You are signed in on this device only.').waitFor()
  },
)

browserTest('a sign-out from a page is not interrupted by the event that it causes', async (t, open) => {
  const { tokens } = await addPerson(service)
  const page = await openFollowing(await open(service, { token: tokens[0] }), '/logout?scope=global')
  const heard = page.waitForResponse((response) => response.url().endsWith('/api/session'))
  await page.route('/logout', async (route) => {
    const response = await route.fetch({ maxRedirects: 0 })
    // The event arrives before the answer. If the page followed it now, it would miss the answer.
    await heard
    await sleep(300)
    await route.fulfill({ response })
  })
  await page.getByRole('button', { name: 'Sign out' }).click()
  t.equal((await heard).status(), 401)
  await page.getByRole('heading', { name: 'You are signed out everywhere' }).waitFor()
  t.match(await read(page), '6 devices were signed out')
})

browserTest('without JavaScript a page shows the sign-out on its next request', async (t, open) => {
  const { tokens } = await addPerson(service)
  const page = await (await open(service, { token: tokens[0], javaScriptEnabled: false })).newPage()
  await page.goto('/')
  await service.as(tokens[1] ?? '', '/api/logout', json({ scope: 'global' }))
  await page.getByRole('link', { name: 'Sign out here' }).click()
  await page.waitForURL('/signed-out')
  t.match(await read(page), 'You were signed out everywhere on')
})

/** Opens a page and waits until it receives events. */
async function openFollowing(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage()
  const following = page.waitForResponse(ofStream)
  await page.goto(path)
  await following
  return page
}
