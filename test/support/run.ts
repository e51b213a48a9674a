/**
 * Runs the tests on a real PostgreSQL: TEST_DATABASE_URL, else testcontainers if a Docker engine responds, else the embedded
 * server. Creates the migrated template database that each test file clones.
 *
 *     npm test                                  all tests; prints the ten slowest files, and each failure again
 *     npm test -- test/check/handler.test.ts    one file
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startEmbedded } from '../../demo/embedded.ts'
import { migrate } from '../../src/database/migrate.ts'
import { admin, databaseUrl } from './server.ts'
import { summary } from './summary.ts'

const TEMPLATE = `gl_template_${process.pid}`
/** A run starts hundreds of processes, which share compiled code through this cache. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url))

await buildTapOnce()
const server = await startServer()
process.stdout.write(`Database for the tests: ${server.name}\n`)
let code = 1
try {
  await admin(server.url, (client) => client.query(`create database ${TEMPLATE}`))
  await migrate(databaseUrl(server.url, TEMPLATE))
  const startedAt = Date.now()
  code = await tap({
    NODE_COMPILE_CACHE,
    ...process.env,
    TEST_SERVER_URL: server.url,
    TEST_TEMPLATE: TEMPLATE,
  })
  process.stdout.write(await summary(startedAt))
  await admin(server.url, (client) => client.query(`drop database ${TEMPLATE}`))
} finally {
  await server.stop()
}
process.exitCode = code

/**
 * Compiles the plugins of tap after an install or a change of `.taprc`. Not at every run, because two
 * concurrent runs would clash.
 */
async function buildTapOnce(): Promise<void> {
  const marker = 'node_modules/.tap-built'
  const current = await readFile('.taprc', 'utf8')
  if ((await readFile(marker, 'utf8').catch(() => null)) === current) return
  await promisify(execFile)('tap', ['build'])
  await writeFile(marker, current)
}

function tap(env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn('tap', ['run', ...process.argv.slice(2)], { env, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((done) => child.on('close', (status) => done(status ?? 1)))
}

async function startServer(): Promise<{ name: string; url: string; stop(): Promise<unknown> }> {
  const given = process.env.TEST_DATABASE_URL
  if (given) return { name: 'TEST_DATABASE_URL', url: given, stop: async () => {} }
  if (await dockerResponds()) {
    const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
    try {
      const container = await new PostgreSqlContainer('postgres:18-alpine')
        .withCommand(['postgres', '-c', 'fsync=off', '-c', 'max_connections=500'])
        .start()
      const stop = () => container.stop()
      return { name: 'testcontainers, postgres:18-alpine', url: container.getConnectionUri(), stop }
    } catch (error) {
      process.stdout.write(
        `Docker responds, but no container could be started (${(error as Error).message.trim()})\n`,
      )
    }
  }
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-test-'))
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '500', scram_iterations: '1' }
  const embedded = await startEmbedded(folder, { settings })
  // A run opens thousands of connections; with 4,096 iterations the password would cost most of each.
  await admin(embedded.url, (client) =>
    client.query(`alter role postgres password '${new URL(embedded.url).password}'`),
  )
  return {
    name: 'embedded PostgreSQL',
    url: embedded.url,
    stop: async () => {
      await embedded.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function dockerResponds(): Promise<boolean> {
  return promisify(execFile)('docker', ['info'], { timeout: 10_000 }).then(
    () => true,
    () => false,
  )
}
