/** Checks a page: axe in light and dark, the width of a small phone, the height of controls. SHOTS=folder saves pictures. */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import type { OpenBrowser } from '../../support/browser.ts'
import type { Service } from '../../support/service.ts'

const shots = process.env.SHOTS
const COLOUR_RULES = ['color-contrast', 'link-in-text-block']
const axe = createRequire(import.meta.url).resolve('axe-core')

/** Opens a page without its Content-Security-Policy, which would block axe. All other tests run with it. */
export async function openPage(open: OpenBrowser, service: Service): Promise<Page> {
  return (await open(service, { bypassCSP: true, reducedMotion: 'reduce' })).newPage()
}

/** @param pressable selector of the elements that must be 44 pixels high */
export async function look(
  t: Test,
  page: Page,
  name: string,
  pressable = 'main a, header a, button, summary, label',
): Promise<void> {
  await page.addScriptTag({ path: axe })
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    // Dark mode changes only colours.
    t.strictSame(
      await violations(page, colorScheme === 'dark' ? COLOUR_RULES : null),
      [],
      `axe, ${colorScheme}`,
    )
    if (shots)
      for (const [device, width, height] of [
        ['phone', 390, 844],
        ['desktop', 1280, 800],
      ] as const) {
        await page.setViewportSize({ width, height })
        await shoot(shots, page, `${name} ${device} ${colorScheme}`)
      }
  }
  await page.setViewportSize({ width: 320, height: 640 })
  t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, 'fits a width of 320')
  t.strictSame(await tooSmall(page, pressable), [], 'every control is 44 pixels high')
}

/** @param rules all by default. */
async function violations(page: Page, rules: string[] | null): Promise<string[]> {
  const { violations } = await page.evaluate(
    (options) =>
      (globalThis as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } }).axe.run(options),
    { resultTypes: ['violations'], ...(rules && { runOnly: rules }) } satisfies RunOptions as RunOptions,
  )
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

function tooSmall(page: Page, pressable: string): Promise<string[]> {
  return page.evaluate(
    (pressable) =>
      [...document.querySelectorAll(pressable)]
        .filter(
          (element) => element.getClientRects().length > 0 && element.getBoundingClientRect().height < 44,
        )
        .map((element) => element.outerHTML.slice(0, 200)),
    pressable,
  )
}

async function shoot(folder: string, page: Page, title: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${title.replace(/[^a-z0-9]+/g, '-')}.png`), fullPage: true })
}
