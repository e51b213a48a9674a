/**
 * Deletes sessions that have expired, in small batches in the background, one instance at a time; then the changes that
 * every instance has applied. Nothing depends on it: a dead session is refused whether or not its row still stands.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import type { Database } from '../storage/database.ts'
import { sweepChanges } from '../storage/instances.ts'
import { sweepPages } from '../storage/sessions.ts'

const PAGES_PER_STEP = 500
const PAUSE_MS = 50
/** Two instances that meet here take turns by missing a turn. */
const SWEEP_LOCK = 7_161_970_002n

/** Walks the whole table once. @returns how many rows went; null when another instance is at it. */
export async function sweep(
  { transaction }: Pick<Database, 'transaction'>,
  signal?: AbortSignal,
): Promise<number | null> {
  let total = 0
  for (let page = 0; !signal?.aborted; page += PAGES_PER_STEP) {
    const step = await transaction(async (tx) => {
      const { rows } = (await tx.execute(sql`select pg_try_advisory_xact_lock(${SWEEP_LOCK}) as mine`)) as {
        rows: { mine?: boolean }[]
      }
      return rows[0]?.mine ? sweepPages(tx, page, PAGES_PER_STEP) : null
    })
    if (!step) return null
    total += step.deleted
    if (step.atEnd) {
      await transaction(sweepChanges)
      break
    }
    await sleep(PAUSE_MS, undefined, { signal, ref: false }).catch(() => {})
  }
  return total
}

/** Sweeps every `intervalMs`, until closed. `counts`: rows that went, and when a whole sweep last ended (0: never). */
export function startSweeper(
  database: Pick<Database, 'transaction'>,
  intervalMs: number,
  on: { swept: (count: number) => unknown; error: (error: unknown) => void },
) {
  const counts = { rows: 0, at: 0 }
  const stop = new AbortController()
  let running: Promise<void> | null = null
  const timer = setInterval(() => {
    running ??= sweep(database, stop.signal)
      .then((count) => {
        if (count === null || stop.signal.aborted) return
        counts.rows += count
        counts.at = Date.now()
        on.swept(count)
      })
      .catch(on.error)
      .finally(() => {
        running = null
      })
  }, intervalMs).unref()
  return {
    counts,
    async close(): Promise<void> {
      clearInterval(timer)
      stop.abort()
      await running
    },
  }
}
