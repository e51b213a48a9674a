/** Processes that must not outlive the prover, even when it ends in an error that nobody caught. */
const cleanups = new Set<() => void>()

process.on('exit', () => {
  for (const cleanUp of cleanups) cleanUp()
})

/** @param cleanUp runs at exit, so it must not wait for anything. @returns what takes it back. */
export function onExit(cleanUp: () => void): () => void {
  cleanups.add(cleanUp)
  return () => void cleanups.delete(cleanUp)
}

/** SIGKILL or another signal, unless it has ended by itself. */
export function kill(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    if (pid) process.kill(pid, signal)
  } catch {
    // No such process.
  }
}
