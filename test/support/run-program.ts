/** Runs a program to its end, with a limit: one that hangs is killed and fails the test by name. */
import { type ExecFileOptions, execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { PATIENCE_MS } from './within.ts'

/**
 * @param options `timeout` in milliseconds, `PATIENCE_MS` by default.
 * @returns both streams.
 * @throws Error naming the program if it has not ended by then; the error of `execFile` if it fails.
 */
export async function runProgram(program: string, args: readonly string[], options: ExecFileOptions = {}) {
  const { timeout = PATIENCE_MS } = options
  try {
    return await promisify(execFile)(program, args, {
      killSignal: 'SIGKILL',
      ...options,
      timeout,
      encoding: 'utf8',
    })
  } catch (error) {
    if (!(error as { killed?: boolean }).killed) throw error
    const command = [program, ...args].join(' ').slice(0, 200)
    throw new Error(`the end of "${command}": not within ${timeout / 1_000} seconds`, { cause: error })
  }
}

/** Whether a program is installed: it runs, and its exit code is 0. */
export function isInstalled(program: string, ...args: string[]): Promise<boolean> {
  return runProgram(program, args).then(
    () => true,
    () => false,
  )
}
