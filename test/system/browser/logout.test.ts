/** Signing out on the pages, seen from devices that are signed out and from devices that are not. */
import type { Page } from 'playwright-core'
import { seedDemo } from '../../../demo/users.ts'
import { browserTest, type OpenBrowser, type Visitor } from '../../support/browser.ts'
import { startService } from '../../support/service.ts'
import { AGENTS, addPerson } from './devices.ts'
import { cutStream, logOut, read } from './gallery.ts'

const service = await startService({ demo: true })
await service.database.run(seedDemo)

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'

  browserTest(
    `after the phone logs out everywhere, the laptop is signed out and shows why, ${how}`,
    async (t, open) => {
      const laptop = await signedIn(open, { userAgent: AGENTS.firefox, javaScriptEnabled })
      const phone = await signedIn(open, { userAgent: AGENTS.phone, javaScriptEnabled })
      const tokens = [await tokenOf(laptop), await tokenOf(phone)]
      for (const token of tokens) t.equal(await service.check(token), 200)

      await phone.getByRole('link', { name: 'Sign out everywhere' }).click()
      t.equal(await phone.getByRole('radio', { name: 'Everywhere' }).isChecked(), true)
      await phone.getByRole('button', { name: 'Sign out' }).click()
      await phone.waitForURL('/signed-out')
      await phone.getByRole('heading', { name: 'You are signed out everywhere' }).waitFor()
      const named = await read(phone)
      t.match(named, /Safari on iPhone · 127\.0\.0\.1 · this device/)
      t.match(named, /Firefox on Windows · 127\.0\.0\.1/)
      t.equal(await cookieOf(phone), undefined, 'the phone no longer has a session cookie')
      for (const token of tokens) t.equal(await service.check(token), 401)

      if (!javaScriptEnabled) await laptop.getByRole('link', { name: 'Sign out here' }).click()
      await laptop.waitForURL(javaScriptEnabled ? '/signed-out?followed' : '/signed-out')
      t.match(await read(laptop), /You were signed out everywhere on \d+ \w+ \d{4} at \d\d:\d\d/)
      t.match(await read(laptop), /The sign-out was requested from Safari on iPhone\./)

      await laptop.getByRole('link', { name: 'Sign in' }).click()
      await laptop.getByRole('button', { name: 'Sign in as Ada Lovelace' }).click()
      await laptop.getByText('You are signed in on this device only.').waitFor()
    },
  )

  browserTest(`signing out all other devices leaves this device signed in, ${how}`, async (t, open) => {
    const { tokens } = await addPerson(service)
    const page = await (
      await open(service, { token: tokens[0], javaScriptEnabled, userAgent: AGENTS.firefox })
    ).newPage()
    await logOut(page, 'others')
    await page.getByRole('heading', { name: '5 devices were signed out' }).waitFor()
    await page.getByText('You are signed in on this device only.').waitFor()
    const notice = await read(page.getByRole('region', { name: '5 devices were signed out' }))
    for (const name of [
      'Safari on iPhone · 198.51.100.23',
      'AcmeNotes on iPhone',
      'Chrome on macOS',
      'Unknown device',
    ])
      t.match(notice, name)
    t.notMatch(notice, 'Firefox on Windows')
    t.strictSame(await Promise.all(tokens.map(service.check)), [200, 401, 401, 401, 401, 401])

    await page.reload()
    t.equal(
      await page.getByRole('region', { name: /(was|were) signed out/ }).count(),
      0,
      'the outcome is shown once',
    )

    const other = await (await open(service, { token: tokens[3] ?? '', javaScriptEnabled })).newPage()
    await other.goto('/')
    t.match(
      await read(other),
      /You were signed out on [\w ]+ at \d\d:\d\d( UTC)?\. The sign-out was requested from Firefox on Windows, which stayed signed in\./,
    )
  })

  browserTest(`signing out here leaves the other devices signed in, ${how}`, async (t, open) => {
    const { tokens } = await addPerson(service, { devices: 3 })
    const page = await (await open(service, { token: tokens[0], javaScriptEnabled })).newPage()
    await page.goto('/')
    await page.getByRole('link', { name: 'Sign out here' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL('/signed-out')
    t.match(await read(page), /1 device was signed out:\s+Firefox on Windows · 203\.0\.113\.7/)
    t.strictSame(await Promise.all(tokens.map(service.check)), [401, 200, 200])
  })

  browserTest(`the button of a device signs out that device, and no other, ${how}`, async (t, open) => {
    const { tokens } = await addPerson(service, { devices: 4 })
    const page = await (await open(service, { token: tokens[0], javaScriptEnabled })).newPage()
    await page.goto('/')
    await page.getByRole('link', { name: 'Sign out AcmeNotes on iPhone, 198.51.100.23' }).click()
    t.match(await read(page), /Sign out this device\? AcmeNotes on iPhone · 198\.51\.100\.23/)
    t.equal(await service.check(tokens[2] ?? ''), 200, 'the question changes nothing')
    await page.getByRole('button', { name: 'Sign out' }).click()
    const notice = page.getByRole('region', { name: '1 device was signed out' })
    t.match(await read(notice), 'AcmeNotes on iPhone · 198.51.100.23')
    t.strictSame(await Promise.all(tokens.map(service.check)), [200, 200, 401, 200])
    t.equal(await page.getByRole('link', { name: 'AcmeNotes' }).count(), 0)
  })
}

browserTest('the button of a device that has just signed out changes nothing', async (t, open) => {
  const { tokens } = await addPerson(service, { devices: 2 })
  const page = await (await open(service, { token: tokens[0] })).newPage()
  await cutStream(page)
  await page.goto('/')
  await service.sessions.logout(tokens[1] ?? '', 'local', { userAgent: null, ipAddress: null })
  await page.getByRole('link', { name: 'Sign out Safari on iPhone' }).click()
  await page.getByText('You are signed in on this device only.').waitFor()
  t.equal(await service.check(tokens[0]), 200)
})

browserTest('on the only device there is one button, and one question', async (t, open) => {
  const { tokens } = await addPerson(service, { devices: 1 })
  const page = await (await open(service, { token: tokens[0] })).newPage()
  await page.goto('/devices')
  const ways = page.getByRole('navigation', { name: 'Sign out' }).getByRole('link')
  t.strictSame(await ways.allTextContents(), ['Sign out'])
  await ways.click()
  t.equal(await page.getByRole('radio').count(), 0)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL('/signed-out')
  t.equal(await service.check(tokens[0]), 401)
})

browserTest('after a sign-out the back button shows no devices', async (t, open) => {
  const { tokens } = await addPerson(service)
  const page = await (await open(service, { token: tokens[0] })).newPage()
  await page.goto('/')
  await page.getByRole('link', { name: 'Sign out everywhere' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL('/signed-out')
  await page.goBack()
  await page.waitForURL('/signed-out')
  t.notMatch(await read(page), 'Your devices')
})

/** A browser that signed in as Ada on the demo's sign-in page. */
async function signedIn(open: OpenBrowser, visitor: Visitor): Promise<Page> {
  const page = await (await open(service, visitor)).newPage()
  await page.goto('/login')
  await page.getByRole('button', { name: 'Sign in as Ada Lovelace' }).click()
  await page.getByRole('heading', { name: 'Your devices' }).waitFor()
  return page
}

async function cookieOf(page: Page): Promise<string | undefined> {
  return (await page.context().cookies()).find(({ name }) => name === service.cookieName)?.value
}

async function tokenOf(page: Page): Promise<string> {
  return (await cookieOf(page)) ?? ''
}
