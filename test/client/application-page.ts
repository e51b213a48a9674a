/** A page of an application on the origin that also serves the service, with the client's modules. */
import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import type { BrowserContext, Page } from 'playwright-core'

const FOLDER = new URL('../../packages/client/src/', import.meta.url)

/** Opens the page at `/app`. Its modules are at `/client/…`. */
export async function openApplication(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.route('/app', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>application</title>' }),
  )
  await page.route(/\/client\/[a-z-]+\.ts$/, async (route) => {
    const file = new URL(new URL(route.request().url()).pathname.replace('/client/', ''), FOLDER)
    const body = stripTypeScriptTypes(await readFile(file, 'utf8'))
    await route.fulfill({ contentType: 'text/javascript', body })
  })
  await page.goto('/app')
  return page
}
