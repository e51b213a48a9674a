/** Builds one module, what it imports when it is used, and their types. */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { bundle } from './bundle.js'

process.chdir(import.meta.dirname)
rmSync('dist', { recursive: true, force: true })
await bundle('dist')
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
// These types do not refer to the service, so the service's types are not shipped.
for (const name of ['index', 'sessions', 'connection', 'cookie', 'memory'])
  cpSync(`dist/types/packages/postgres/src/${name}.d.ts`, `dist/${name}.d.ts`)
rmSync('dist/types', { recursive: true })
