/**
 * The processes under test: instances (`global-logout start`), and callers that answer checks in their own memory. Each keeps its
 * port when it is killed and restarted. A mutation is applied from outside, while the process loads its sources.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { boundedFetch } from '../../support/bounded-fetch.ts'
import { FASTER } from '../../support/plain-node.ts'
import { freePort } from '../../support/ports.ts'
import { nextEvent } from '../../support/within.ts'
import { kill, onExit } from './leftovers.ts'
import { openWire, type Wire } from './wire.ts'

const bin = fileURLToPath(new URL('../../../bin/global-logout.js', import.meta.url))
const caller = fileURLToPath(new URL('caller.ts', import.meta.url))
const pythonCaller = fileURLToPath(new URL('caller.py', import.meta.url))
export const PYTHON = '/usr/bin/python3'
/** Packages of the workspace run from their sources, which a mutation may edit. */
const SOURCES = '--conditions=global-logout-source'
const mutations = new URL('./mutations/register.ts', import.meta.url).href
/** From the start of the process to its first answer. */
const START_MS = 90_000

export interface InstanceOptions {
  databaseUrl: string
  mode: string
  mutation?: string | undefined
}

/** By HTTP, also in Python, which no mutation edits; or as an instance of its own on the database. */
export type CallerOptions = { mutation?: string | undefined } & (
  | { kind: 'http' | 'python'; serviceUrl: string; key: string }
  | { kind: 'database'; databaseUrl: string }
)

export type Instance = Awaited<ReturnType<typeof startProcess>>

export const startInstance = (number: number, { databaseUrl, mode, mutation }: InstanceOptions) =>
  startProcess(number, `instance ${number}`, mutation, nodeWith(mutation, bin, 'start'), {
    DATABASE_URL: databaseUrl,
    CHECK_MODE: mode,
    LOG_LEVEL: 'error',
  })

export function startCaller(number: number, options: CallerOptions) {
  const { kind, mutation } = options
  const command = kind === 'python' ? [PYTHON, pythonCaller] : nodeWith(mutation, SOURCES, caller)
  return startProcess(number, `caller ${number}`, mutation, command, {
    ...(kind === 'database'
      ? { DATABASE_URL: options.databaseUrl }
      : { SERVICE_URL: options.serviceUrl, SERVICE_KEY: options.key }),
  })
}

function nodeWith(mutation: string | undefined, ...args: string[]): string[] {
  return [process.execPath, FASTER, ...(mutation ? ['--import', mutations] : []), ...args]
}

/** @param number in the history. */
async function startProcess(
  number: number,
  name: string,
  mutation: string | undefined,
  [program = '', ...args]: string[],
  env: Record<string, string>,
) {
  const port = await freePort()
  const wire: Wire = openWire(port)
  let child: ChildProcess | undefined
  let output = ''
  const forget = onExit(() => kill(child?.pid))

  async function start(): Promise<void> {
    const started = spawn(program, args, {
      env: { PATH: process.env.PATH, PORT: String(port), ...env, ...(mutation && { MUTATION: mutation }) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    for (const stream of [started.stdout, started.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4_000)
      })
    const patience = performance.now() + START_MS
    while (!(await isReady())) {
      if (performance.now() > patience) throw new Error(`${name} did not start:\n${output}`)
      await sleep(50)
    }
  }

  /** @throws Error when its process has ended by itself: on its port, another program might answer in its place. */
  async function isReady(): Promise<boolean> {
    if (child && child.exitCode !== null) throw new Error(`${name} ended by itself:\n${output}`)
    return (await wire.ask('GET /readyz HTTP/1.1\r\nHost: prove\r\n\r\n')).status === 200
  }

  const runs = () => child?.exitCode === null && child.signalCode === null
  const signal = (name: NodeJS.Signals) => void (runs() && child?.kill(name))

  async function end(): Promise<void> {
    if (!child || !runs()) return
    const gone = nextEvent(`the end of ${name}`, child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async function close(): Promise<void> {
    wire.close()
    await end()
    forget()
  }

  try {
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    number,
    url: `http://127.0.0.1:${port}`,
    wire,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    /** Resolves when the process is gone. */
    kill: end,
    restart: start,
    isReady,
    /** Checks answered from the cache since it was started. */
    hits: async (): Promise<number> => {
      const metrics = await (await boundedFetch(`http://127.0.0.1:${port}/metrics`)).text()
      return Number(/^global_logout_leased_checks_total\{source="memory"\} (\d+)$/m.exec(metrics)?.[1] ?? 0)
    },
    /** Its last output: errors only. */
    output: () => output,
    close,
  }
}
