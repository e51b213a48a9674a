/** Imports packages that only this folder installs. Without types, because a checkout may not have them. */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import { runProgram } from '../../support/run-program.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const modules = join(folder, 'node_modules')

/**
 * Why tests of these packages are skipped before `npm --prefix test/authjs/others ci` has run. In CI they
 * fail instead.
 */
export const skip =
  existsSync(modules) || process.env.CI ? false : 'run "npm --prefix test/authjs/others ci" before'

export function load<Module>(name: string): Promise<Module> {
  return import(name) as Promise<Module>
}

/** Prisma's client for `schema.prisma`, newly generated. */
export async function generatedClient<Module>(): Promise<Module> {
  const made = await mkdtemp(join(tmpdir(), 'global-logout-prisma-'))
  t.teardown(() => rm(made, { recursive: true, force: true }))
  await symlink(modules, join(made, 'node_modules'))
  for (const file of ['schema.prisma', 'prisma.config.js', 'package.json'])
    await cp(join(folder, file), join(made, file))
  // Generating needs no engine, but would download one.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1' }
  const prisma = join(modules, 'prisma/build/index.js')
  await runProgram(process.execPath, [prisma, 'generate'], { cwd: made, env, timeout: 120_000 })
  return import(pathToFileURL(join(made, 'generated/client.ts')).href)
}
