/** Builds one module and its types: bundles what is shared with the service; peers stay imports. */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

process.chdir(import.meta.dirname)
rmSync('dist', { recursive: true, force: true })
await build({
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  packages: 'external',
  logLevel: 'warning',
})
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
// These types do not refer to the service, so the service's types are not shipped.
for (const name of ['index', 'sessions', 'connection', 'cookie'])
  cpSync(`dist/types/packages/postgres/src/${name}.d.ts`, `dist/${name}.d.ts`)
rmSync('dist/types', { recursive: true })
