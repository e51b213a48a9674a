/**
 * Runs the example of Next.js in a checkout: the demo of the service on port 4000, an identity provider without passwords on 4001,
 * and `next dev` on 3000. Ctrl-C ends all three.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CLIENT, createIdentityProvider } from './identity-provider.ts'

const APPLICATION = 'http://localhost:3000'
const SERVICE = 'http://127.0.0.1:4000'
const ISSUER = 'http://localhost:4001'
const PATIENCE_MS = 60_000

const root = fileURLToPath(new URL('..', import.meta.url))
const example = fileURLToPath(new URL('../examples/nextjs', import.meta.url))
const command = `${root}bin/global-logout.js`
// The service's own PORT and DATABASE_URL must not come from the shell.
const { PATH, HOME } = process.env
const env = { PATH, HOME }

const server = createIdentityProvider(ISSUER, `${APPLICATION}/api/auth/callback/work`)
server.listen(4001, 'localhost')
const children: ChildProcess[] = []
process.once('SIGINT', end).once('SIGTERM', end)
const service = run([command, 'start'], root, { PORT: '4000', PUBLIC_URL: APPLICATION, LOG_LEVEL: 'warn' })
await ready()
const create = [command, 'keys', 'create', '--name', 'nextjs', '--scope', 'sessions:create', '--json']
const { stdout } = await promisify(execFile)(process.execPath, create, { cwd: root, env })
run(['node_modules/next/dist/bin/next', 'dev', '--port', '3000'], example, {
  NEXT_TELEMETRY_DISABLED: '1',
  GLOBAL_LOGOUT_URL: SERVICE,
  GLOBAL_LOGOUT_KEY: JSON.parse(stdout).key,
  AUTH_SECRET: 'of-the-demo',
  AUTH_URL: APPLICATION,
  AUTH_WORK_ISSUER: ISSUER,
  AUTH_WORK_ID: CLIENT.client_id,
  AUTH_WORK_SECRET: CLIENT.client_secret,
})
process.stdout.write(`\n  Open ${APPLICATION} in two browsers, and sign out everywhere in one.\n\n`)

function run(args: string[], cwd: string, more: Record<string, string>) {
  const child = spawn(process.execPath, args, { cwd, env: { ...env, ...more }, stdio: 'inherit' })
  children.push(child)
  return child.once('exit', end)
}

/** If one process ends, the others are ended too. */
function end(): void {
  for (const child of children) child.kill()
  server.close()
  server.closeAllConnections()
}

async function ready(): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(200)) {
    const answer = await fetch(`${SERVICE}/readyz`).catch(() => null)
    if (answer?.ok) return
    if (service.exitCode !== null) break
  }
  throw new Error(`the service does not answer at ${SERVICE}`)
}
