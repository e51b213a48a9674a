/**
 * Loaded into a server before its sources (`node --import`): makes the mistake that MISTAKE names. A server whose
 * sources have no place for it does not start.
 */
import { registerHooks } from 'node:module'
import { withMistake } from './apply.ts'
import { MISTAKES } from './table.ts'

const name = process.env.MISTAKE ?? ''
const mistake = MISTAKES[name]
if (!mistake) throw new Error(`there is no mistake "${name}"`)
const place = new URL(`../../../../${mistake.file}`, import.meta.url).href

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    return url === place ? { ...loaded, source: withMistake(mistake, String(loaded.source)) } : loaded
  },
})
