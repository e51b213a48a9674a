/**
 * next-auth 4 and 5 with their own dependency tree, without Next.js: `npm ci --prefix test/authjs/next-auth`.
 * The two modules of Next.js that version 5 imports are replaced by the few lines that it uses.
 */
import { existsSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const TREE = new URL('next-auth/', import.meta.url)
const installed = existsSync(new URL('node_modules/next-auth-5', TREE))

if (!installed && process.env.CI) throw new Error('run: npm ci --prefix test/authjs/next-auth')
/** For `skip`: why the tests cannot run, or false. */
export const missing = !installed && 'run: npm ci --prefix test/authjs/next-auth'

const STAND_INS: Record<string, string> = {
  'next/headers': 'export const headers = () => new Headers(), cookies = headers',
  'next/server': `export const NextRequest = Request
    export const NextResponse = Object.assign(class extends Response {}, { next: () => new Response('passed') })`,
}
registerHooks({
  resolve(specifier, context, next) {
    const source = context.parentURL?.includes('/next-auth-5/') && STAND_INS[specifier]
    if (!source) return next(specifier, context)
    return { url: `data:text/javascript,${encodeURIComponent(source)}`, shortCircuit: true }
  },
})

/** The parts of each module that the tests use. The types of that tree are for another Auth.js. */
export interface Modules {
  'next-auth-4': { default: { default: NextAuth4 } }
  'next-auth-4/jwt': { default: { encode(params: { token: object; secret: string }): Promise<string> } }
  'next-auth-4/next': {
    default: { getServerSession(request: object, response: object, options: object): Promise<object | null> }
  }
  'next-auth-4/providers/credentials': { default: { default(options: object): object } }
  'next-auth-5/jwt': { encode(params: { token: object; secret: string; salt: string }): Promise<string> }
  'next-auth-5/lib/index.js': {
    initAuth(options: object): (request: Request, context: object) => Promise<Response>
  }
}
export type NextAuth4 = (request: object, response: object, options: object) => Promise<unknown>

/** @param name of a module below the tree's `node_modules`. */
export async function load<Name extends keyof Modules>(name: Name): Promise<Modules[Name]> {
  const require = createRequire(new URL('package.json', TREE))
  const path = name.startsWith('next-auth-5/lib') ? new URL(`node_modules/${name}`, TREE).href : null
  return import(path ?? pathToFileURL(require.resolve(name)).href)
}
