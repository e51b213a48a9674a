/** Bundles the package with what it shares with the service; peers stay imports. The tests call it for a folder of their own. */
import { build } from 'esbuild'

const SOURCES = `${import.meta.dirname}/src`
const LAZY_PG = `${SOURCES}/pg.ts`

/** @param {string} outdir */
export async function bundle(outdir) {
  await build({
    entryPoints: [`${SOURCES}/index.ts`],
    outdir,
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
            importer === LAZY_PG ? { path: 'pg', external: true } : { path: LAZY_PG },
          ),
      },
    ],
    logLevel: 'warning',
  })
}
