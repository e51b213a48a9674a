/** Builds the modules and their types. The types of the peers come from their sources, so no other package has to be built before. */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'

process.chdir(import.meta.dirname)
rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
// The compiler also wrote what is imported from the peers.
cpSync('dist/all/packages/authjs/src', 'dist', { recursive: true })
rmSync('dist/all', { recursive: true })
