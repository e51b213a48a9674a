/** Staff use the console, with and without JavaScript: one user, an incident, the audit log. */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { carryOut } from '../../../src/staff/incidents/runner.ts'
import { browserTest, type OpenBrowser, type Visitor } from '../../support/browser.ts'
import { startService } from '../../support/service.ts'
import { addStaff, execute, plan } from './admin-gallery.ts'
import { AGENTS, addPerson } from './devices.ts'
import { read } from './gallery.ts'

const service = await startService({ demo: true, except: ['incidents'] })
let made = 0

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'

  browserTest(
    `after a theft, staff find the user, end all sessions and see the result, ${how}`,
    async (t, open) => {
      const name = `Victim ${++made}`
      const { id, tokens } = await addPerson(service, { name, devices: 3 })
      const page = await staffPage(open, { javaScriptEnabled })
      await page.goto('/')
      await page.getByRole('link', { name: 'Security console' }).click()
      await page.getByLabel('Find', { exact: true }).fill(name.toUpperCase())
      await page.getByRole('button', { name: 'Search' }).click()
      await page.getByRole('link', { name, exact: true }).click()
      await page.getByRole('heading', { name: '3 active sessions' }).waitFor()
      await page.getByRole('link', { name: 'End all 3 sessions…' }).click()

      await page.getByRole('heading', { name: `End all sessions of ${name}` }).waitFor()
      const named = await read(page)
      t.match(
        named,
        /3 sessions will end.*Firefox on Windows · 203\.0\.113\.7.*Safari on iPhone · 198\.51\.100\.23/,
      )
      t.strictSame(await Promise.all(tokens.map(service.check)), [200, 200, 200], 'the question ends nothing')
      await page.getByLabel('Reason').fill('Laptop stolen')
      await page.getByRole('radio', { name: 'For 24 hours' }).check()
      await page.getByRole('button', { name: 'End 3 sessions' }).click()

      await page.getByRole('heading', { name: '3 sessions were ended' }).waitFor()
      t.strictSame(await Promise.all(tokens.map(service.check)), [401, 401, 401])
      const after = await read(page)
      t.match(after, 'Sign-in is locked until')
      t.match(after, 'No active session')
      t.match(after, 'Laptop stolen')
      await t.rejects(service.signIn(id), { code: 'user_locked' })

      await page.getByRole('link', { name: 'Unlock sign-in…' }).click()
      await page.getByLabel('Reason').fill('New laptop')
      await page.getByRole('button', { name: 'Unlock sign-in' }).click()
      await page.getByRole('heading', { name: 'Sign-in was unlocked' }).waitFor()
      t.equal(await service.check((await service.signIn(id)).token), 200)
    },
  )

  browserTest(
    `after a leak, staff plan an incident, execute it and read its report, ${how}`,
    async (t, open) => {
      const { id, tokens } = await addPerson(service, { name: `Leaked ${++made}`, devices: 4 })
      const bystander = await addPerson(service, { devices: 1 })
      const page = await staffPage(open, { javaScriptEnabled })
      await plan(page, { Reason: 'Token store leaked', Users: id })
      await page.getByRole('heading', { name: 'This would end 4 sessions of 1 user' }).waitFor()
      t.strictSame(await Promise.all(tokens.map(service.check)), [200, 200, 200, 200], 'a plan ends nothing')

      const incident = await execute(page)
      t.match(await read(page), /0 of 4 planned sessions ended/)
      await carryOut(service.database, service.barrier, incident)
      // The page refreshes by itself, with a script or without.
      await page.getByRole('heading', { name: '4 sessions of 1 user ended' }).waitFor()
      t.match(await read(page), /Ended by the incident 4 Already ended or expired 0 Planned 4/)
      t.strictSame(
        await Promise.all([...tokens, ...bystander.tokens].map(service.check)),
        [401, 401, 401, 401, 200],
      )
      t.equal(await page.getByRole('button', { name: 'Print' }).isVisible(), javaScriptEnabled)

      const downloading = page.waitForEvent('download')
      await page.getByRole('link', { name: 'Sessions as CSV' }).click()
      t.equal((await downloading).suggestedFilename(), `incident-${incident}.csv`)
    },
  )

  browserTest(`an auditor finds in the audit log whose sessions Grace ended, ${how}`, async (t, open) => {
    const { id } = await addPerson(service, { name: `Audited ${++made}`, devices: 2 })
    const page = await staffPage(open, { javaScriptEnabled }, 'auditor')
    const grace = { actorKind: 'staff' as const, actorId: 'grace' }
    await service.accounts.revoke(id, { reason: `Because of ${made}` }, grace)
    await page.goto('/admin/audit')
    await page.getByText('Filter by action').click()
    await page.getByLabel('User', { exact: true }).fill(id)
    await page.getByLabel('Action', { exact: true }).selectOption('Ended all sessions of a user')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByRole('heading', { name: 'Matching entries' }).waitFor()
    t.match(await read(page), `Because of ${made}`)
    t.equal(await page.getByRole('listitem').filter({ hasText: 'Because of' }).count(), 1)
    t.equal(await page.getByLabel('User', { exact: true }).inputValue(), id, 'the filter is kept')
    await page.getByRole('link', { name: 'Ended all sessions of a user' }).click()
    await page.getByRole('heading', { name: '2 sessions ended' }).waitFor()
    t.match(await read(page), 'Firefox on Windows · 203.0.113.7')
    await page.goto(`/admin/audit?kind=logout&user=${id}`)
    await page.getByText('No entry matches.').waitFor()
  })

  browserTest(
    `staff whose sign-in is too old sign in again in another tab and continue, ${how}`,
    async (t, open) => {
      const { id, tokens } = await addPerson(service, { name: `Late ${++made}`, devices: 1 })
      const page = await staffPage(open, { javaScriptEnabled })
      // A user of the demo's sign-in.
      await addStaff(service, 'demo-grace', 'Grace Hopper', 'security')
      await page.goto(`/admin/user/revoke?id=${id}`)
      await page.getByLabel('Reason').fill('Phished')
      await service.database.psql(
        `update session set "createdAt" = now() - interval '1 hour' where "userId" = 'grace'`,
      )
      await page.getByRole('button', { name: 'End 1 session' }).click()
      await page.getByRole('heading', { name: 'Sign in again first' }).waitFor()
      t.match(await read(page), `Pending action: End all sessions of ${id} · Phished`)
      const opening = page.context().waitForEvent('page')
      await page.getByRole('link', { name: 'Sign in again in another tab' }).click()
      const tab = await opening
      await tab.getByRole('button', { name: 'Sign in as Grace Hopper' }).click()
      await tab.getByRole('heading', { name: 'Your devices' }).waitFor()
      await page.bringToFront()
      t.equal(await service.check(tokens[0]), 200)
      await page.getByRole('button', { name: 'I have signed in again: continue' }).click()
      await page.getByRole('heading', { name: '1 session was ended' }).waitFor()
      t.equal(await service.check(tokens[0]), 401)
    },
  )
}

browserTest(
  'while staff type, the console counts the sessions that would end; a file fills the list',
  async (t, open) => {
    const { id } = await addPerson(service, { devices: 2 })
    const page = await staffPage(open)
    await page.goto('/admin/incidents/new')
    const preview = page.locator('.preview')
    await page.getByLabel('Address or range').fill('203.0.113.')
    await preview.getByText('Address or range: must be an IPv4').waitFor()
    await page.getByLabel('Address or range').fill('')
    const file = join(await mkdtemp(join(tmpdir(), 'global-logout-list-')), 'users.txt')
    await writeFile(file, `${id}\n`)
    await page.getByLabel('or read users from a text file').setInputFiles(file)
    await preview.getByText('Would end 2 sessions of 1 user.').waitFor()
    t.match(await page.getByRole('textbox', { name: 'Users' }).inputValue(), id)
    await page.getByLabel('User agent contains').fill('no such agent')
    await preview.getByText('No active session matches.').waitFor()
    const hoursAgo = async () =>
      (Date.now() - Date.parse(`${await page.getByLabel('Signed in before').inputValue()}Z`)) / 3_600_000
    await page.locator('#createdBefore ~ .quick').getByRole('button', { name: '1 day ago' }).click()
    t.ok(Math.abs((await hoursAgo()) - 24) < 0.1, `${await hoursAgo()} hours`)
  },
)

browserTest('the console shows times in UTC, and beside it those of the reader', async (t, open) => {
  const { id } = await addPerson(service, { devices: 1 })
  await service.accounts.revoke(
    id,
    { reason: 'Drill', lockSeconds: 3600 },
    { actorKind: 'staff', actorId: 'grace' },
  )
  const told = async (visitor: Visitor) => {
    const page = await staffPage(open, visitor)
    await page.goto(`/admin/user?id=${id}`)
    const text = await page.getByRole('heading', { name: 'Sign-in is locked until' }).innerText()
    await page.goto(`/admin/audit?user=${id}`)
    return [text, await page.locator('.entry time').first().innerText()]
  }
  const plain = await told({ javaScriptEnabled: false })
  t.match(plain, [/ UTC$/, / UTC$/])
  t.strictSame(await told({ timezoneId: 'UTC' }), plain)
  const beside = await told({ timezoneId: 'Asia/Kathmandu' })
  for (const [i, text] of beside.entries()) {
    t.ok(text.startsWith(plain[i] ?? '-'), text)
    t.match(text, / UTC · (\w{3},? )?\d\d:\d\d GMT\+5:45$/)
  }
})

browserTest('staff who end their own sessions are warned, and signed out', async (t, open) => {
  const page = await staffPage(open)
  await page.goto('/admin/user?id=grace')
  await page.getByRole('link', { name: /^End (all \d+|the) sessions?…$/ }).click()
  t.match(await read(page), 'This is you.')
  await page.getByLabel('Reason').fill('Drill')
  await page.getByRole('button', { name: /^End \d/ }).click()
  await page.waitForURL('/signed-out')
  await page.goto('/admin')
  await page.waitForURL('/signed-out')
})

browserTest('the console shows the sign-out after a sign-out in another tab', async (t, open) => {
  const page = await staffPage(open)
  await page.goto('/admin/incidents/new')
  const tab = await page.context().newPage()
  await tab.goto('/logout')
  await tab.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/\/signed-out/)
  t.notMatch(await read(page), 'Plan an incident')
})

browserTest('staff can end the sessions of a user with the keyboard only', async (t, open) => {
  const { id, tokens } = await addPerson(service, { name: `Keys ${++made}`, devices: 1 })
  const page = await staffPage(open)
  await page.goto(`/admin/user/revoke?id=${id}`)
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.type('Typed blindly')
  await page.keyboard.press('Tab')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: '1 session was ended' }).waitFor()
  t.match(await read(page), 'Sign-in is locked until', 'the arrow key chose an hour')
  t.equal(await service.check(tokens[0]), 401)
})

async function staffPage(
  open: OpenBrowser,
  visitor: Visitor = {},
  role: 'security' | 'auditor' = 'security',
): Promise<Page> {
  const token =
    role === 'security'
      ? await addStaff(service, 'grace', 'Grace Hopper', 'security')
      : await addStaff(service, 'alan', 'Alan Turing', 'auditor')
  return (await open(service, { token, userAgent: AGENTS.firefox, ...visitor })).newPage()
}
