/**
 * Who carries incidents out: every process of the service looks for them, and a command line may. Each is done by one at a
 * time. One that gets nowhere, because somebody holds on to its sessions, keeps no other from its turn.
 */

import type { Database } from '../../database/database.ts'
import { POOLS } from '../../database/pools.ts'
import type { Barrier } from '../../leases/barrier.ts'
import { every } from '../../lib/every.ts'
import type { Log } from '../../lib/log.ts'
import { sleep } from '../../lib/sleep.ts'
import { unclaimedIncidents } from './claims.ts'
import { findIncident } from './queries.ts'
import { type RunOptions, runIncident } from './run.ts'

const LOOK_MS = 2_000
const FOLLOW_MS = 500
/** Incidents that one process carries out at a time: each takes a connection, and the search for more takes one. */
export const INCIDENTS_AT_ONCE = POOLS.incidents.max - 1

/**
 * Carries an executed incident out, or follows whoever is at it, until it is done.
 * @returns false when the signal came before.
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

/** Looks for incidents under way and carries them out, until closed: at once after the start, then every two seconds. */
export function startIncidentRunner(
  database: Pick<Database, 'withOwnConnection' | 'run'>,
  barrier: Pick<Barrier, 'wait'>,
  log: Log,
  options: Pick<RunOptions, 'patience'> = {},
) {
  const stop = new AbortController()
  const { signal } = stop
  const underWay = new Map<string, Promise<unknown>>()

  async function look(): Promise<void> {
    for (const id of await database.run(unclaimedIncidents)) {
      if (signal.aborted || underWay.has(id) || underWay.size >= INCIDENTS_AT_ONCE) continue
      const run = runIncident(database, barrier, id, { ...options, signal })
        .catch((err) => log.warn({ err, incident: id }, 'incident interrupted; retrying'))
        .finally(() => underWay.delete(id))
      underWay.set(id, run)
    }
  }
  const loop = every({ ms: LOOK_MS, log, failed: 'could not look for incidents' }, look)
  void loop.run()

  return {
    async close(): Promise<void> {
      stop.abort()
      await loop.close()
      await Promise.all(underWay.values())
    },
  }
}
