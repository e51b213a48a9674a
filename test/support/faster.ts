/**
 * Saves tests, and what they start, CPU that has nothing to do with them. The published command runs without it.
 *
 * - Node parses the package.json of drizzle-orm (179 kB) anew for each of its modules, to learn that they are ES modules
 *   (`getPackageScopeConfig` in Node 24 and 26). That is 0.5 s for each process; here it is said in its place.
 * - tap follows every promise with an async hook, to tell which test threw what no one caught. That slows each promise down, by a
 *   quarter of the CPU of a busy test. Without it, such an error ends the process: the file fails, and prints the stack.
 */
import { registerHooks } from 'node:module'

const NO_DOMAIN = `data:text/javascript,export class Domain { constructor(onerror) { this.onerror = onerror } destroy() {} }`

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'async-hook-domain') return { url: NO_DOMAIN, format: 'module', shortCircuit: true }
    const from = context.parentURL
    if (!specifier.startsWith('.') || !from?.includes('/node_modules/drizzle-orm/'))
      return next(specifier, context)
    return {
      url: new URL(specifier, from).href,
      format: from.endsWith('.cjs') ? 'commonjs' : 'module',
      shortCircuit: true,
    }
  },
})
