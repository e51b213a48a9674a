/**
 * Text that a user chooses (a name, a user agent, a return address) is shown as text and never run as HTML.
 */
import { browserTest } from '../../support/browser.ts'
import { startService } from '../../support/service.ts'
import { AGENTS } from './devices.ts'
import { logOut, read } from './gallery.ts'

const service = await startService()
const HTML = `"'><img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`
const AGENT = `<img src=x onerror=document.title='taken'>/1.0 (X11; Linux)`

browserTest('no page runs HTML that is in a name', async (t, open) => {
  const id = await service.addUser(crypto.randomUUID(), { name: HTML })
  const laptop = await service.signIn(id, AGENT)
  const phone = await service.signIn(id, AGENT)
  const tablet = await service.signIn(id, AGENTS.tablet)
  const page = await (await open(service, { token: laptop.token })).newPage()
  const showsAsText = async (where: string, ...texts: string[]) => {
    await page.waitForLoadState('load')
    t.notMatch(await page.title(), 'taken', where)
    t.equal(await page.locator('body :is(script, [onerror], img:not([alt=""]))').count(), 0, where)
    for (const text of texts)
      t.ok((await read(page.locator('body'))).includes(text), `${where} shows ${text}`)
  }

  await page.goto('/')
  await showsAsText('the list', HTML, 'Unknown program on Linux')
  await page.goto(`/logout?scope=global&callbackUrl=${encodeURIComponent(HTML)}`)
  await page.locator('summary').click()
  await showsAsText('the question', HTML, 'Unknown program on Linux')
  t.equal(await page.locator('[name=callbackUrl]').inputValue(), HTML)
  await logOut(page, 'others')
  await page.getByRole('heading', { name: '2 devices were signed out' }).waitFor()
  await showsAsText('the outcome', 'Unknown program on Linux')
  t.equal(await service.check(phone.token), 401)

  await page.goto(`/${encodeURIComponent(HTML)}`)
  await showsAsText('the page that does not exist')

  const other = await (await open(service, { token: tablet.token })).newPage()
  await other.goto('/')
  await other.waitForURL('/signed-out')
  t.notMatch(await other.title(), 'taken')
})
