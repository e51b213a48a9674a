/** The keyboard is enough to sign out, and the focus is always visible. */
import type { Page } from 'playwright-core'
import { browserTest } from '../../support/browser.ts'
import { startService } from '../../support/service.ts'
import { addPerson } from './devices.ts'

const service = await startService()
/** More stops than any page has, so that a Tab that never leaves the page ends the test. */
const MOST_STOPS = 100

browserTest('a user signs out everywhere with Tab and Enter only', async (t, open) => {
  const { tokens } = await addPerson(service)
  const page = await (await open(service, { token: tokens[0] })).newPage()
  await page.goto('/')
  await tabTo(page, 'Sign out everywhere')
  await page.keyboard.press('Enter')
  await page.waitForURL('/logout?scope=global')
  await tabTo(page, 'EverywhereThis device and 5 others')
  await page.keyboard.press('Enter')
  await page.waitForURL('/signed-out')
  t.strictSame(await Promise.all(tokens.map(service.check)), [401, 401, 401, 401, 401, 401])
})

browserTest('the arrow keys choose the scope, and the button sends it', async (t, open) => {
  const { tokens } = await addPerson(service, { devices: 3 })
  const page = await (await open(service, { token: tokens[0] })).newPage()
  await page.goto('/logout')
  await tabTo(page, 'This deviceFirefox on Windows, the one you are using')
  await page.keyboard.press('ArrowDown')
  t.equal(await page.getByRole('radio', { name: 'All other devices' }).isChecked(), true)
  await tabTo(page, 'Sign out')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: '2 devices were signed out' }).waitFor()
  t.strictSame(await Promise.all(tokens.map(service.check)), [200, 401, 401])
})

browserTest('the first Tab offers to skip to the content', async (t, open) => {
  const { tokens } = await addPerson(service)
  const page = await (await open(service, { token: tokens[0] })).newPage()
  await page.goto('/')
  await page.keyboard.press('Tab')
  t.match(await focused(page), { name: 'Skip to content', visible: true })
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  t.match(await focused(page), { name: 'Sign out everywhere' })
})

browserTest('every element with the focus is visible', async (t, open) => {
  const { tokens } = await addPerson(service)
  const page = await (await open(service, { token: tokens[0], reducedMotion: 'reduce' })).newPage()
  for (const path of ['/', '/logout', '/nowhere']) {
    await page.goto(path)
    const stops: string[] = []
    while (stops.length < MOST_STOPS) {
      await page.keyboard.press('Tab')
      const { name, visible } = await focused(page)
      if (!name) break
      t.ok(visible, `${path}: ${name}`)
      stops.push(name)
    }
    t.ok(stops.length >= 3 && stops.length < MOST_STOPS, `${path} has ${stops.length} stops`)
  }
})

/** Presses Tab until the named element has the focus; fails if the page ends before. */
async function tabTo(page: Page, wanted: string): Promise<void> {
  const passed: string[] = []
  while (passed.length < MOST_STOPS) {
    await page.keyboard.press('Tab')
    const { name } = await focused(page)
    if (name === wanted) return
    if (!name) throw new Error(`"${wanted}" is not among ${passed.join(', ')}`)
    passed.push(name)
  }
  throw new Error(`"${wanted}" is not among the first ${MOST_STOPS} stops`)
}

/** The focused element, and whether its outline, or that of the label around it, lies within the window. */
function focused(page: Page): Promise<{ name: string; visible: boolean }> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!element || element === document.body) return { name: '', visible: false }
    const shown = element.closest('label') ?? element
    const { outlineStyle, outlineWidth } = getComputedStyle(shown)
    const { top, left, bottom, right } = shown.getBoundingClientRect()
    const inside = top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth
    return {
      name: element.getAttribute('aria-label') ?? shown.textContent?.replace(/\s*\n\s*/g, '') ?? '',
      visible: inside && outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
    }
  })
}
