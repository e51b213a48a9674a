/** The TypeScript compiler of the checkout. */
import { fileURLToPath } from 'node:url'
import { plainNode } from './plain-node.ts'
import { runProgram } from './run-program.ts'

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

/**
 * Type-checks the project in a folder.
 * @returns the compiler's errors, empty if there are none. @throws Error if it did not run.
 */
export async function compile(folder: string): Promise<string> {
  try {
    return String((await runProgram(...plainNode(TSC, '--noEmit', '-p', folder), { cwd: folder })).stdout)
  } catch (error) {
    const { stdout } = error as { stdout?: string }
    if (stdout) return stdout
    throw error
  }
}
