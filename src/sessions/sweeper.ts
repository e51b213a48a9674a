/**
 * Deletes expired sessions in small batches in the background, one instance at a time. It then deletes changes that every
 * instance has applied, and revocations and replays that are older than the retention. Correctness does not depend on
 * it: an expired session is refused whether or not its row still exists.
 */
import type { Database, Transaction } from '../database/database.ts'
import { claimJob } from '../database/jobs.ts'
import { sweepChanges } from '../leases/queries.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'
import { sweepPages, sweepRecord } from './queries.ts'

const PAGES_PER_STEP = 500
const PAUSE_MS = 50
const SWEEP_MS = 60_000

/** Sweeps the whole table once. @returns the number of deleted rows; null when another instance is sweeping. */
export async function sweep(
  { transaction }: Pick<Database, 'transaction'>,
  signal?: AbortSignal,
): Promise<number | null> {
  let total = 0
  for (let page = 0; !signal?.aborted; page += PAGES_PER_STEP) {
    const step = await transaction(whileSweeping((tx) => sweepPages(tx, page, PAGES_PER_STEP)))
    if (!step) return null
    total += step.deleted
    if (step.atEnd) {
      await transaction(sweepChanges)
      break
    }
    await sleep(PAUSE_MS, signal)
  }
  return total
}

/** Deletes revocations and replays older than `retentionSeconds`. @returns how many; null when another instance is sweeping. */
export async function deleteOldRevocations(
  { transaction }: Pick<Database, 'transaction'>,
  retentionSeconds: number,
  signal?: AbortSignal,
): Promise<number | null> {
  let total = 0
  while (!signal?.aborted) {
    const step = await transaction(whileSweeping((tx) => sweepRecord(tx, retentionSeconds)))
    if (!step) return null
    total += step.deleted
    if (!step.mayBeMore) break
    await sleep(PAUSE_MS, signal)
  }
  return total
}

/** Runs `step` under the sweep lock. The transaction returns null when another instance holds it. */
function whileSweeping<T>(step: (tx: Transaction) => Promise<T>) {
  return async (tx: Transaction): Promise<T | null> => ((await claimJob(tx, 'sweep')) ? step(tx) : null)
}

export interface SweeperOptions {
  /** How long revocations and replays are kept, in seconds. */
  retentionSeconds: number
  /** Milliseconds between two sweeps. */
  intervalMs?: number
}

/** Sweeps periodically until closed. `counts`: deleted rows, and when the last complete sweep ended (0: never). */
export function startSweeper(
  database: Pick<Database, 'transaction'>,
  { retentionSeconds, intervalMs = SWEEP_MS }: SweeperOptions,
  log: Log,
) {
  const counts = { sessions: 0, revocations: 0, at: 0 }
  const stop = new AbortController()
  const loop = every({ ms: intervalMs, log, failed: 'sweep failed' }, async () => {
    const count = await sweep(database, stop.signal)
    if (count) log.info({ count }, 'expired sessions deleted')
    counts.sessions += count ?? 0
    const deleted = await deleteOldRevocations(database, retentionSeconds, stop.signal)
    counts.revocations += deleted ?? 0
    if (count !== null && deleted !== null && !stop.signal.aborted) counts.at = Date.now()
  })
  return {
    counts,
    close(): Promise<void> {
      stop.abort()
      return loop.close()
    },
  }
}
