/** A page of an application on the origin that also serves the service, with the client's modules. */
import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import type { BrowserContext, Page } from 'playwright-core'

const CHECKOUT = new URL('../../', import.meta.url)

/** Opens the page at `/app`. The client's modules are at `/client/…`, and what they share with the service is at `/src/…`. */
export async function openApplication(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.route('/app', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>application</title>' }),
  )
  await page.route(/\/(client|src)\/[a-z/-]+\.ts$/, async (route) => {
    const path = new URL(route.request().url()).pathname.slice(1).replace(/^client/, 'packages/client/src')
    const body = stripTypeScriptTypes(await readFile(new URL(path, CHECKOUT), 'utf8'))
    await route.fulfill({ contentType: 'text/javascript', body })
  })
  await page.goto('/app')
  return page
}
