/** Builds the modules and their types: bundles what is shared with the service; peers stay imports. */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

process.chdir(import.meta.dirname)
rmSync('dist', { recursive: true, force: true })

const lazyPg = `${import.meta.dirname}/src/pg.ts`
await build({
  entryPoints: ['src/index.ts'],
  outdir: 'dist',
  bundle: true,
  // What `checks: 'leased'` needs is a file of its own, imported when it is used.
  splitting: true,
  chunkNames: '[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node22',
  external: ['@global-logout/client', 'drizzle-orm'],
  banner: {
    js: '/*! Contains lru-cache, copyright Isaac Z. Schlueter and contributors: https://blueoakcouncil.org/license/1.0.0 */',
  },
  plugins: [
    {
      name: 'node-postgres, when it is needed',
      setup: ({ onResolve }) =>
        onResolve({ filter: /^pg$/ }, ({ importer }) =>
          importer === lazyPg ? { path: 'pg', external: true } : { path: lazyPg },
        ),
    },
  ],
  logLevel: 'warning',
})
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
// These types do not refer to the service, so the service's types are not shipped.
for (const name of ['index', 'sessions', 'connection', 'cookie', 'memory'])
  cpSync(`dist/types/packages/postgres/src/${name}.d.ts`, `dist/${name}.d.ts`)
rmSync('dist/types', { recursive: true })
