/** The folder of the static files, and their URLs with a content hash. */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const assetFolder = fileURLToPath(new URL('public', import.meta.url))

export const styleHref = addressOf('style.css')
export const scriptHref = addressOf('page.js')
export const consoleStyleHref = addressOf('admin.css')
export const consoleScriptHref = addressOf('admin.js')
export const iconHref = addressOf('icon.svg')

function addressOf(file: string): string {
  const version = hash('sha256', readFileSync(join(assetFolder, file)), 'base64url').slice(0, 12)
  return `/assets/${file}?v=${version}`
}
