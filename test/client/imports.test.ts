/**
 * The client uses the web platform only: no other module of this repository, no dependency, nothing of Node.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { build } from 'esbuild'
import t, { type Test } from 'tap'
import { browserTest } from '../support/browser.ts'
import { runProgram } from '../support/run-program.ts'
import { startService } from '../support/service.ts'
import { openApplication } from './application-page.ts'
import { checkAndSignOut, type Given } from './runtime-application.ts'

const folder = new URL('../../packages/client/src/', import.meta.url)
const files = await readdir(folder)
/** The entries for Next.js and React, which are dependencies of applications that use them. */
const FOR_NEXT = /^next(-|\.)/
const OF_NEXT = ['next/headers.js', 'next/navigation', 'next/server.js', 'react']
const mayImport = (file: string, from: string) => FOR_NEXT.test(file) && OF_NEXT.includes(from)

/** What the package shares with the service, and bundles. Only this file imports from outside its folder. */
const SHARED = 'shared.ts'

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, from]) => from ?? '')
}

function usesNoNode(t: Test, text: string, file: string): void {
  // Next replaces `process.env` where there is no Node.
  if (!FOR_NEXT.test(file)) t.notMatch(text, /\bprocess\.\w/, file)
  t.notMatch(text, /\b(Buffer|require|__dirname|setImmediate|global)\b[.(]/, file)
}

t.test('no file of the client imports from outside its folder, or uses a global of Node', async (t) => {
  for (const file of files) {
    const text = await readFile(new URL(file, folder), 'utf8')
    const isOwn = (from: string) => files.includes(from.replace(/^\.\//, '')) || mayImport(file, from)
    if (file !== SHARED)
      t.same(
        importsOf(text).filter((from) => !isOwn(from)),
        [],
        file,
      )
    usesNoNode(t, text, file)
  }
})

t.test('nor does what it shares with the service', async (t) => {
  const bundled = new Map<string, string>()
  async function follow(module: URL): Promise<void> {
    if (bundled.has(module.pathname)) return
    const text = stripTypeScriptTypes(await readFile(module, 'utf8'))
    bundled.set(module.pathname, text)
    for (const from of importsOf(text)) {
      t.match(from, /^\.\.?\//, `${from} in ${module.pathname}`)
      await follow(new URL(from, module))
    }
  }
  await follow(new URL(SHARED, folder))
  for (const [file, text] of bundled) usesNoNode(t, text, file)
  t.ok(bundled.size > 1 && bundled.size < 10, `${bundled.size} modules`)
})

t.test('the package has no dependencies, and exports the files tested here', async (t) => {
  const text = await readFile(new URL('../package.json', folder), 'utf8')
  const { exports, ...rest } = JSON.parse(text)
  for (const kind of ['dependencies', 'optionalDependencies']) t.notOk(rest[kind], kind)
  const optional = { optional: true }
  t.same(rest.peerDependenciesMeta, { next: optional, react: optional })
  t.same(Object.keys(rest.peerDependencies), Object.keys(rest.peerDependenciesMeta))
  for (const [name, file] of [
    ['.', 'index'],
    ['./browser', 'browser'],
    ['./next', 'next'],
    ['./next/client', 'next-client'],
  ])
    t.same(exports[name ?? ''], {
      'global-logout-source': `./src/${file}.ts`,
      types: `./dist/${file}.d.ts`,
      default: `./dist/${file}.js`,
    })
})

t.test('importing it has no side effect', async (t) => {
  const before = process.getActiveResourcesInfo().length
  await import('@global-logout/client')
  await import('@global-logout/client/browser')
  t.equal(process.getActiveResourcesInfo().length, before)
})

const service = await startService({ env: { CHECK_MODE: 'leased' } })

browserTest('it runs in a browser', async (t, open) => {
  const { key } = await service.keyFor('events', 'introspect', 'sessions:create')
  const userId = await service.addUser('Jörg')
  const page = await openApplication(await open(service))
  const told = await page.evaluate(
    async ([path, key, userId]) => {
      const { createClient, createSocketRegistry, UndecidedError } = await import(path)
      const client = createClient({ url: location.origin, key })
      const { token, sessionId } = await client.create({ user: { id: userId } })
      const request = new Request('/', { headers: { authorization: `Bearer ${token}` } })
      const before = await client.check(request)
      const { active } = await client.introspect(token)
      const sockets = createSocketRegistry(client)
      const closed = new Promise((close) => sockets.add(before, { close }, request))
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      await fetch('/api/logout', { method: 'POST', headers, body: '{}' })
      const code = await closed
      sockets.close()
      const after = await client.check(request)
      const nowhere = createClient({ url: 'http://localhost:1' })
      const undecided = await nowhere
        .check(request)
        .catch((error: unknown) => error instanceof UndecidedError)
      return { before, sessionId, active, code, after, undecided }
    },
    ['/client/index.ts', key, userId] as const,
  )
  const { sessionId } = told
  t.match(told, {
    before: { userId, sessionId },
    sessionId,
    active: true,
    code: 4401,
    after: null,
    undecided: true,
  })
})

/** A user on two devices, and a key for leases. */
async function given(): Promise<Given> {
  const userId = await service.addUser('Ada')
  const [phone, laptop] = [await service.signIn(userId), await service.signIn(userId)]
  const { key } = await service.keyFor('leases')
  return { url: service.base, key, phone: phone.token, laptop: laptop.token }
}

const OUTCOME = { userId: String, fromMemory: true, status: 200, after: null, askedAgain: 1 }

/** @param tell an expression that takes the outcome as text. @returns the application, in one module. */
async function bundle(given: Given, tell: string): Promise<string> {
  const contents = `import { checkAndSignOut } from './runtime-application.ts'
    ${tell}(JSON.stringify(await checkAndSignOut(${JSON.stringify(given)})))`
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    conditions: ['global-logout-source'],
    bundle: true,
    format: 'esm',
    target: 'es2024',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

t.test(
  'under a lease a check comes from memory, and is refused after a sign-out elsewhere: Node',
  async (t) => {
    t.match(await checkAndSignOut(await given()), OUTCOME)
  },
)

for (const [name, args] of [
  ['deno', ['run', '--quiet', '--no-config', '--no-prompt', '--allow-net=127.0.0.1']],
  ['bun', []],
] as const) {
  const program = process.env[name.toUpperCase()] || name
  const version = await runProgram(program, ['--version']).then(
    ({ stdout }) => /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? null,
    () => null,
  )
  const skip = version === null && `no ${name} here: name one with ${name.toUpperCase()}=/path`
  t.test(`so it is in ${name} ${version ?? ''}`, { skip }, async (t) => {
    const file = join(t.testdir(), 'application.mjs')
    await writeFile(file, await bundle(await given(), 'console.log'))
    const { PATH, HOME } = process.env
    const { stdout } = await runProgram(program, [...args, file], { env: { PATH, HOME } })
    t.match(JSON.parse(stdout), OUTCOME)
  })
}

browserTest('and in a Web Worker', async (t, open) => {
  const page = await openApplication(await open(service))
  const outcome = await page.evaluate(
    (code) => {
      const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), {
        type: 'module',
      })
      return new Promise<string>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = ({ message }) => reject(new Error(message))
      })
    },
    await bundle(await given(), 'postMessage'),
  )
  t.match(JSON.parse(outcome), OUTCOME)
})
