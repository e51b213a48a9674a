/**
 * The types of `withGlobalLogout` fit Auth.js, next-auth 5 and next-auth 4, under strict compiler options.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { compile } from '../support/compile.ts'
import { missing } from './next-auth.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const USES = `
import type { AuthConfig } from '@auth/core'
import type { Adapter } from '@auth/core/adapters'
import { databaseCredentials, jwtSessions, withGlobalLogout } from '@global-logout/authjs'
import type { Sessions } from '@global-logout/client'
import type { AuthOptions } from 'next-auth-4'
import type { Adapter as Adapter4 } from 'next-auth-4/adapters'

declare const sessions: Sessions
declare const adapter: Adapter
declare const adapter4: Adapter4
export const ours: Adapter = withGlobalLogout(adapter, sessions, { device: () => ({ userAgent: undefined }) })
export const ours4: Adapter4 = withGlobalLogout(adapter4, sessions)
export const options: AuthOptions = { adapter: withGlobalLogout(adapter4, sessions), providers: [] }
/** As an application has it in its call of NextAuth. */
const work = {
  ...{ id: 'work', name: 'Work', issuer: 'https://id.example', idToken: false },
  profile: ({ sub }: { sub: string }) => ({ id: sub }),
}
declare function NextAuth(config: AuthConfig | (() => AuthConfig | PromiseLike<AuthConfig>)): void
declare function NextAuth4(config: AuthOptions): void
NextAuth(() => jwtSessions(
  {
    session: { strategy: 'jwt' },
    providers: [{ ...work, type: 'oidc', checks: ['pkce', 'state'], profile: (profile) => ({ id: profile.sub }) }],
    callbacks: { jwt: ({ token }) => token },
  },
  sessions,
))
NextAuth(databaseCredentials({ adapter: ours, session: { strategy: 'database' }, providers: [{ ...work, type: 'oidc' }] }))
NextAuth4(jwtSessions(
  { session: { strategy: 'jwt' }, providers: [{ ...work, type: 'oauth', checks: ['pkce', 'state'] }] },
  sessions,
))
// @ts-expect-error No adapter.
withGlobalLogout('postgres://127.0.0.1/', sessions)
// @ts-expect-error No sessions.
withGlobalLogout(adapter, {})
`

t.test('types', { skip: missing }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-types-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'node_modules/@global-logout'), { recursive: true })
  const links = {
    'next-auth-4': 'test/authjs/next-auth/node_modules/next-auth-4',
    '@auth': 'node_modules/@auth',
    '@global-logout/authjs': 'packages/authjs',
    '@global-logout/client': 'packages/client',
  }
  for (const [name, target] of Object.entries(links))
    await symlink(join(root, target), join(folder, 'node_modules', name))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'uses.ts'), USES)
  for (const [moduleResolution, module] of [
    ['bundler', 'esnext'],
    ['node16', 'node16'],
  ] as const) {
    const compilerOptions = {
      ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true, types: [] },
      ...{ target: 'es2024', lib: ['es2024', 'dom'], module, moduleResolution },
      // The sources of our packages, which need no build.
      ...{ customConditions: ['global-logout-source'], allowImportingTsExtensions: true },
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['uses.ts'] }))
    const output = await compile(folder)
    // All errors except those in the types of peers, which import packages that are not installed (`next`,
    // `nodemailer`).
    const own = output.split('\n').filter((line) => /^(uses\.ts|\S*packages\/)/.test(line))
    t.strictSame(own, [], moduleResolution)
  }
})
