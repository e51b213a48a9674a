/**
 * Saves CPU in tests and in the processes that they start, without affecting what is tested. The published
 * command does not use it.
 *
 * - Node parses the package.json of drizzle-orm (179 kB) again for each of its modules, to learn that they
 *   are ES modules, and for each module that imports it, to find its exports (`package_json_reader` in Node
 *   24 and 26). That is 0.7 s for each process.
 * - tap follows every promise with an async hook, to attribute uncaught errors to tests. That slows each
 *   promise down, by a quarter of the CPU of a busy test. Without it, such an error ends the process: the
 *   file fails, and prints the stack.
 * - tap turns source maps on. Node strips types without moving a line, so there are none.
 * - zod imports its messages in fifty languages.
 */
import { type ResolveFnOutput, registerHooks } from 'node:module'

process.setSourceMapsEnabled(false)

const NO_DOMAIN = `data:text/javascript,export class Domain { constructor(onerror) { this.onerror = onerror } destroy() {} }`
const NO_LOCALES = 'data:text/javascript,'
const ESM_OF_DRIZZLE = new Map<string, ResolveFnOutput>()

registerHooks({
  resolve(specifier, context, next) {
    const from = context.parentURL ?? ''
    const found = (url: string, format = 'module') => ({ url, format, shortCircuit: true })
    if (specifier === 'async-hook-domain') return found(NO_DOMAIN)
    if (from.includes('/node_modules/zod/')) {
      if (specifier === '../locales/index.js') return found(NO_LOCALES)
    } else if (from.includes('/node_modules/drizzle-orm/')) {
      if (specifier.startsWith('.'))
        return found(new URL(specifier, from).href, from.endsWith('.cjs') ? 'commonjs' : 'module')
    } else if (
      specifier.startsWith('drizzle-orm') &&
      !from.includes('/node_modules/') &&
      context.conditions.includes('import')
    ) {
      const known = ESM_OF_DRIZZLE.get(specifier) ?? next(specifier, context)
      ESM_OF_DRIZZLE.set(specifier, known)
      return { ...known, shortCircuit: true }
    }
    return next(specifier, context)
  },
})
