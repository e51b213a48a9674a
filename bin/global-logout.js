#!/usr/bin/env node
// Starts the command. Plain JavaScript: a Node that is too old prints a sentence instead of a syntax error.
import { existsSync, readFileSync } from 'node:fs'

const packageJson = new URL('../package.json', import.meta.url)
const { version, engines } = JSON.parse(readFileSync(packageJson, 'utf8'))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `global-logout needs Node ${engines.node}; this is ${process.versions.node}. Run it with a newer Node; in a checkout, "npm start" does.\n`,
  )
  process.exit(2)
}

// The reader closed the pipe, as "… | head -1" does: no error.
process.stdout.on('error', (error) => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1))

// A checkout runs its TypeScript sources; the published package contains only the build.
const sources = new URL('../src/program.ts', import.meta.url)
const { main } = await import(
  existsSync(sources) ? sources.href : new URL('../dist/program.js', import.meta.url).href
)
const code = await main(process.argv.slice(2), process.env, version)
if (code !== undefined) process.exitCode = code
// The channel to the supervising process would keep a worker alive that could not start.
if (code !== undefined && process.connected) process.exit()
