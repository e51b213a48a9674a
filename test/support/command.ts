/** Runs the `global-logout` command in a child process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { FASTER, plainNode } from './plain-node.ts'
import { within } from './within.ts'

const bin = fileURLToPath(new URL('../../bin/global-logout.js', import.meta.url))

export interface Run {
  child: ChildProcess
  /** The output so far, of both streams. */
  output(): string
  /** The output so far, of standard output only. */
  stdout(): string
  /** Resolves when the output contains `text`. @throws Error when the process ends without it. */
  printed(text: string): Promise<void>
  /** Resolves with the exit code, or the signal that killed the process. Reading it starts the time limit; so does a copy by `...`. */
  readonly ended: Promise<number | NodeJS.Signals>
}

const { PATH, NODE_COMPILE_CACHE } = process.env

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
  return {
    child,
    output: () => text,
    stdout: () => stdoutText,
    get ended() {
      return withLimit('the end', ended)
    },
    printed: (wanted) =>
      withLimit(
        `the text ${JSON.stringify(wanted)}`,
        new Promise<void>((done, fail) => {
          const check = () => text.includes(wanted) && done()
          listeners.add(check)
          check()
          void ended.then(() =>
            fail(new Error(`the command ended without printing ${JSON.stringify(wanted)}`)),
          )
        }),
      ),
  }
}
