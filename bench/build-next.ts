/** Builds the application of `bench/next`, on the Next.js of the example and on the client as it is now. */
import { existsSync } from 'node:fs'
import { cp, mkdir, rm, symlink } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { run } from './processes.ts'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const INSTALLED = at('../examples/nextjs/node_modules')
const CLIENT = at('../packages/client')
const FOLDER = at('next')
const MODULES = `${FOLDER}/node_modules`
const DEPENDENCIES = ['next', 'react', 'react-dom', 'jose']

/** The program of Next.js; null where it is not installed. */
export const NEXT: URL | null = existsSync(`${INSTALLED}/next`)
  ? new URL('../examples/nextjs/node_modules/next/dist/bin/next', import.meta.url)
  : null

/** @returns the folder of the application. */
export async function buildNext(): Promise<string> {
  await rm(MODULES, { recursive: true, force: true })
  await mkdir(`${MODULES}/@global-logout/client`, { recursive: true })
  for (const name of DEPENDENCIES) await symlink(`${INSTALLED}/${name}`, `${MODULES}/${name}`)
  await run('npm', ['run', 'build', '--prefix', CLIENT])
  for (const part of ['dist', 'package.json'])
    await cp(`${CLIENT}/${part}`, `${MODULES}/@global-logout/client/${part}`, { recursive: true })
  await run(process.execPath, [fileURLToPath(NEXT ?? ''), 'build', FOLDER], { NEXT_TELEMETRY_DISABLED: '1' })
  return FOLDER
}
