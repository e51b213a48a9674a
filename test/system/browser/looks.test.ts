/**
 * Every page in every state: nothing for axe to complain about in light and dark, nothing too wide for a small
 * phone, nothing too small for a thumb. With SHOTS=folder it leaves a picture of each.
 */
import { browserTest } from '../../support/browser.ts'
import { duringOutage } from '../../support/database-outage.ts'
import { startService } from '../../support/service.ts'
import { addPerson } from './devices.ts'
import { read, SCENES, signIn } from './gallery.ts'
import { look, openPage } from './look.ts'

const service = await startService({ demo: true })

for (const { name, show } of SCENES) {
  browserTest(`"${name}" can be read and used by everybody`, async (t, open) => {
    const page = await openPage(open, service)
    await show(page, service)
    await look(t, page, name)
  })
}

browserTest('"the database is away" can be read and used by everybody', async (t, open) => {
  const page = await openPage(open, service)
  await signIn(page, service, (await addPerson(service)).tokens[0])
  await duringOutage(service, async () => {
    await page.goto('/')
  })
  t.match(await read(page), 'Please try again in a moment')
  await look(t, page, 'the database is away')
})
