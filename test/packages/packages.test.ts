/**
 * Each package, installed into an empty project, has its types and exports, works, and follows the rules of
 * publishing.
 */
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { appendFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as authjs from '@global-logout/authjs'
import * as client from '@global-logout/client'
import * as browser from '@global-logout/client/browser'
import * as postgres from '@global-logout/postgres'
import t, { type Test } from 'tap'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { deadLinks } from '../support/links.ts'
import { freePort } from '../support/ports.ts'
import { served } from '../support/served.ts'
import { json } from '../support/service.ts'
import { nextEvent, waitFor } from '../support/within.ts'
import { broken, PLAIN, packAll, readmeExample, startProject, tool, unpack } from './project.ts'

const CLIENT = '@global-logout/client'
const AUTHJS = '@global-logout/authjs'
const POSTGRES = '@global-logout/postgres'
const SERVICE = 'global-logout'
const RESOLUTIONS = ['bundler', 'node16'] as const

const root = fileURLToPath(new URL('../..', import.meta.url))
const tarballs = await packAll()
const tarball = (name: string) => tarballs.get(name) ?? ''
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Prints the exports of modules, by module. */
const printExports = (modules: string[]) => `
const modules = await Promise.all(${JSON.stringify(modules)}.map((name) => import(name)))
console.log(JSON.stringify(modules.map((module) => Object.keys(module).sort())))`

/** Uses the types of both packages. A missing type accepts everything: then the mistakes below are accepted, and that is an error. */
const USES_CLIENT = `
import { type Client, createClient, expressSession, fastifySession, type Identity } from '${CLIENT}'
import { logout, type LogoutScope } from '${CLIENT}/browser'

const client: Client = createClient({ url: 'http://127.0.0.1:4000', timeoutMs: 500 })
export const identity: Identity | null = await client.check(new Request('http://127.0.0.1/'))
export const scope: LogoutScope = 'global'
export const uses = [logout({ scope }), expressSession(client), fastifySession(client)]
// @ts-expect-error A session id is a string.
export const wrong: number | undefined = identity?.sessionId
`
const USES_POSTGRES = `
import type { Sessions } from '${CLIENT}'
import { createDatabaseSessions, type DatabaseSessions } from '${POSTGRES}'
import pg from 'pg'

const own: DatabaseSessions = createDatabaseSessions({
  connectionString: 'postgres://127.0.0.1/',
  checks: 'leased',
  leases: { max: 10 },
})
export const sessions: Sessions = createDatabaseSessions({ pool: new pg.Pool() })
export const { revoked } = await own.logout({ headers: {} }, { scope: 'global' })
// @ts-expect-error There is no such scope.
own.logout({ headers: {} }, { scope: 'everything' })
// @ts-expect-error A pool is no string.
createDatabaseSessions({ pool: 'postgres://127.0.0.1/' })
`
/** An application whose driver is not installed. */
const WITHOUT_DRIVER = `
import { createDatabaseSessions } from '${POSTGRES}'
for (const checks of ['database', 'leased']) {
  const { check } = createDatabaseSessions({ connectionString: 'postgres://127.0.0.1/', checks })
  await check({ headers: { authorization: 'Bearer token' } }).catch(({ detail }) => console.log(detail))
}
`
const USES_DRIZZLE = `
import { createDatabaseSessions } from '${POSTGRES}'
import { drizzle } from 'drizzle-orm/node-postgres'
import * as schema from 'drizzle-orm/pg-core'

export const sessions = createDatabaseSessions({ db: drizzle('postgres://127.0.0.1/') })
export const typed = createDatabaseSessions({ db: drizzle('postgres://127.0.0.1/', { schema }) })
// @ts-expect-error No drizzle database.
createDatabaseSessions({ db: {} })
`
const USES_AUTHJS = `
import { databaseCredentials, jwtSessions, withGlobalLogout } from '${AUTHJS}'
import { createClient } from '${CLIENT}'

const client = createClient({ url: 'http://127.0.0.1:4000', key: 'glk_' })
export const adapter = withGlobalLogout({}, client)
export const uses = [databaseCredentials, jwtSessions]
// @ts-expect-error It needs sessions.
withGlobalLogout({}, 'http://127.0.0.1:4000')
`

t.equal(
  [...tarballs.keys()].sort().join(),
  [AUTHJS, CLIENT, POSTGRES, SERVICE].join(),
  'every package is packed',
)

t.test('every package has the version of the service, and documents name its tarball', async (t) => {
  const files = [...tarballs.values()].map((file) => basename(file))
  for (const file of files) t.ok(file.endsWith(`-${version}.tgz`), file)
  const documents = globSync(['packages/*/README.md', 'docs/*.md'], { cwd: root })
  const named = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8')
    return [...text.matchAll(/[\w.-]+\.tgz/g)].map(([file]) => ({ document, file: basename(file) }))
  })
  t.ok(named.length >= 4, `${named.length} names of tarballs`)
  for (const { document, file } of named) t.ok(files.includes(file), `${document}: ${file}`)
})

for (const [name, file] of tarballs)
  t.test(`every link in the documents of ${name} has a target in its tarball`, async (t) => {
    const { folder } = await unpack(file)
    const documents = globSync('**/*.md', { cwd: folder })
    t.ok(documents.includes('README.md'))
    t.same(deadLinks(folder, documents), [])
  })

t.test('the service ships what it runs, and nothing that only a build needs', async (t) => {
  const { folder } = await unpack(tarball(SERVICE))
  t.same(globSync(['**/*.d.ts', '**/*.ts', 'dist/openapi.js'], { cwd: folder }), [])
  t.same(globSync('bin/*', { cwd: folder }), ['bin/global-logout.js'])
})

t.test('the client needs no other package: types and imports work', async (t) => {
  const project = await startProject(tarball(CLIENT))
  await project.write('exports.js', printExports([CLIENT, `${CLIENT}/browser`]))
  const { output } = await project.node('exports.js')
  t.equal(output.trim(), JSON.stringify([client, browser].map((module) => Object.keys(module).sort())))

  await project.link('@types/node')
  await project.write('uses.ts', USES_CLIENT)
  await project.write('example.ts', await readmeExample('client'))
  for (const resolution of RESOLUTIONS)
    t.same(await project.types(resolution, 'uses.ts', 'example.ts'), { code: 0, output: '' }, resolution)
})

t.test('sessions in process need the client and a driver: types and imports work', async (t) => {
  const project = await startProject(tarball(CLIENT), tarball(POSTGRES))
  await project.write('exports.js', printExports([POSTGRES]))
  const { output } = await project.node('exports.js')
  t.equal(output.trim(), JSON.stringify([Object.keys(postgres).sort()]))

  await project.write('without.js', WITHOUT_DRIVER)
  const bundle = ['without.js', '--bundle', '--platform=node', '--format=esm', '--outfile=bundled.js']
  t.match(await tool('esbuild', bundle, project.folder), { code: 0 }, 'a bundler needs no driver')
  for (const file of ['without.js', 'bundled.js'])
    t.match(
      await project.node(file),
      { code: 0, output: /^Install "pg", or give.*\nInstall "pg", which checks/ },
      file,
    )

  await project.link('@types/node', 'pg', '@types/pg')
  await project.write('uses.ts', USES_POSTGRES)
  await project.write('example.ts', await readmeExample('postgres'))
  for (const resolution of RESOLUTIONS) {
    const { output } = await project.types(resolution, 'uses.ts', 'example.ts')
    t.same(ownErrors(output), [], `${resolution}, without drizzle`)
  }
  await project.link('drizzle-orm')
  await project.write('drizzle.ts', USES_DRIZZLE)
  for (const resolution of RESOLUTIONS) {
    const { output } = await project.types(resolution, 'drizzle.ts')
    t.same(ownErrors(output), [], `${resolution}, with drizzle`)
  }
})

t.test('the packages depend on optional peers and each other only', async (t) => {
  for (const name of [CLIENT, POSTGRES, AUTHJS]) {
    const { folder } = await unpack(tarball(name))
    const {
      dependencies,
      peerDependencies = {},
      peerDependenciesMeta = {},
    } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    t.notOk(dependencies, `${name} has no dependency`)
    for (const peer of Object.keys(peerDependencies))
      t.ok(peer === CLIENT || peerDependenciesMeta[peer]?.optional, `${name}: ${peer}`)
  }
})

t.test('the Auth.js adapter needs its peers only: types and imports work', async (t) => {
  const project = await startProject(tarball(CLIENT), tarball(AUTHJS))
  await project.link('@auth/core')
  await project.write('exports.js', printExports([AUTHJS]))
  const { output } = await project.node('exports.js')
  t.equal(output.trim(), JSON.stringify([Object.keys(authjs).sort()]))

  await project.link('@types/node')
  await project.write('uses.ts', USES_AUTHJS)
  for (const resolution of RESOLUTIONS) {
    const { output } = await project.types(resolution, 'uses.ts')
    t.same(ownErrors(output), [], resolution)
  }
})

t.test("the packed service serves, and works with the example in the client's README", async (t) => {
  const project = await startProject(tarball(SERVICE), tarball(CLIENT))
  const bin = join('node_modules', SERVICE, 'bin/global-logout.js')
  const { database, signIn } = await served()
  const [port, applicationPort] = [await freePort(), await freePort()]
  const service = `http://127.0.0.1:${port}`
  const application = `http://127.0.0.1:${applicationPort}/`
  const start = (args: string[], env: Record<string, string>) => startIn(t, project.folder, args, env)

  start([bin, 'start'], { DATABASE_URL: database.url, PORT: String(port) })
  await waitFor('the packed service', () => answers(`${service}/readyz`))
  t.equal(
    (await boundedFetch(`${service}/assets/style.css`)).status,
    200,
    'files of its pages are packed, too',
  )

  await project.write('example.ts', await readmeExample('client'))
  start(['example.ts'], { GLOBAL_LOGOUT_URL: service, PORT: String(applicationPort) })
  await waitFor('the example', () => answers(application))
  const headers = { authorization: `Bearer ${await signIn('ada')}` }
  t.equal(await (await boundedFetch(application, { headers })).text(), 'Hello, ada.\n')
  const logout = { ...json({ scope: 'global' }), method: 'POST' }
  t.equal(
    (await boundedFetch(`${service}/api/logout`, { ...logout, headers: { ...logout.headers, ...headers } }))
      .status,
    200,
  )
  t.equal((await boundedFetch(application, { headers })).status, 401)
})

/** Prints the version as the command does, then the packages that were loaded for it. */
const PRINT_VERSION = `
import { registerHooks } from 'node:module'
const packages = new Set()
registerHooks({
  load(url, context, next) {
    const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url) ?? []
    if (name) packages.add(name)
    return next(url, context)
  },
})
process.on('exit', () => console.log([...packages].sort().join()))
process.argv.push('--version')
await import('./node_modules/${SERVICE}/bin/global-logout.js')`

t.test('the command of the service prints its version, and loads no library but commander', async (t) => {
  const project = await startProject(tarball(SERVICE))
  await project.write('version.js', PRINT_VERSION)
  t.same(await project.node('version.js'), { code: 0, output: `${version}\ncommander,${SERVICE}\n` })
})

for (const [name, file] of tarballs)
  t.test(`publint and attw find nothing in ${name}`, async (t) => {
    for (const { code, output } of [await publint(file), await attw(file)])
      if (!t.equal(code, 0)) t.comment(output)
  })

t.test('deliberate mistakes are found', async (t) => {
  const wrongPath = await broken(tarball(CLIENT), (_, { exports }) => {
    Object.assign(exports?.['.'] ?? {}, { types: './dist/missing.d.ts' })
  })
  t.match(await publint(wrongPath), { code: 1, output: /missing\.d\.ts/ })
  t.match(await attw(wrongPath), { code: 1 })

  const noTypes = await broken(tarball(CLIENT), (folder) => rm(join(folder, 'dist/index.d.ts')))
  const untyped = await startProject(noTypes)
  await untyped.link('@types/node')
  await untyped.write('uses.ts', USES_CLIENT)
  for (const resolution of RESOLUTIONS) {
    const outcome = await untyped.types(resolution, 'uses.ts')
    t.match(outcome, { code: Number, output: /^uses\.ts.*TS7016/ }, resolution)
    t.not(outcome.code, 0)
  }

  const undeclared = await broken(tarball(AUTHJS), (folder) =>
    appendFile(join(folder, 'dist/adapter.js'), "import 'pg'\n"),
  )
  const project = await startProject(tarball(CLIENT), undeclared)
  await project.link('@auth/core')
  await project.write('exports.js', printExports([AUTHJS]))
  t.match(await project.node('exports.js'), { code: 1, output: /Cannot find package 'pg'/ })
})

function publint(file: string) {
  return tool('publint', [file, '--strict'])
}

function attw(file: string) {
  return tool('attw', [file, '--profile', 'esm-only'])
}

/**
 * All errors except those in the types of peers, which import packages that are not installed (`nodemailer`,
 * `gel`). Peers are linked from outside.
 */
function ownErrors(output: string): string[] {
  return output.split('\n').filter((line) => /^\S+\(\d+,\d+\): error/.test(line) && !line.startsWith('..'))
}

function answers(url: string): Promise<boolean> {
  return boundedFetch(url).then(
    () => true,
    () => false,
  )
}

function startIn(t: Test, cwd: string, args: string[], env: Record<string, string>): void {
  const [command, before] = PLAIN
  const child = spawn(command, [...before, process.execPath, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: 'ignore',
  })
  t.teardown(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await nextEvent(`the end of ${args.join(' ')}`, child, 'close')
  })
}
