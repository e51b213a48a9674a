/** The console is accessible (axe) and fits a phone, in every state. SHOTS=folder saves pictures. */
import { browserTest } from '../../support/browser.ts'
import { startService } from '../../support/service.ts'
import { ADMIN_SCENES, addNight } from './admin-gallery.ts'
import { look, openPage } from './look.ts'

const service = await startService({ demo: true, except: ['incidents'] })
const night = await addNight(service)

for (const { name, show } of ADMIN_SCENES) {
  browserTest(`the console page "${name}" is accessible, and fits a phone`, async (t, open) => {
    const page = await openPage(open, service)
    await show(page, service, night)
    // Links within a text are as high as the text.
    await look(
      t,
      page,
      `console ${name}`,
      'header a, .button, button, summary, label.choice, nav.switch a, main input:not([type=checkbox], [type=radio])',
    )
  })
}
