/** Child processes: servers that answer before they are measured; none outlives the run. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const START_MS = 60_000
const children = new Set<ChildProcess>()

export interface Server {
  base: string
  pid: number
  stop(): Promise<void>
}

/** Runs a script on this Node, in production, and waits until it listens. @throws Error with what it printed. */
export async function startServer(script: URL, args: string[], env: Record<string, string>): Promise<Server> {
  const port = await freePort()
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(script), ...args], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  track(child)
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-4_000)
    })

  const base = `http://127.0.0.1:${port}`
  for (const deadline = Date.now() + START_MS; ; await sleep(50)) {
    if (await answers(base)) break
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${script.pathname.split('/').slice(-2).join('/')} did not start:\n${printed.trim()}`)
    }
  }
  return {
    base,
    pid: child.pid as number,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await Promise.race([ended, sleep(10_000, undefined, { ref: false })])
      child.kill('SIGKILL')
    },
  }
}

/** Runs a program to its end. @returns what it wrote to stdout. @throws Error when it fails. */
export async function run(file: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const running = promisify(execFile)(file, args, { env: { ...process.env, ...env }, maxBuffer: 1 << 24 })
  track(running.child)
  return (await running).stdout
}

/** For the end of an interrupted run. */
export function killChildren(): void {
  for (const child of children) child.kill('SIGKILL')
}

function track(child: ChildProcess): void {
  children.add(child)
  child.once('exit', () => children.delete(child))
}

/** Whether a server answers HTTP there. */
function answers(base: string): Promise<boolean> {
  return fetch(`${base}/`, { redirect: 'manual', signal: AbortSignal.timeout(5_000) }).then(
    async (response) => {
      await response.arrayBuffer()
      return true
    },
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
