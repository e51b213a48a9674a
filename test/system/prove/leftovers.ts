/** Ends the processes that must not outlive the prover, even if it ends in an uncaught error. */
const cleanups = new Set<() => void>()

process.on('exit', () => {
  for (const cleanUp of cleanups) cleanUp()
})

/** @param cleanUp runs at exit, so it must be synchronous. @returns a function that removes it. */
export function onExit(cleanUp: () => void): () => void {
  cleanups.add(cleanUp)
  return () => void cleanups.delete(cleanUp)
}

/** Sends SIGKILL or another signal, unless the process has ended by itself. */
export function kill(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    if (pid) process.kill(pid, signal)
  } catch {
    // No such process.
  }
}
