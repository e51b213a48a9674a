/** The guard of `@global-logout/client/next` alone, with requests as the server of Next passes them. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build } from 'esbuild'

/**
 * Sends a request for a page. Next's own `x-middleware-…` headers tell the result: `next` passes, `rewrite`
 * leads elsewhere.
 */
export type Ask = (
  url: string,
  headers?: Record<string, string>,
) => Promise<{ status: number; headers: Headers }>

/** In Node, as `proxy.ts`. @param folder of an application with Next and our package. */
export async function guardInNode(folder: string, options: object, nextConfig: object): Promise<Ask> {
  const modules = join(folder, 'node_modules')
  const { createProxy } = await import(join(modules, '@global-logout/client/dist/next.js'))
  const { NextRequest } = await import(join(modules, 'next/server.js'))
  const guard = createProxy(options)
  return (url, headers = {}) => guard(new NextRequest(url, { headers, nextConfig }))
}

/**
 * On the edge, as `middleware.ts` of Next 15: bundled as Next bundles it, in the runtime that Next itself
 * uses.
 */
export async function guardOnEdge(folder: string, options: object, service: string): Promise<Ask> {
  const { outputFiles } = await build({
    stdin: {
      resolveDir: folder,
      contents: `import { createProxy } from '@global-logout/client/next'
        import { NextRequest } from 'next/server.js'
        const guard = createProxy(${JSON.stringify(options)})
        globalThis.ask = async (url, headers) => {
          const { status, headers: answer } = await guard(new NextRequest(url, { headers }))
          return { status, headers: [...answer] }
        }`,
    },
    bundle: true,
    write: false,
    platform: 'browser',
    conditions: ['edge-light'],
    define: {
      'process.env.GLOBAL_LOGOUT_URL': JSON.stringify(service),
      'process.env.NEXT_RUNTIME': '"edge"',
      'process.env.NODE_ENV': '"production"',
      __dirname: '""',
    },
  })
  const { EdgeRuntime } = createRequire(join(folder, 'package.json'))('next/dist/compiled/edge-runtime')
  const runtime = new EdgeRuntime({
    initialCode: outputFiles[0]?.text,
    extend: (context: object) => Object.assign(context, { AsyncLocalStorage, process: { env: {} } }),
  })
  const ask = runtime.evaluate('ask')
  return async (url, sent = {}) => {
    const { status, headers } = await ask(url, sent)
    return { status, headers: new Headers(headers) }
  }
}
