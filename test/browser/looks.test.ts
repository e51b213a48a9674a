/**
 * Every page in every state: nothing for axe to complain about in light and dark, nothing too wide for a small
 * phone, nothing too small for a thumb. With SHOTS=folder it leaves a picture of each.
 */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { browserTest, type OpenBrowser } from '../support/browser.ts'
import { startService } from '../support/service.ts'
import { whileAway } from './away.ts'
import { addPerson } from './devices.ts'
import { read, SCENES, signIn } from './gallery.ts'

const shots = process.env.SHOTS
const axe = createRequire(import.meta.url).resolve('axe-core')
const service = await startService({ demo: true })

for (const { name, show } of SCENES) {
  browserTest(`"${name}" can be read and used by everybody`, async (t, open) => {
    const page = await openPage(open)
    await show(page, service)
    await look(t, page, name)
  })
}

browserTest('"the database is away" can be read and used by everybody', async (t, open) => {
  const page = await openPage(open)
  await signIn(page, service, (await addPerson(service)).tokens[0])
  await whileAway(service, async () => {
    await page.goto('/')
  })
  t.match(await read(page), 'We cannot check this right now')
  await look(t, page, 'the database is away')
})

/** The policy forbids foreign scripts, so axe needs it out of the way; every other test runs under it. */
async function openPage(open: OpenBrowser): Promise<Page> {
  return (await open(service, { bypassCSP: true, reducedMotion: 'reduce' })).newPage()
}

async function look(t: Test, page: Page, name: string): Promise<void> {
  await page.addScriptTag({ path: axe })
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    t.strictSame(await violations(page), [], `axe, ${colorScheme}`)
    for (const [device, width, height] of [
      ['phone', 390, 844],
      ['desktop', 1280, 800],
    ] as const) {
      await page.setViewportSize({ width, height })
      await shoot(page, `${name} ${device} ${colorScheme}`)
    }
  }
  await page.setViewportSize({ width: 320, height: 640 })
  t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, 'fits a width of 320')
  t.strictSame(await tooSmall(page), [], 'whatever can be pressed is 44 pixels high')
}

async function violations(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  )
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('main a, header a, button, summary, label')]
      .filter((element) => element.getBoundingClientRect().height < 44)
      .map((element) => element.outerHTML.slice(0, 200)),
  )
}

async function shoot(page: Page, title: string): Promise<void> {
  if (!shots) return
  await mkdir(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${title.replace(/[^a-z0-9]+/g, '-')}.png`), fullPage: true })
}
