/** What Node, Deno and Bun have beside the web platform, used where it is there. Nothing is imported, so that any platform loads this. */

interface BuiltIns {
  'node:crypto': {
    hash?(algorithm: 'sha256', text: string, encoding: 'base64url'): string
  }
  'node:async_hooks': {
    AsyncLocalStorage?: { snapshot?(): <T>(work: () => T) => T }
  }
}

export function builtIn<Name extends keyof BuiltIns>(name: Name): BuiltIns[Name] | undefined {
  const platform = globalThis as { process?: { getBuiltinModule?(name: string): unknown } }
  return platform.process?.getBuiltinModule?.(name) as BuiltIns[Name] | undefined
}

/**
 * Runs work that outlives the request that began it, in the async context in which this module was loaded. Frameworks and traces would
 * count it as a part of that request, and Next ends what such a request has begun.
 */
export const runDetached: <T>(work: () => T) => T =
  builtIn('node:async_hooks')?.AsyncLocalStorage?.snapshot?.() ?? ((work) => work())
