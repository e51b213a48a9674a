/** After a sign-out, later requests of ordinary browsers with the old cookie are not recorded as replays. */
import type { Page } from 'playwright-core'
import { browserTest, type OpenBrowser } from '../../support/browser.ts'
import { NEVER_MS, startService } from '../../support/service.ts'
import { isStream } from './gallery.ts'

for (const CHECK_MODE of ['database', 'leased']) {
  browserTest(
    `after a sign-out in one window, requests of the other are no replays (${CHECK_MODE})`,
    async (t, open) => {
      let jump = 0
      const clock = () => performance.now() + jump
      const service = await startService({ demo: true, env: { CHECK_MODE }, clock, replayFlushMs: NEVER_MS })
      const { psql } = service.database
      const ada = await service.addUser('demo-ada')
      const [first, second] = [await signedIn(service, open), await signedIn(service, open)]
      const context = second.context()
      const [{ value: token } = { value: '' }] = await context.cookies()
      const alarms = () =>
        psql('select count, same_address, same_program from replay where user_id = $1 order by id', [ada])

      await first.goto('/logout?scope=global')
      await first.getByRole('button', { name: 'Sign out' }).click()
      await second.getByRole('heading', { name: 'You are signed out' }).waitFor()
      // A tab from before, and one that the browser restores: both still have the cookie.
      for (let tabs = 0; tabs < 3; tabs++) {
        await context.addCookies([
          { name: service.cookieName, value: token, url: service.base, httpOnly: true },
        ])
        const tab = await context.newPage()
        const refused = tab.waitForResponse((response) => response.status() >= 300)
        await tab.goto('/')
        await refused
        await tab.evaluate(() => fetch('/api/session'))
        await service.replays.flush()
      }
      t.same(await alarms(), [])
      await psql(`update revoked_session set revoked_at = revoked_at - interval '61 seconds'`)
      jump = 61_000
      await service.replays.flush()
      t.same(await alarms(), [], 'nor a minute later, for the earlier requests')

      const thief = { authorization: `Bearer ${token}`, 'user-agent': 'curl/8.5.0' }
      t.equal((await service.http('/check', { headers: thief })).status, 401)
      await service.replays.flush()
      t.same(
        await alarms(),
        [{ count: 1, same_address: true, same_program: false }],
        'a request by a thief is recorded',
      )
    },
  )
}

/** Opens a window in which Ada signs in, and whose page receives events. */
async function signedIn(service: Awaited<ReturnType<typeof startService>>, open: OpenBrowser): Promise<Page> {
  const page = await (await open(service)).newPage()
  await page.goto('/login')
  const following = page.waitForResponse((response) => isStream(new URL(response.url())))
  await page.getByRole('button', { name: 'Ada' }).click()
  await following
  return page
}
