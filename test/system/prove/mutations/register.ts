/**
 * Applies the mutation that MUTATION names while a server loads its sources (`node --import`). A server whose sources
 * lack the text of the mutation does not start.
 */
import { registerHooks } from 'node:module'
import { applyMutation } from './apply.ts'
import { MUTATIONS } from './table.ts'

const name = process.env.MUTATION ?? ''
const mutation = MUTATIONS[name]
if (!mutation) throw new Error(`there is no mutation "${name}"`)
const edited = new URL(`../../../../${mutation.file}`, import.meta.url).href

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    return url === edited ? { ...loaded, source: applyMutation(mutation, String(loaded.source)) } : loaded
  },
})
