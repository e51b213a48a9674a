/** The examples for Credentials and JWT sessions in the README of `@global-logout/authjs` compile and work. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { compile } from '../support/compile.ts'
import { freePort } from '../support/ports.ts'
import { startService } from '../support/service.ts'
import type { Site } from './browser.ts'
import { signIn } from './sign-in.ts'

const SECRET = 'of-the-application'
process.env.AUTH_SECRET = SECRET
const service = await startService({ env: { AUTH_SECRET: SECRET } })
process.env.README_DATABASE = service.database.url

/** The application's own code. */
const APPLICATION = `
import Credentials from '@auth/core/providers/credentials'
import { createDatabaseSessions } from '@global-logout/postgres'
import { memoryAdapter } from '../memory-adapter.ts'
import { PASSWORD } from '../sign-in.ts'

const ada = { id: 'ada', name: 'Ada', email: 'ada@example.com', emailVerified: null }
const users = memoryAdapter()
users.users.set(ada.id, ada)
export const adapter = users.adapter
export const sessions = createDatabaseSessions({ connectionString: process.env.README_DATABASE ?? '' })
export const findUser = ({ password }: { password?: unknown }) => (password === PASSWORD ? ada : null)
export const providers = [Credentials({ credentials: { username: {}, password: {} }, authorize: findUser })]
`

// Next to the tests, where its imports resolve.
const folder = await mkdtemp(join(import.meta.dirname, 'readme-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const write = (name: string, text: string) => writeFile(join(folder, name), text)
await write('application.ts', APPLICATION)
await write(
  'tsconfig.json',
  JSON.stringify({ extends: '../../../tsconfig.json', include: ['.'], exclude: [] }),
)
const readme = await readFile(new URL('../../packages/authjs/README.md', import.meta.url), 'utf8')
for (const [name, heading, index] of [
  ['no-query', 'No query', 0],
  ['credentials', 'Credentials', 0],
  ['jwt', 'JWT sessions', 0],
  ['logout', 'JWT sessions', 1],
] as const) {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const example = [...section.matchAll(/```ts\n(.*?)```/gs)][index]?.[1]
  if (!example) throw new Error(`the section ${heading} has no example ${index}`)
  await write(`${name}.ts`, example)
}
const load = (name: string) => import(join(folder, `${name}.ts`))
const { sessions } = await load('application')
t.teardown(sessions.close)

t.test('the examples compile', async (t) => {
  t.equal(await compile(folder), '')
})

for (const name of ['credentials', 'jwt']) {
  t.test(`${name}: a user signs in, is accepted by the service, and signs out`, async (t) => {
    const { handle } = (await load(name)) as { handle: Site }
    const origin = `http://127.0.0.1:${await freePort()}`
    const app = { origin, basePath: '/auth', cookieName: 'authjs.session-token', answer: handle }
    const ada = await signIn(app, 'ada')
    t.match(await ada.session(), { user: { name: 'Ada' } })
    t.equal(await ada.check(service.base), 200)
    await ada.signOut()
    t.equal(await ada.session(), null)
  })
}

t.test('a sign-out everywhere with the JWT of a request ends the other browser', async (t) => {
  const { handle } = (await load('jwt')) as { handle: Site }
  const { signOutEverywhere } = (await load('logout')) as { signOutEverywhere(req: Request): Promise<void> }
  const origin = `http://127.0.0.1:${await freePort()}`
  const app = { origin, basePath: '/auth', cookieName: 'authjs.session-token', answer: handle }
  const [phone, laptop] = [await signIn(app, 'ada'), await signIn(app, 'ada')]
  await signOutEverywhere(new Request(origin, { headers: { cookie: `${app.cookieName}=${phone.cookie()}` } }))
  t.equal(await laptop.check(service.base), 401)
  t.equal(await laptop.session(), null)
})
