/**
 * While the database is unavailable, pages say so, keep the cookie and claim no sign-out; afterwards they
 * work again.
 */
import { browserTest } from '../../support/browser.ts'
import { duringOutage } from '../../support/database-outage.ts'
import { startService } from '../../support/service.ts'
import { addPerson } from './devices.ts'
import { read } from './gallery.ts'

const service = await startService({ patient: false })
const { token, rest } = await people()

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'

  browserTest(
    `a sign-out while the database is unavailable claims nothing and keeps the cookie, ${how}`,
    async (t, open) => {
      const context = await open(service, { token, javaScriptEnabled })
      const page = await context.newPage()
      const cookie = async () =>
        (await context.cookies()).find(({ name }) => name === service.cookieName)?.value
      await page.goto('/logout?scope=others')

      await duringOutage(service, async () => {
        const answer = page.waitForResponse((response) => response.request().method() === 'POST')
        await page.getByRole('button', { name: 'Sign out' }).click()
        t.equal((await answer).status(), 503)
        t.equal((await (await answer).allHeaders())['set-cookie'], undefined)
        await page.getByRole('heading', { name: 'Please try again in a moment' }).waitFor()
        const text = await read(page)
        t.notMatch(text, /signed out|logged out|still signed in/i)
        t.match(text, 'This request changed nothing.')
        t.equal(await cookie(), token)

        await page.goto('/')
        await page.getByRole('heading', { name: 'Please try again in a moment' }).waitFor()
        t.equal(await cookie(), token)
      })

      await page.getByRole('link', { name: 'Try again' }).click()
      await page.getByRole('heading', { name: 'Your devices' }).waitFor()
      t.equal(await service.check(token), 200)
      for (const other of rest) t.equal(await service.check(other), 200, 'no device was signed out')
    },
  )
}

browserTest('"Try again" after a failed sign-out of one device leads to its question', async (t, open) => {
  const page = await (await open(service, { token })).newPage()
  await page.goto('/')
  await page.getByRole('link', { name: 'Sign out Safari on iPhone' }).click()
  await page.getByText('Sign out this device?').waitFor()
  await duringOutage(service, async () => {
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Please try again in a moment' }).waitFor()
  })
  await page.getByRole('link', { name: 'Try again' }).click()
  await page.getByRole('heading', { name: 'Sign out this device?' }).waitFor()
  t.match(await read(page), 'Safari on iPhone')
})

async function people() {
  const [token, ...rest] = (await addPerson(service, { devices: 3 })).tokens
  return { token, rest }
}
