/** Builds the modules and their types. Bundles what is shared with the service into one of them. */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { bundle } from './bundle.js'

process.chdir(import.meta.dirname)
rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
// The compiler also wrote what is imported from the service.
cpSync('dist/all/packages/client/src', 'dist', { recursive: true })
rmSync('dist/all', { recursive: true })
await bundle('dist')
// No type that is exported refers to these.
for (const name of ['shared', 'leases', 'lease-calls']) rmSync(`dist/${name}.d.ts`)
