// Commands start in half the time: for each of the hundred modules of drizzle-orm that a command loads, Node would parse the
// package.json of drizzle-orm anew (180 kB), to find out that a .js file there is an ES module.
import { registerHooks } from 'node:module'

const INSIDE = /\/node_modules\/drizzle-orm\/.*\.js$/

registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith('.') && INSIDE.test(context.parentURL ?? '')
      ? { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
      : next(specifier, context),
})
