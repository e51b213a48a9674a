/** Bundles what is shared with the service into one module. */
import { join } from 'node:path'
import { build } from 'esbuild'

/** @param {string} outdir of the compiled modules, of which it replaces one. */
export async function bundle(outdir) {
  await build({
    entryPoints: [join(import.meta.dirname, 'src/shared.ts')],
    outfile: join(outdir, 'shared.js'),
    bundle: true,
    format: 'esm',
    target: 'es2024',
    logLevel: 'warning',
    allowOverwrite: true,
  })
}
