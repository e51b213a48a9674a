/** The `global-logout` command as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { plainNode } from './plain-node.ts'
import { within } from './within.ts'

const bin = fileURLToPath(new URL('../../bin/global-logout.js', import.meta.url))

export interface Run {
  child: ChildProcess
  /** What it printed so far, both streams. */
  output(): string
  /** The same of standard output alone. */
  stdout(): string
  /** Resolves when it has printed `text`; fails when it ends without. */
  printed(text: string): Promise<void>
  /** Resolves with its exit code, or the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

const { PATH, NODE_COMPILE_CACHE } = process.env

/** Runs the command in `cwd` with nothing in its environment that it looks at but PATH and `env`. Killed when the test file ends. */
export function run(
  args: string[],
  { cwd, env = {}, node = [] }: { cwd?: string; env?: Record<string, string>; node?: string[] } = {},
): Run {
  const child = spawn(...plainNode(...node, bin, ...args), {
    cwd,
    env: { PATH, NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  let result = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    result += chunk
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
  const named = <T>(what: string, wait: Promise<T>) =>
    within(`${what} of "global-logout ${args.join(' ')}"`, wait).catch((error) => {
      throw new Error(`${error.message}; it printed:\n${text}`)
    })
  return {
    child,
    output: () => text,
    stdout: () => result,
    get ended() {
      return named('the end', ended)
    },
    printed: (wanted) =>
      named(
        `the text ${JSON.stringify(wanted)}`,
        new Promise<void>((done, fail) => {
          const look = () => text.includes(wanted) && done()
          listeners.add(look)
          look()
          void ended.then(() => fail(new Error(`it ended without printing ${JSON.stringify(wanted)}`)))
        }),
      ),
  }
}
