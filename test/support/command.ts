/** The `global-logout` command as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
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
  ended: Promise<number | NodeJS.Signals | null>
}

const { PATH, NODE_COMPILE_CACHE } = process.env

/** Runs the command in `cwd` with nothing in its environment that it looks at but PATH and `env`. Killed when the test file ends. */
export function run(
  args: string[],
  { cwd, env = {}, node = [] }: { cwd?: string; env?: Record<string, string>; node?: string[] } = {},
): Run {
  const child = spawn(process.execPath, [...node, bin, ...args], {
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
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  t.teardown(() => child.kill('SIGKILL'))
  return {
    child,
    output: () => text,
    stdout: () => result,
    ended,
    printed: (wanted) =>
      within(
        `${JSON.stringify(wanted)} printed by ${args.join(' ')}`,
        new Promise<void>((done, fail) => {
          const look = () => text.includes(wanted) && done()
          listeners.add(look)
          look()
          void ended.then(() => fail(new Error(`it ended without printing ${JSON.stringify(wanted)}`)))
        }),
      ).catch((error) => {
        throw new Error(`${error.message}:\n${text}`)
      }),
  }
}
