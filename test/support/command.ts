/** Runs the `global-logout` command, as a child process or in this process. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { main } from '../../src/program.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { FASTER, plainNode } from './plain-node.ts'
import { shellWord } from './shell.ts'
import { waitFor, within } from './within.ts'

const bin = fileURLToPath(new URL('../../bin/global-logout.js', import.meta.url))
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

export interface Run {
  child: ChildProcess
  /** The output so far, of both streams. */
  output(): string
  /** The output so far, of standard output only. */
  stdout(): string
  /** Resolves once the output contains `text`. @throws Error if the process ends without it. */
  printed(text: string): Promise<void>
  /** Resolves when the service that was started listens on `port` of 127.0.0.1 and is ready, which takes a lease. */
  ready(port: number): Promise<void>
  /** Resolves with the exit code, or the signal that killed the process. Reading it starts the time limit; so does a copy by `...`. */
  readonly ended: Promise<number | NodeJS.Signals>
}

const { PATH, NODE_COMPILE_CACHE } = process.env

/** Defines `global-logout` in a shell, as the README does for a checkout. */
export const IN_SHELL = `export NODE_COMPILE_CACHE=${shellWord(NODE_COMPILE_CACHE ?? '')}
global-logout() { ${[process.execPath, FASTER, bin].map(shellWord).join(' ')} "$@"; }
`

/** Runs the command in `cwd`; its environment holds only PATH, NODE_COMPILE_CACHE and `env`. Killed when the test file ends. */
export function run(
  args: string[],
  { cwd, env = {}, node = [] }: { cwd?: string; env?: Record<string, string>; node?: string[] } = {},
): Run {
  const child = spawn(...plainNode(FASTER, ...node, bin, ...args), {
    cwd,
    env: { PATH, NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  let stdoutText = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdoutText += chunk
  })
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (const listener of listeners) listener()
    })
  }
  const ended = new Promise<number | NodeJS.Signals>((done) => {
    child.once('close', (code, signal) => done(code ?? (signal as NodeJS.Signals)))
  })
  t.teardown(() => child.kill('SIGKILL'))
  const withLimit = <T>(what: string, wait: Promise<T>) =>
    within(`${what} of "global-logout ${args.join(' ')}"`, wait).catch((error) => {
      throw new Error(`${error.message}; output:\n${text}`)
    })
  const printed = (wanted: string) =>
    withLimit(
      `the text ${JSON.stringify(wanted)}`,
      new Promise<void>((done, fail) => {
        const check = () => text.includes(wanted) && done()
        listeners.add(check)
        check()
        void ended.then(() => fail(new Error(`the command ended without printing ${JSON.stringify(wanted)}`)))
      }),
    )
  return {
    child,
    output: () => text,
    stdout: () => stdoutText,
    printed,
    ready: async (port) => {
      await printed('Server listening')
      const isReady = async () => (await boundedFetch(`http://127.0.0.1:${port}/readyz`)).status === 200
      await waitFor('the service to be ready', isReady)
    },
    get ended() {
      return withLimit('the end', ended)
    },
  }
}

/** The output of a command in this process. */
const printing = new AsyncLocalStorage<(stream: 'stdout' | 'stderr', text: string) => void>()

let diverted = false

/** Streams as a child process would have them: no input, and its own output. */
function divertStreams(): void {
  if (diverted) return
  diverted = true
  Object.defineProperty(process, 'stdin', { value: Readable.from([]) })
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name]
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      const print = printing.getStore()
      if (!print) return write(chunk, ...rest)
      print(name, String(chunk))
      return true
    }
  }
}
/**
 * Runs a command that ends by itself in this process, as `bin/global-logout.js` does: this saves the start of
 * Node, nine tenths of the CPU. Its environment contains only `env`.
 */
export function runHere(
  args: string[],
  { env = {} }: { env?: Record<string, string> } = {},
): Pick<Run, 'output' | 'stdout' | 'ended'> {
  divertStreams()
  let text = ''
  let stdoutText = ''
  const print = (stream: 'stdout' | 'stderr', chunk: string) => {
    text += chunk
    if (stream === 'stdout') stdoutText += chunk
  }
  const ended = within(
    `the end of "global-logout ${args.join(' ')}"`,
    printing.run(print, () => main(args, env, version)),
  ).then((code = 0) => code)
  return { output: () => text, stdout: () => stdoutText, ended }
}
