/** Builds one module and its types: bundles what the adapter shares with the service; peers stay imports. */
import { execFileSync } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

process.chdir(import.meta.dirname)
rmSync('dist', { recursive: true, force: true })
await build({
  entryPoints: ['src/adapter.ts'],
  outfile: 'dist/adapter.js',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  packages: 'external',
  logLevel: 'warning',
})
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
// The types of the adapter do not refer to the service, so the service's types are not shipped.
renameSync('dist/types/packages/authjs/src/adapter.d.ts', 'dist/adapter.d.ts')
rmSync('dist/types', { recursive: true })
