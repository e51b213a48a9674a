/**
 * Node as a process of its own, without the hooks that tap puts into NODE_OPTIONS of every child. They cost more CPU than
 * the start of the service itself, and on Node 22 the workers of a cluster never start under them.
 */

/** The program and its arguments, for `spawn` and `execFile`. `env` becomes Node: the process id is that of Node. */
export function plainNode(...args: string[]): [program: string, args: string[]] {
  return ['env', ['-u', 'NODE_OPTIONS', process.execPath, ...args]]
}
