/**
 * Deletes sessions that have expired, in small batches in the background, one instance at a time; then the changes that
 * every instance has applied, and revocations and replays that are older than anybody may ask for. Nothing depends on it: a dead
 * session is refused whether or not its row still stands.
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

/** Walks the whole table once. @returns how many rows went; null when another instance is at it. */
export async function sweep(
  { transaction }: Pick<Database, 'transaction'>,
  signal?: AbortSignal,
): Promise<number | null> {
  let total = 0
  for (let page = 0; !signal?.aborted; page += PAGES_PER_STEP) {
    const step = await transaction(alone((tx) => sweepPages(tx, page, PAGES_PER_STEP)))
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

/** Deletes revocations and replays that are older. @returns how many; null when another instance is at it. */
export async function forgetRevocations(
  { transaction }: Pick<Database, 'transaction'>,
  retentionSeconds: number,
  signal?: AbortSignal,
): Promise<number | null> {
  let total = 0
  while (!signal?.aborted) {
    const step = await transaction(alone((tx) => sweepRecord(tx, retentionSeconds)))
    if (!step) return null
    total += step.deleted
    if (!step.mayBeMore) break
    await sleep(PAUSE_MS, signal)
  }
  return total
}

/** @returns null from the transaction when another instance sweeps. */
function alone<T>(step: (tx: Transaction) => Promise<T>) {
  return async (tx: Transaction): Promise<T | null> => ((await claimJob(tx, 'sweep')) ? step(tx) : null)
}

export interface Sweeping {
  /** Milliseconds between two sweeps. */
  intervalMs: number
  /** How long revocations and replays are kept. */
  retentionSeconds: number
}

/** Sweeps again and again, until closed. `counts`: rows that went, and when a whole sweep last ended (0: never). */
export function startSweeper(
  database: Pick<Database, 'transaction'>,
  { intervalMs, retentionSeconds }: Sweeping,
  log: Log,
) {
  const counts = { sessions: 0, revocations: 0, at: 0 }
  const stop = new AbortController()
  const loop = every({ ms: intervalMs, log, failed: 'sweep failed' }, async () => {
    const count = await sweep(database, stop.signal)
    if (count) log.info({ count }, 'expired sessions deleted')
    counts.sessions += count ?? 0
    const forgotten = await forgetRevocations(database, retentionSeconds, stop.signal)
    counts.revocations += forgotten ?? 0
    if (count !== null && forgotten !== null && !stop.signal.aborted) counts.at = Date.now()
  })
  return {
    counts,
    close(): Promise<void> {
      stop.abort()
      return loop.close()
    },
  }
}
