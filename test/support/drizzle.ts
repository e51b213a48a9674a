/**
 * Saves each process of a test 0.5 s of CPU: Node parses the package.json of drizzle-orm (179 kB) anew for each of its modules, to
 * learn that they are ES modules (`getPackageScopeConfig` in Node 24 and 26). This says so in its place. Tests and what they start
 * have it; the published command does not.
 */
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
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
