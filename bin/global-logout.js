#!/usr/bin/env node
// The command's first step, in plain JavaScript, so that an old Node gets a sentence and not a syntax error.
import { existsSync, readFileSync } from 'node:fs'

const packageJson = new URL('../package.json', import.meta.url)
const { version, engines } = JSON.parse(readFileSync(packageJson, 'utf8'))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `global-logout needs Node ${engines.node}; this is ${process.versions.node}. "npm start" in a checkout brings its own.\n`,
  )
  process.exit(2)
}

// A checkout runs its sources as they are; the published package has only what was built from them.
const sources = new URL('../src/program.ts', import.meta.url)
const { main } = await import(
  existsSync(sources) ? sources.href : new URL('../dist/program.js', import.meta.url).href
)
const code = await main(process.argv.slice(2), process.env, version)
if (code !== undefined) process.exitCode = code
// A worker that could not start would be kept alive by the channel to its supervisor.
if (code !== undefined && process.connected) process.exit()
