/** The code of docs/adopt.md compiles and works, and its commands do what it says. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Adapter } from '@auth/core/adapters'
import type { DatabaseSessions } from '@global-logout/postgres'
import t, { type Test } from 'tap'
import { generatedClient, load, skip } from '../authjs/others/load.ts'
import { PG_SQL, PRISMA_SQL } from '../authjs/others/tables.ts'
import { layoutSql } from '../layouts/layouts.ts'
import { IN_SHELL } from '../support/command.ts'
import { compile } from '../support/compile.ts'
import { testDatabase } from '../support/database.ts'
import { cell } from '../support/matrix.ts'
import { noPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'
import { freePort } from '../support/ports.ts'
import { runProgram } from '../support/run-program.ts'
import { startService } from '../support/service.ts'
import { readmeSection } from './readme.ts'

const page = await readFile(new URL('../../docs/adopt.md', import.meta.url), 'utf8')
const code = (title: string, language: string, text = page) =>
  [...readmeSection(title, text).matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, text = '']) => text,
  )

const database = await testDatabase({ dump: await layoutSql('stock') })
const { psql, url } = database
/** The code of the page must also work through a pooler: it runs behind PgBouncer if that is installed. */
const pooledUrl = noPgbouncer ? url : (await startPgbouncer(url)).url

/** Runs commands of the page against the database. */
function shell(commands: string, env: Record<string, string> = {}) {
  const { PATH = '' } = process.env
  const script = `set -eu\n${IN_SHELL}${commands}`
  return runProgram('bash', ['-c', script], { env: { PATH, DATABASE_URL: url, ...env } })
}

t.test('the service migrates beside the application', async (t) => {
  const [, commands = ''] = code('The service', 'sh')
  const login = `gl_test_app_${process.pid}`
  await psql(`create role ${login}`)
  t.teardown(() => psql(`drop role ${login}`))
  await shell(commands.replace('my_app', login))
  t.same(await psql(`select pg_has_role('${login}', 'global_logout_application', 'usage') as granted`), [
    { granted: true },
  ])
})

t.test('the service starts', async (t) => {
  const [, , start = ''] = code('The service', 'sh')
  const port = await freePort()
  // A job of its own, which ends as a whole.
  const commands = `set -m
${start.trim()} >&2 &
for i in {1..200}; do curl -sf http://127.0.0.1:${port}/readyz && break || sleep 0.1; done
kill -- -$!`
  t.match((await shell(commands, { PORT: String(port), LOG_LEVEL: 'warn' })).stdout, '"ok"')
})

t.test('the Next.js example has the code that the page shows', async (t) => {
  const example = (file: string) =>
    readFile(new URL(`../../examples/nextjs/${file}`, import.meta.url), 'utf8')
  const [auth] = code('Next.js', 'ts')
  t.equal(auth, await example('auth.ts'))
  const [account = ''] = code('Next.js', 'tsx')
  const lines = (await example('app/account/page.tsx')).split('\n').map((line) => line.trim())
  for (const line of account.trim().split('\n')) {
    const [, names = '', module = ''] = /^import \{ (.*) \} from (.*)$/.exec(line) ?? []
    const has = (name: string) => lines.some((other) => other.includes(name) && other.endsWith(module))
    for (const name of names ? names.split(', ') : [line.trim()]) t.ok(has(name), name)
  }
})

t.test('imported users stay signed in, and a user deleted while the table is linked does not', async (t) => {
  const service = await startService({ database })
  const [dryRun = '', ...rest] = code('Import', 'sh')[0]?.trim().split('\n') ?? []
  t.match((await shell(dryRun)).stdout, '1 session would be taken over')
  t.equal(await service.check('raw-token-1'), 401)
  t.match((await shell(rest.join('\n'))).stdout, '1 session taken over')
  t.equal(await service.check('raw-token-1'), 200)

  const [print = '', link = '', unlink = ''] = code('Deleted users', 'sh')[0]?.trim().split('\n') ?? []
  t.match((await shell(print)).stdout, 'Nothing was changed')
  t.match((await shell(link)).stdout, /public\."user" is linked/)
  await psql(`insert into public."user" (id, email) values ('gone', 'gone@example.com')`)
  const gone = await service.signIn(await service.addUser('gone'))
  await psql(`delete from public."user" where id = 'gone'`)
  t.same([await service.check(gone.token), await service.check('raw-token-1')], [401, 200])
  t.match((await shell(unlink)).stdout, 'not linked any more')
})

t.test('an application without Auth.js tables gets them', async (t) => {
  const empty = await testDatabase()
  const [command = ''] = /`(global-logout migrate --authjs-tables)`/.exec(page)?.slice(1) ?? []
  await shell(command, { DATABASE_URL: empty.url })
  t.same(await empty.psql('select from public.authenticator'), [])
})

// The code imports what the application has, so it is written where the adapters are installed.
const folder = await mkdtemp(join(import.meta.dirname, '../authjs/others/adopt-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const write = (name: string, text: string) => writeFile(join(folder, name), text)
const NAMES = { Drizzle: 'drizzle', Prisma: 'prisma', 'Any other adapter': 'other', 'No Auth.js': 'none' }
for (const [title, name] of Object.entries(NAMES)) {
  const [text] = code(title, 'ts')
  if (!text) throw new Error(`no code below ${title}`)
  await write(`${name}.ts`, text)
}
await write('http.ts', code('Any other adapter', 'ts')[1] ?? '')
await write('pooled.ts', code('Behind a pooler', 'ts')[0] ?? '')
const packageReadme = await readFile(new URL('../../packages/postgres/README.md', import.meta.url), 'utf8')
await write('pooled-sessions.ts', code('Behind a pooler', 'ts', packageReadme)[0] ?? '')
await write(
  'application.ts',
  `import { memoryAdapter } from '../../memory-adapter.ts'
export const { adapter } = memoryAdapter()
import type { PrismaAdapter } from '@auth/prisma-adapter'
export const prisma = (globalThis as { prismaOfTheTest?: unknown }).prismaOfTheTest as Parameters<typeof PrismaAdapter>[0]`,
)
// Prisma brings another version of postgres-js, which does not fit drizzle's types.
const compilerOptions = { paths: { postgres: ['../../../../node_modules/postgres/types/index.d.ts'] } }
const tsconfig = { extends: '../../../../tsconfig.json', compilerOptions, include: ['.'], exclude: [] }
await write('tsconfig.json', JSON.stringify(tsconfig))

interface Snippet {
  config: { adapter: Adapter }
  sessions?: { close(): Promise<void> }
  pool?: { end(): Promise<void> }
  db?: { $client: { end(): Promise<void> } }
  client?: { end(): Promise<void> }
}
/** Runs the code of a section as an application on this database. */
async function adopted<Module = Snippet>(name: string, address = pooledUrl): Promise<Module> {
  process.env.DATABASE_URL = address
  return import(join(folder, `${name}.ts`)) as Promise<Module>
}

t.test('the code compiles', { skip }, async (t) => {
  t.equal(await compile(folder), '')
})

/** Signs a user in through Auth.js's adapter, checks at the service, and signs out. */
async function signsInAndOut(t: Test, { adapter }: Snippet['config'], userId: string) {
  const service = await startService({ database })
  const expires = new Date(Date.now() + 86_400_000)
  const made = await adapter.createSession?.({ userId, sessionToken: crypto.randomUUID(), expires })
  const token = made?.sessionToken ?? ''
  t.equal(await service.check(token), 200)
  t.match(await adapter.getSessionAndUser?.(token), { user: { id: userId } })
  await adapter.deleteSession?.(token)
  t.equal(await service.check(token), 401)
  t.equal(await adapter.getSessionAndUser?.(token), null)
}

t.test(
  cell('the code of the page signs in and out', {
    layout: 'stock',
    driver: 'GlobalLogoutAdapter',
    strategy: 'database',
  }),
  async (t) => {
    const { config, db } = await adopted('drizzle')
    await signsInAndOut(t, config, 'u1')
    await db?.$client.end()
  },
)

const pooledCell = { layout: 'stock', driver: 'drizzle on postgres-js', strategy: 'database' } as const
t.test(cell('the code for a pooler signs in and out', pooledCell), async (t) => {
  const { config, client } = await adopted('pooled')
  await signsInAndOut(t, config, 'u1')
  await client?.end()
})

t.test('the code for a pooler in the README of @global-logout/postgres signs in and out', async (t) => {
  type Own = { sessions: DatabaseSessions; client: { end(): Promise<void> } }
  const { sessions, client } = await adopted<Own>('pooled-sessions')
  const { token } = await sessions.create({ user: { id: '8' } })
  const request = { headers: { authorization: `Bearer ${token}` } }
  t.match(await sessions.check(request), { userId: '8' })
  await sessions.logout(request)
  t.equal(await sessions.check(request), null)
  await client.end()
})

const prismaCell = { layout: 'prisma-mapped', driver: 'Prisma', strategy: 'database' } as const
t.test(cell('the code of the page signs in and out', prismaCell), { skip }, async (t) => {
  await psql(PRISMA_SQL)
  const { PrismaPg } = await load<{ PrismaPg: new (options: object) => unknown }>('@prisma/adapter-pg')
  type PrismaClient = new (options: object) => { $disconnect(): Promise<void> }
  const { PrismaClient } = await generatedClient<{ PrismaClient: PrismaClient }>()
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })
  Object.assign(globalThis, { prismaOfTheTest: prisma })
  const { config, sessions } = await adopted('prisma')
  const user = await config.adapter.createUser?.({ id: '', email: 'ada@example.com', emailVerified: null })
  await signsInAndOut(t, config, user?.id ?? '')
  await prisma.$disconnect()
  await sessions?.close()
})

const pgCell = { layout: 'pg-adapter', driver: '@auth/pg-adapter', strategy: 'database' } as const
t.test(cell('the code of the page signs in and out', pgCell), { skip }, async (t) => {
  await psql(PG_SQL)
  const { config, pool } = await adopted('other', `${url}?options=-c%20search_path%3Dplain`)
  const user = await config.adapter.createUser?.({ id: '', email: 'ada@example.com', emailVerified: null })
  await signsInAndOut(t, config, user?.id as string)
  await pool?.end()
})

const httpCell = { layout: 'no tables', driver: 'HTTP', strategy: 'database' } as const
t.test(cell('the code of the page signs in and out', httpCell), async (t) => {
  const keys = /`(global-logout keys create [^`]*)`/.exec(page)?.[1] ?? ''
  const { key } = JSON.parse((await shell(`${keys} --json`)).stdout)
  const { base } = await startService({ database })
  Object.assign(process.env, { GLOBAL_LOGOUT_URL: base, GLOBAL_LOGOUT_KEY: key })
  const { config } = await adopted('http')
  const user = await config.adapter.createUser?.({ id: '', email: 'eve@example.com', emailVerified: null })
  await signsInAndOut(t, config, user?.id ?? '')
  await config.adapter.deleteUser?.(user?.id ?? '')
})

const noneCell = { layout: 'no Auth.js', driver: 'a connection string', strategy: 'database' } as const
t.test(cell('the code of the page signs in, and finds the user of a request', noneCell), async (t) => {
  const own = await adopted<{
    startSession(user: object): Promise<{ name: string; value: string }>
    userOf(request: Request): Promise<string | null>
    sessions: { close(): Promise<void> }
  }>('none')
  const { name, value } = await own.startSession({ id: '7', name: 'Ada', email: 'ada@example.com' })
  const request = (cookie: string) => new Request('http://127.0.0.1/', { headers: { cookie } })
  t.equal(await own.userOf(request(`${name}=${value}`)), '7')
  t.equal(await own.userOf(request('a=b')), null)
  await own.sessions.close()
})

t.test('the way back removes everything of ours', async (t) => {
  const [drop = ''] =
    /`(drop schema global_logout cascade)`/.exec(readmeSection('Go back', page))?.slice(1) ?? []
  await psql(drop)
  t.same(await psql(`select nspname from pg_namespace where nspname = 'global_logout'`), [])
})
