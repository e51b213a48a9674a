/**
 * Activity updates: records when sessions were last used. Requests do not wait for it; updates are written in batches.
 * A failed update is dropped, and a later check of the session repeats it. `@global-logout/postgres` bundles this module.
 */
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'

const FLUSH_MS = 1_000
/** Most sessions that wait to be written; further updates are dropped. */
const MAX_WAITING = 10_000
/** Those that a service tells may take half of the room: the checks of users have the rest, whatever it tells. */
const MAX_WAITING_TOLD = MAX_WAITING / 2

export type LastSeen = ReturnType<typeof createLastSeen>

/** @param update records that sessions were seen, whether by an activity of their user. */
export function createLastSeen(
  update: (sessionIds: string[], activity: boolean) => Promise<unknown>,
  log: Log,
) {
  /** The sessions that were seen, and whether by an activity of their user. */
  const waiting = new Map<string, boolean>()
  const counts = { written: 0, dropped: 0 }

  async function write(): Promise<void> {
    if (waiting.size === 0) return
    const seen = [...waiting]
    waiting.clear()
    const activity = seen.filter(([, activity]) => activity).map(([id]) => id)
    const passive = seen.filter(([, activity]) => !activity).map(([id]) => id)
    try {
      if (activity.length > 0) await update(activity, true)
      if (passive.length > 0) await update(passive, false)
      counts.written += seen.length
    } catch (error) {
      counts.dropped += seen.length
      throw error
    }
  }

  const loop = every({ ms: FLUSH_MS, log, failed: 'activity updates not recorded' }, write)

  return {
    /** Activity updates so far: written, and dropped because too many waited or the write failed. */
    counts: counts as Readonly<typeof counts>,
    /**
     * Queues an update for the session.
     * @param activity false where it was seen without an activity of its user.
     * @param told where a service says so, not a check.
     */
    record(sessionId: string, activity = true, told = false): void {
      if (waiting.size < (told ? MAX_WAITING_TOLD : MAX_WAITING))
        waiting.set(sessionId, activity || waiting.get(sessionId) === true)
      else counts.dropped++
    },
    flush: loop.run,
    /** Writes the queued updates and stops. */
    close(): Promise<void> {
      void loop.run()
      return loop.close()
    },
  }
}
