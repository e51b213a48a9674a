/**
 * Debian programs that make up a cluster. Started by root they run as `nobody`, because PostgreSQL refuses
 * root. Each has its own process session, so Ctrl-C reaches the test only, and each ends when the test ends,
 * even if that is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { delimiter } from 'node:path'
import { nextEvent } from '../../support/within.ts'
import { kill, onExit } from '../prove/leftovers.ts'

/** Debian installs servers outside an ordinary user's PATH. */
const PATH = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter)
export const isRoot = process.getuid?.() === 0
const AS_NOBODY = ['--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups']

export type Program = Awaited<ReturnType<typeof startProgram>>

export interface ProgramOptions {
  env?: Record<string, string>
  /** The file that gets what it prints. */
  log: string
}

/** Resolves once it is started, which does not mean that it is ready. */
export async function startProgram(name: string, args: string[], { env = {}, log }: ProgramOptions) {
  const output = openSync(log, 'a')
  // SIGTERM: Patroni then stops its PostgreSQL.
  const as = ['--pdeathsig', 'TERM', ...(isRoot ? AS_NOBODY : [])]
  const child: ChildProcess = spawn('setpriv', [...as, name, ...args], {
    env: { PATH, LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', output, output],
    detached: true,
  })
  closeSync(output)
  await nextEvent(`the start of ${name}`, child, 'spawn')
  const forget = onExit(() => kill(child.pid))
  const runs = () => child.exitCode === null && child.signalCode === null
  return {
    signal: (signal: NodeJS.Signals) => void (runs() && child.kill(signal)),
    /** @throws Error with its last output, if it has ended by itself. */
    async mustRun(): Promise<void> {
      if (!runs()) throw new Error(`${name} ended:\n${(await readFile(log, 'utf8')).slice(-2_000)}`)
    },
    /** Resolves when the process is gone. */
    async kill(): Promise<void> {
      if (runs()) {
        const gone = nextEvent(`the end of ${name}`, child, 'exit')
        child.kill('SIGKILL')
        await gone
      }
      forget()
    },
  }
}

/** The version that a program prints. @throws Error when it is not installed. */
export async function versionOf(name: string): Promise<string> {
  const child = spawn(name, [name === 'haproxy' ? '-v' : '--version'], {
    env: { PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  const ended = await nextEvent(`the version of ${name}`, child, ['close', 'error'])
  if (ended[0] instanceof Error)
    throw new Error(
      `${name} is not installed. Debian: apt-get install postgresql patroni etcd-server haproxy`,
    )
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? '?'
}
