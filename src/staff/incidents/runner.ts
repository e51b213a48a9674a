/**
 * Starts the execution of incidents: on every machine one process polls for them, and the command line executes one directly. One
 * runner at a time works on an incident. A blocked incident does not delay others.
 */

import type { Database } from '../../database/database.ts'
import { POOLS } from '../../database/pools.ts'
import type { Barrier } from '../../leases/barrier.ts'
import { every } from '../../lib/every.ts'
import type { Log } from '../../lib/log.ts'
import { sleep } from '../../lib/sleep.ts'
import { unclaimedIncidents } from './claims.ts'
import { findIncident, forgetExpiredPlans } from './queries.ts'
import { type RunOptions, runIncident } from './run.ts'

const POLL_MS = 2_000
const FOLLOW_MS = 500
/** An expired plan keeps its lists no longer than this. */
const FORGET_MS = 60_000
/** Concurrent incidents of a machine: each has a connection of its own. Claims and polling run elsewhere. */
export const INCIDENTS_AT_ONCE = POOLS.incidents.max

/**
 * Executes a started incident, or follows another runner, until it is done.
 * @returns false when `signal` came first.
 */
export async function carryOut(
  database: Pick<Database, 'withOwnConnection' | 'run'>,
  barrier: Pick<Barrier, 'wait'>,
  id: string,
  options: RunOptions = {},
): Promise<boolean> {
  const { signal, onProgress } = options
  while (!signal?.aborted) {
    if (await runIncident(database, barrier, id, options)) return true
    const found = await database.run((db) => findIncident(db, id))
    if (found) onProgress?.({ planned: found.incident.plannedSessions, ended: found.incident.ended })
    await sleep(FOLLOW_MS, signal)
  }
  return false
}

/** Polls for running incidents and executes them until closed: at once, then every two seconds. Clears expired plans. */
export function startIncidentRunner(
  database: Pick<Database, 'withOwnConnection' | 'run'>,
  barrier: Pick<Barrier, 'wait'>,
  log: Log,
  options: Pick<RunOptions, 'patience'> = {},
) {
  const stop = new AbortController()
  const { signal } = stop
  const running = new Map<string, Promise<unknown>>()

  async function look(): Promise<void> {
    for (const id of await database.run(unclaimedIncidents)) {
      if (signal.aborted || running.has(id) || running.size >= INCIDENTS_AT_ONCE) continue
      const run = runIncident(database, barrier, id, { ...options, signal })
        .catch((err) => log.warn({ err, incident: id }, 'incident interrupted; retrying'))
        .finally(() => running.delete(id))
      running.set(id, run)
    }
  }
  const loop = every({ ms: POLL_MS, log, failed: 'could not look for incidents' }, look)
  void loop.run()
  const forgetting = every({ ms: FORGET_MS, log, failed: 'could not clear expired plans' }, () =>
    database.run(forgetExpiredPlans),
  )

  return {
    async close(): Promise<void> {
      stop.abort()
      await loop.close()
      await forgetting.close()
      await Promise.all(running.values())
    },
  }
}
