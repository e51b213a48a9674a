/**
 * Node without the loader hooks that tap sets in NODE_OPTIONS for every child process. They cost nearly as much CPU as the
 * start of the service, and on Node 22 no worker of a cluster starts with them.
 */

/** For processes of the service whose own start is not under test. */
export const FASTER = `--import=${new URL('faster.ts', import.meta.url)}`

/** Program and arguments for `spawn` and `execFile`. `env` replaces itself with Node, so the process id is that of Node. */
export function plainNode(...args: string[]): [program: string, args: string[]] {
  return ['env', ['-u', 'NODE_OPTIONS', process.execPath, ...args]]
}
