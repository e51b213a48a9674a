/**
 * The replay alarm: a revoked token that is presented again is counted, with the address it came from, at most one record
 * a token and minute. Off the path of any request, and bounded: refused tokens wait in a small memory, one query a second
 * asks which of them were revoked, and what is too much is dropped. A flood of random tokens may hide a replay for as
 * long as it lasts; it can neither slow down checks nor fill the table.
 */
import { LRUCache } from 'lru-cache'
import { type DeviceHints, deviceColumns } from '../sessions/devices.ts'
import { hashToken } from '../sessions/tokens.ts'
import type { Database } from '../storage/database.ts'
import { recordReplays } from '../storage/replays.ts'

const FLUSH_MS = 1_000
/** Tokens of one query: a few milliseconds of the database. */
const BATCH = 1_000
/** Refused tokens remembered, with less than a kilobyte each. */
const REMEMBERED = 5_000
/** A token is looked up once in so many milliseconds, revoked or not. */
const QUIET_MS = 60_000

interface Seen {
  /** How often since the last record. */
  count: number
  from: { ipAddress: string | null; userAgent: string | null }
  /** The address of the last record. */
  told: string | null
  /** Not to be looked up before, in milliseconds on the monotonic clock. */
  due: number
}

export type Replays = ReturnType<typeof createReplays>

export function createReplays(
  { transaction }: Pick<Database, 'transaction'>,
  onError: (error: unknown) => void = () => {},
  clock: () => number = () => performance.now(),
  flushMs = FLUSH_MS,
) {
  const seen = new LRUCache<string, Seen>({ max: REMEMBERED })
  let flushing = Promise.resolve()

  /** What waits for a query, the longest known first. */
  function waiting(): [string, Seen][] {
    const now = clock()
    const found: [string, Seen][] = []
    for (const hash of seen.rkeys()) {
      const one = seen.peek(hash)
      if (one && one.count > 0 && one.due <= now) found.push([hash, one])
      if (found.length === BATCH) break
    }
    return found
  }

  async function record(): Promise<void> {
    const batch = waiting()
    if (batch.length === 0) return
    const presented = batch.map(([hash, { count, from }]) => ({ hash, count, ...from }))
    const fates = await transaction((tx) => recordReplays(tx, presented))
    if (!fates) return
    for (const [i, [, one]] of batch.entries()) {
      one.due = clock() + QUIET_MS
      // What waits was recorded by another instance within this minute: it goes into the next record.
      if (fates[i] === 'waits') continue
      one.count -= presented[i]?.count ?? 0
      one.told = presented[i]?.ipAddress ?? null
    }
  }

  function flush(): Promise<void> {
    flushing = flushing.then(() => record().catch(onError))
    return flushing
  }

  const timer = setInterval(() => void flush(), flushMs).unref()

  return {
    /** Notes that a token was refused. Whose it is, and whether it ever was anybody's, shows later. */
    refused(token: string, hints: DeviceHints): void {
      const hash = hashToken(token)
      const known = seen.get(hash)
      if (!known) {
        seen.set(hash, { count: 1, from: deviceColumns(hints), told: null, due: 0 })
        return
      }
      // Where a thief and a forgotten device take turns, both are told of, one after the other.
      if (known.count === 0 || known.from.ipAddress === known.told) known.from = deviceColumns(hints)
      known.count++
    },
    flush,
    /** Writes what waits and stops. */
    async close(): Promise<void> {
      clearInterval(timer)
      await flush()
    },
  }
}
