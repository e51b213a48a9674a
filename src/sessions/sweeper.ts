/**
 * Deletes ended sessions in the background, one instance at a time: **the row of a session that is over is gone within a day.** The
 * table is read slowly, in a circle, and the table `job` keeps the place: in 20 hours all of it, and at least 8 MB a minute. So a
 * small table is read every minute, and 20 million sessions cost 8 MB a minute; the number of processes does not matter. After a
 * pause, what is due is read at once.
 *
 * It then deletes changes that every instance has applied, revocations and replays that are older than their retention, and addresses
 * that are older than theirs.
 * Correctness does not depend on it: an expired session is refused whether or not its row still exists.
 */
import type { Database, Transaction } from '../database/database.ts'
import { claimJob } from '../database/jobs.ts'
import { sweepChanges } from '../leases/queries.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'
import { sweepAddresses, sweepRecord } from './queries.ts'
import { countSessionPages, PAGES_PER_STEP, sweepDuePages, sweepPages } from './sweep-queries.ts'

const PAUSE_MS = 50
const SWEEP_MS = 60_000

type Pool = Pick<Database, 'transaction'>

/** Deletes all ended sessions now. @returns the number of deleted rows; null when another instance is sweeping. */
export function sweep(pool: Pool, signal?: AbortSignal): Promise<number | null> {
  let page = 0
  return inSteps(pool, signal, async (tx) => {
    const deleted = await sweepPages(tx, page, PAGES_PER_STEP)
    page += PAGES_PER_STEP
    const more = page < (await countSessionPages(tx))
    if (!more) await sweepChanges(tx)
    return { deleted, more }
  })
}

/** Deletes ended sessions in the pages that are due. @returns as `sweep`. */
export function sweepDue(pool: Pool, signal?: AbortSignal): Promise<number | null> {
  return inSteps(pool, signal, async (tx) => {
    const step = await sweepDuePages(tx)
    if (!step.more) await sweepChanges(tx)
    return step
  })
}

/** Deletes revocations and replays older than `retentionSeconds`. @returns how many; null when another instance is sweeping. */
export function deleteOldRevocations(
  pool: Pool,
  retentionSeconds: number,
  signal?: AbortSignal,
): Promise<number | null> {
  return inSteps(pool, signal, async (tx) => {
    const { deleted, mayBeMore } = await sweepRecord(tx, retentionSeconds)
    return { deleted, more: mayBeMore }
  })
}

/** Deletes addresses, programs and request ids older than `retentionSeconds`. @returns as `deleteOldRevocations`. */
export function deleteOldAddresses(
  pool: Pool,
  retentionSeconds: number,
  signal?: AbortSignal,
): Promise<number | null> {
  return inSteps(pool, signal, async (tx) => {
    const deleted = await sweepAddresses(tx, retentionSeconds)
    return { deleted, more: deleted > 0 }
  })
}

/** Runs steps, each in a transaction that claims the job, until there is no more to do. @returns the number of deleted rows, or null. */
async function inSteps(
  { transaction }: Pool,
  signal: AbortSignal | undefined,
  step: (tx: Transaction) => Promise<{ deleted: number; more: boolean }>,
): Promise<number | null> {
  let total = 0
  while (!signal?.aborted) {
    const done = await transaction(async (tx) => ((await claimJob(tx, 'sweep')) ? step(tx) : null))
    if (!done) return null
    total += done.deleted
    if (!done.more) break
    await sleep(PAUSE_MS, signal)
  }
  return total
}

export interface SweeperOptions {
  /** How long revocations and replays are kept, in seconds. */
  retentionSeconds: number
  /** How long addresses are kept in the record, in seconds. */
  addressRetentionSeconds: number
  /** Milliseconds between two turns. */
  intervalMs?: number
}

/** Sweeps periodically until closed. `counts`: deleted rows, and when the last complete turn ended (0: never). */
export function startSweeper(
  database: Pool,
  { retentionSeconds, addressRetentionSeconds, intervalMs = SWEEP_MS }: SweeperOptions,
  log: Log,
) {
  const counts = { sessions: 0, revocations: 0, addresses: 0, at: 0 }
  const stop = new AbortController()
  const loop = every({ ms: intervalMs, log, failed: 'sweep failed' }, async () => {
    const count = await sweepDue(database, stop.signal)
    if (count) log.info({ count }, 'expired sessions deleted')
    counts.sessions += count ?? 0
    const deleted = await deleteOldRevocations(database, retentionSeconds, stop.signal)
    counts.revocations += deleted ?? 0
    const emptied = await deleteOldAddresses(database, addressRetentionSeconds, stop.signal)
    counts.addresses += emptied ?? 0
    if (count !== null && deleted !== null && emptied !== null && !stop.signal.aborted) counts.at = Date.now()
  })
  return {
    counts,
    close(): Promise<void> {
      stop.abort()
      return loop.close()
    },
  }
}
