/**
 * Every page is accessible (axe, light and dark), fits a small phone, and has controls large enough for a
 * thumb. SHOTS=folder saves pictures.
 */
import { browserTest } from '../../support/browser.ts'
import { duringOutage } from '../../support/database-outage.ts'
import { PLACES_FILE } from '../../support/places.ts'
import { startService } from '../../support/service.ts'
import { addPerson } from './devices.ts'
import { read, SCENES, signIn } from './gallery.ts'
import { look, openPage } from './look.ts'

const service = await startService({ demo: true, env: { GEOIP_DATABASE: PLACES_FILE } })

for (const { name, show } of SCENES) {
  browserTest(`the page "${name}" is accessible, and fits a phone`, async (t, open) => {
    const page = await openPage(open, service)
    await show(page, service)
    await look(t, page, name)
  })
}

browserTest('the page of a database outage is accessible, and fits a phone', async (t, open) => {
  const page = await openPage(open, service)
  await signIn(page, service, (await addPerson(service)).tokens[0])
  await duringOutage(service, async () => {
    await page.goto('/')
  })
  t.match(await read(page), 'Please try again in a moment')
  await look(t, page, 'database outage')
})
