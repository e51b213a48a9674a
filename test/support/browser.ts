/**
 * Runs tests in Chromium: the binary that CHROMIUM names, else one in a usual place. Without one, browser tests are skipped;
 * with CI set, they fail.
 */
import { accessSync, constants } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type ConsoleMessage,
  chromium,
} from 'playwright-core'
import t, { type Test } from 'tap'
import type { Service } from './service.ts'
import { PATIENCE_MS, within } from './within.ts'

const PLACES = [
  // Chromium's headless shell, which takes two thirds of the time.
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]
const QUIET = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
]
/** The limit of one browser test on a loaded machine; less than tap's limit for a file. In milliseconds. */
const TEST_MS = 5 * PATIENCE_MS
const MISSING =
  'no Chromium here: install it (Debian: apt-get install chromium-headless-shell, or chromium), or name one with CHROMIUM=/path'

const given = process.env.CHROMIUM
if (given && !isExecutable(given)) throw new Error(`CHROMIUM names ${given}, which cannot be run`)
const executablePath = given || PLACES.find(isExecutable)
let running: Promise<Browser> | undefined

export interface Visitor extends BrowserContextOptions {
  /** The session cookie at the start. */
  token?: string
}

/** Opens a browser with its own cookies, like another device. */
export type OpenBrowser = (service: Service, visitor?: Visitor) => Promise<BrowserContext>

/**
 * A test in Chromium. It also fails if a page has an error: an exception, a console error, or a violation of
 * the Content-Security-Policy.
 */
export function browserTest(name: string, run: (t: Test, open: OpenBrowser) => Promise<void>): void {
  if (!executablePath && process.env.CI) throw new Error(MISSING)
  void t.test(name, { skip: executablePath ? false : MISSING }, async (t) => {
    const browser = await launch()
    const contexts: BrowserContext[] = []
    const errors: string[] = []
    t.teardown(() => Promise.all(contexts.map((context) => context.close())))
    const running = run(t, async (service, { token, ...options } = {}) => {
      const context = await browser.newContext({ baseURL: service.base, locale: 'en-GB', ...options })
      contexts.push(context)
      context.setDefaultTimeout(PATIENCE_MS)
      context.on('weberror', (error) => errors.push(String(error.error())))
      context.on('console', (message) => {
        if (message.type() === 'error' && !isAnswer(message)) errors.push(message.text())
      })
      if (token)
        await context.addCookies([
          { name: service.cookieName, value: token, url: service.base, httpOnly: true },
        ])
      return context
    })
    // Also limits what Playwright does not: promises in `evaluate` and in handlers of `route`.
    await within(`the end of the browser test "${name}"`, running, TEST_MS)
    t.strictSame(errors, [], 'no page had an error')
  })
}

/** Chromium reports every 4xx and 5xx as a page error. Here they are expected, except for files of the pages. */
function isAnswer(message: ConsoleMessage): boolean {
  return message.text().startsWith('Failed to load resource') && !message.location().url.includes('/assets/')
}

/** One process for all tests of a file. */
function launch(): Promise<Browser> {
  running ??= chromium.launch({ ...(executablePath && { executablePath }), args: QUIET }).then((browser) => {
    t.teardown(() => browser.close())
    return browser
  })
  return running
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
