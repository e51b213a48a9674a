/** Opens every page in every state, the way a user gets there. */
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { LINKOPING, LONDON } from '../../support/places.ts'
import type { Service } from '../../support/service.ts'
import { AGENTS, addCrowd, addPerson } from './devices.ts'

export interface Scene {
  name: string
  /** Opens the page in this state. */
  show(page: Page, service: Service): Promise<unknown>
}

const UNKNOWN_DEVICE = { userAgent: null, ipAddress: null }
/** A tablet, a TV, a game console, a bot, a program, a misleading name, and a right-to-left name. */
const OTHER_KINDS = [
  AGENTS.tablet,
  'Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.211 Safari/537.36',
  'Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'curl/8.5.0',
  'Your bank asks you to call +44 20 7946 0000/1.0',
  'ملاحظات/2.0 (iPhone; iOS 18.6)',
]
/** Two phones of one family, signed in at the same instant. */
const ALIKE = `update session set "createdAt" = date_trunc('minute', now() - interval '1 day') where id = $1`

/** A person with named devices and two phones that look the same, who signed out some lately. */
async function addFamily(service: Service) {
  const { id, tokens } = await addPerson(service)
  const pairs: string[] = []
  for (let i = 0; i < 2; i++) pairs.push((await service.signIn(id, AGENTS.phone, LONDON)).id)
  await service.database.psql(
    `update session set "deviceName" = 'Work laptop', "signInMethod" = 'passkey', country = 'GB', city = 'London'
     where "userId" = $1 and "userAgent" = $2`,
    [id, AGENTS.chrome],
  )
  await service.sessions.logout(tokens[2] ?? '', 'local', UNKNOWN_DEVICE)
  const firefox = { userAgent: AGENTS.firefox, ipAddress: '203.0.113.7' }
  for (let i = 0; i < 2; i++) {
    const old = await service.signIn(id, AGENTS.tablet, LINKOPING)
    await service.sessions.endOne(tokens[0], old.id, firefox)
  }
  return { id, tokens, pairs }
}

const isApplication = ({ pathname }: URL) => pathname === '/application'
const LONG = 'Wolfeschlegelsteinhausenbergerdorff'.repeat(5)

export const SCENES: Scene[] = [
  {
    name: 'devices',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service)).tokens[0])
      await page.goto('/')
    },
  },
  {
    name: 'devices, with places, names, equal ones, a new one and some signed out lately',
    show: async (page, service) => {
      const { id, tokens, pairs } = await addFamily(service)
      await signIn(page, service, tokens[0])
      await page.goto('/')
      await service.signIn(id, AGENTS.phone, LONDON)
      for (const session of pairs) await service.database.psql(ALIKE, [session])
      await page.goto('/')
    },
  },
  {
    name: 'one device',
    show: async (page, service) => {
      const { tokens, pairs } = await addFamily(service)
      await signIn(page, service, tokens[0])
      await page.goto(`/sessions/${pairs[0]}`)
      await page.getByRole('textbox', { name: 'Name of this device' }).fill('Phone in the kitchen')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('heading', { name: 'Phone in the kitchen' }).waitFor()
    },
  },
  {
    name: 'devices, of every kind',
    show: async (page, service) => {
      const { id, tokens } = await addPerson(service, { devices: 2 })
      for (const agent of OTHER_KINDS) await service.signIn(id, agent)
      await signIn(page, service, tokens[0])
      await page.goto('/')
    },
  },
  {
    name: 'devices, only this one',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service, { devices: 1 })).tokens[0])
      await page.goto('/')
    },
  },
  {
    name: 'devices, hundreds',
    show: async (page, service) => {
      const { id, tokens } = await addPerson(service)
      await addCrowd(service, id, 320)
      await signIn(page, service, tokens[0])
      await page.goto('/')
    },
  },
  {
    name: 'devices, everything long',
    show: async (page, service) => {
      const { id } = await addPerson(service, { name: LONG, devices: 3 })
      const { token } = await service.signIn(
        id,
        `${'W'.repeat(32)}/1`,
        '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff',
      )
      await service.signIn(id, `${'M'.repeat(32)}/1`, '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff')
      await signIn(page, service, token)
      await page.goto('/')
    },
  },
  {
    name: 'devices, after the others were logged out',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service)).tokens[0])
      await logOut(page, 'others')
      await page.waitForURL('/devices')
    },
  },
  {
    name: 'devices, after one was logged out',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service)).tokens[0])
      await page.goto('/')
      await page.getByRole('link', { name: 'Sign out Safari on iPhone, 198.51.100.23' }).first().click()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: '1 device was signed out' }).waitFor()
    },
  },
  {
    name: 'one question before another device is signed out',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service)).tokens[0])
      await page.goto('/')
      await page.getByRole('link', { name: 'Sign out AcmeNotes on iPhone, 198.51.100.23' }).click()
    },
  },
  {
    name: 'logout',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service)).tokens[0])
      await page.goto('/logout?scope=global')
      await page.getByText('Your 5 other devices').click()
    },
  },
  {
    name: 'logout, only this device',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service, { devices: 1 })).tokens[0])
      await page.goto('/logout')
    },
  },
  {
    name: 'signed out, on the way to the application',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service)).tokens[0])
      // An answer without content keeps the current page.
      await page.route(isApplication, (route) => route.fulfill({ status: 204 }))
      await page.goto('/logout?callbackUrl=/application')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('link', { name: 'Continue' }).waitFor()
    },
  },
  {
    name: 'signed out here',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service)).tokens[0])
      await logOut(page, 'local')
      await page.waitForURL('/signed-out')
    },
  },
  {
    name: 'signed out everywhere',
    show: async (page, service) => {
      await signIn(page, service, (await addPerson(service)).tokens[0])
      await logOut(page, 'global')
      await page.waitForURL('/signed-out')
    },
  },
  {
    name: 'signed out everywhere, hundreds',
    show: async (page, service) => {
      const { id, tokens } = await addPerson(service)
      await addCrowd(service, id, 320)
      await signIn(page, service, tokens[0])
      await logOut(page, 'global')
      await page.getByText('320 more devices').click()
    },
  },
  {
    name: 'signed out by another device, everywhere',
    show: async (page, service) => {
      const { tokens } = await addPerson(service)
      const phone = { userAgent: AGENTS.phone, ipAddress: '198.51.100.23' }
      await service.sessions.logout(tokens[1] ?? '', 'global', phone)
      await signIn(page, service, tokens[0])
      await page.goto('/')
    },
  },
  {
    name: 'signed out by another device, which stayed',
    show: async (page, service) => {
      const { tokens } = await addPerson(service)
      const phone = { userAgent: AGENTS.phone, ipAddress: '198.51.100.23' }
      await service.sessions.logout(tokens[1] ?? '', 'others', phone)
      await signIn(page, service, tokens[0])
      await page.goto('/')
    },
  },
  {
    name: 'signed out here some time ago',
    show: async (page, service) => {
      const { tokens } = await addPerson(service)
      await service.sessions.logout(tokens[0], 'local', UNKNOWN_DEVICE)
      await signIn(page, service, tokens[0])
      await page.goto('/')
    },
  },
  {
    name: 'signed out in this browser',
    show: (page) => page.goto('/signed-out?followed'),
  },
  {
    name: 'signed out, not used for long',
    show: async (page, service) => {
      const { id, tokens } = await addPerson(service)
      await service.database.psql(
        `update session set "lastSeenAt" = now() - interval '8 days' where "userId" = $1`,
        [id],
      )
      await signIn(page, service, tokens[0])
      await page.goto('/')
    },
  },
  { name: 'never signed in', show: (page) => page.goto('/') },
  { name: 'sign in', show: (page) => page.goto('/login') },
  { name: 'a page that does not exist', show: (page) => page.goto('/nowhere') },
]

/** Gives the page's browser a session cookie. */
export async function signIn(page: Page | BrowserContext, service: Service, token: string): Promise<void> {
  const context = 'context' in page ? page.context() : page
  await context.addCookies([{ name: service.cookieName, value: token, url: service.base, httpOnly: true }])
}

/** Like a proxy that breaks server-sent events: a page gets no event before its next request. */
export async function cutStream(page: Page): Promise<void> {
  await page.route(isStream, (route) => route.abort())
}

/** Whether an address is that of the event stream of pages. */
export const isStream = (url: URL) => url.pathname === '/api/session/events'

/** Logs out through the pages. */
export async function logOut(page: Page, scope: 'local' | 'others' | 'global'): Promise<void> {
  await page.goto(`/logout?scope=${scope}`)
  await page.getByRole('button', { name: 'Sign out' }).click()
}

/** The visible text on one line: of the page's main part, or of a locator. */
export async function read(where: Page | Locator): Promise<string> {
  const part = 'getByRole' in where && 'goto' in where ? where.getByRole('main') : where
  return (await part.innerText()).replace(/\s+/g, ' ')
}
