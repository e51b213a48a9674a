/** The processes of a PostgreSQL server. Linux only. */
import { readFileSync } from 'node:fs'

/**
 * @param dataFolder of the server.
 * @returns its postmaster, followed by the postmaster's children; empty if no server runs.
 */
function serverProcesses(dataFolder: string): number[] {
  try {
    const [postmaster = ''] = readFileSync(`${dataFolder}/postmaster.pid`, 'utf8').split('\n')
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8')
    return [postmaster, ...children.trim().split(' ')].filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** Sends a signal to every process of a server. */
export function signalServer(dataFolder: string, signal: NodeJS.Signals): void {
  for (const pid of serverProcesses(dataFolder)) send(pid, signal)
}

/** A crash: every process is killed, nothing is flushed, and no client is notified. */
export function killServer(dataFolder: string): void {
  // Stopped first: a child forked after the others were listed would survive, holding the shared memory.
  const [postmaster] = serverProcesses(dataFolder)
  if (postmaster) send(postmaster, 'SIGSTOP')
  signalServer(dataFolder, 'SIGKILL')
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}
