/**
 * The Next.js example, built and started for real, with an identity provider and the service behind it. On
 * Next 15, the files of `examples/nextjs/next-15` replace its own.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { bundle as bundleShared } from '../../packages/client/bundle.js'
import { bundle } from '../../packages/postgres/bundle.js'
import { startIdentityProvider } from '../authjs/identity-provider.ts'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { login } from '../support/logins.ts'
import { plainNode } from '../support/plain-node.ts'
import { freePort } from '../support/ports.ts'
import { runProgram } from '../support/run-program.ts'
import { type Service, startService } from '../support/service.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { nextEvent, waitFor } from '../support/within.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const EXAMPLE = join(root, 'examples/nextjs')
export const FOLDERS = { 15: join(EXAMPLE, 'next-15'), 16: EXAMPLE }
/** A build takes most of a minute of CPU. In milliseconds. */
const BUILD_MS = 300_000
const { PATH, HOME } = process.env
const BARE = { PATH, HOME, NEXT_TELEMETRY_DISABLED: '1' }

export type NextVersion = keyof typeof FOLDERS

/** Why the tests of a version cannot run here; false if they can. @throws Error with CI set. */
export function skipNext(version: NextVersion): string | false {
  if (existsSync(join(FOLDERS[version], 'node_modules/next'))) return false
  const folder = FOLDERS[version].slice(root.length)
  const why = `no Next ${version} here: run "npm run build", then "npm ci --prefix ${folder}"`
  if (process.env.CI) throw new Error(why)
  return why
}

/**
 * Builds and starts the application.
 * @param buildEnv environment of the build, besides PATH and HOME.
 */
export async function startApplication(version: NextVersion) {
  const port = await freePort()
  // By name, as Next calls itself.
  const base = `http://localhost:${port}`
  const service = await startService({ env: { PUBLIC_URL: base } })
  const [{ issuer, client }, { key }] = await Promise.all([
    startIdentityProvider({ redirectUri: `${base}/api/auth/callback/work` }),
    service.keyFor('sessions:create'),
  ])
  const { url } = await login(service.database, 'global_logout_application')
  const database = await startTcpProxy(url)
  const folder = await assemble(version)
  // Rewrites are part of a build; a proxy reads its environment when it runs.
  await build(folder, version === 15 ? { GLOBAL_LOGOUT_URL: service.base } : {})
  const env = {
    ...BARE,
    GLOBAL_LOGOUT_URL: service.base,
    GLOBAL_LOGOUT_KEY: key,
    GLOBAL_LOGOUT_TRUSTED_PROXIES: '1',
    DATABASE_URL: Object.assign(new URL(url), { port: new URL(database.url).port }).href,
    AUTH_SECRET: 'of-the-application',
    AUTH_URL: base,
    AUTH_WORK_ISSUER: issuer,
    AUTH_WORK_ID: client.client_id,
    AUTH_WORK_SECRET: client.client_secret,
  }
  const next = join(folder, 'node_modules/next/dist/bin/next')
  const child = spawn(...plainNode(next, 'start', '--hostname', 'localhost', '--port', String(port)), {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null)
      await nextEvent(`the end of Next ${version}`, child, 'close')
  })
  const answers = () =>
    boundedFetch(base).then(
      () => true,
      () => false,
    )
  await waitFor(`Next ${version} to answer`, answers)
  /** The service at the application's address, for `openBrowser`. */
  const site: Service = { ...service, base }
  /** Between the application and the database, for sessions in process. */
  return { base, service, site, database }
}

/** Signs a user in through the pages of Auth.js and of the identity provider. @returns the account page. */
export async function signIn(context: BrowserContext, who: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto('/account')
  await page.waitForURL(/\/api\/auth\/signin/)
  const form = page.locator('form', { has: page.getByRole('button', { name: 'Sign in with Work' }) })
  await form.evaluate((form: HTMLFormElement, who) => (form.action += `?login_hint=${who}`), who)
  await page.getByRole('button', { name: 'Sign in with Work' }).click()
  await page.waitForURL('/account')
  return page
}

/** Copies the packages as they are now into the dependencies. @returns the folder of the application. */
async function assemble(version: NextVersion): Promise<string> {
  const modules = join(FOLDERS[version], 'node_modules')
  // Only the routes of the tests have sessions in process; pg is the repository's own.
  for (const name of ['client', 'authjs', 'postgres']) {
    const installed = join(modules, '@global-logout', name)
    const [dist, built] = [join(installed, 'dist'), join(installed, 'built')]
    for (const old of [dist, built]) await rm(old, { recursive: true, force: true })
    // Types are checked elsewhere. Not `npm run build`, because other tests build the packages at the same
    // time.
    const project = ['-p', `packages/${name}/tsconfig.build.json`, '--noCheck']
    const tsc = plainNode('node_modules/typescript/bin/tsc', ...project, '--outDir', built)
    await runProgram(...tsc, { cwd: root })
    // The compiler also emits the peers that are imported, and then under their whole path.
    const own = join(built, 'packages', name, 'src')
    await rename(existsSync(own) ? own : built, dist)
    // Not its build, which writes where other tests write at the same time.
    if (name === 'postgres') await bundle(dist)
    if (name === 'client') await bundleShared(dist)
    await cp(join(root, 'packages', name, 'package.json'), join(installed, 'package.json'))
  }
  const folder = t.testdir()
  const guard = version === 16 ? 'proxy.ts' : 'middleware.ts'
  for (const part of ['app', 'auth.ts', 'users.ts', 'tsconfig.json'])
    await cp(join(EXAMPLE, part), join(folder, part), { recursive: true })
  for (const part of [guard, 'next.config.ts', 'package.json'])
    await cp(join(FOLDERS[version], part), join(folder, part))
  await mkdir(folder, { recursive: true })
  // On Next 16 fewer, because each costs its build half a second of CPU.
  for (const part of version === 16 ? ['in-process.ts', 'app/in-process', 'app/api/in-process'] : ['.'])
    await cp(join(root, 'test/client/next-routes', part), join(folder, part), { recursive: true })
  await edit(
    join(folder, guard),
    "['/', ",
    "['/', '/api/guarded', '/recent', '/api/in-process', '/in-process', '/taken-over', '/act', '/leave', ",
  )
  // Turbopack follows links to dependencies below its root only.
  if (version === 16) await edit(join(folder, 'next.config.ts'), 'import.meta.dirname', JSON.stringify(root))
  await symlink(modules, join(folder, 'node_modules'))
  return folder
}

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
  await writeFile(
    file,
    text.replace(from, () => to),
  )
}

async function build(folder: string, env: Record<string, string>): Promise<void> {
  const [program, args] = plainNode(join(folder, 'node_modules/next/dist/bin/next'), 'build')
  await runProgram(program, args, {
    cwd: folder,
    env: { ...BARE, ...env },
    timeout: BUILD_MS,
    maxBuffer: 2 ** 24,
  }).catch((error) => {
    throw new Error(`next build failed: ${error.stdout}${error.stderr}`, { cause: error })
  })
}
