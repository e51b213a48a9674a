/**
 * The replay alarm: a revoked token that is presented again is counted, with the address it came from, at most one record
 * a token and minute. Off the path of any request, and bounded: refused tokens wait in a small memory, one query a second
 * asks which of them were revoked, and what is too much is dropped. Each presentation is judged by when it came, not by when
 * it is asked about. A flood of random tokens may hide a replay for as long as it lasts; it can neither slow down checks nor
 * fill the table.
 */
import { LRUCache } from 'lru-cache'
import type { Database } from '../../database/database.ts'
import { claimJob } from '../../database/jobs.ts'
import { hashToken } from '../../database/token-hash.ts'
import { every } from '../../lib/every.ts'
import type { Log } from '../../lib/log.ts'
import { type DeviceHints, deviceColumns } from '../../sessions/device-columns.ts'
import { append, present, type Sender } from './presentations.ts'
import { type Presented, recordReplays } from './queries.ts'

const FLUSH_MS = 1_000
/** Tokens of one query: a few milliseconds of the database. */
const BATCH = 1_000
/** Refused tokens remembered: most with half a kilobyte each, none with more than four. */
const REMEMBERED = 5_000
/** A token is looked up once in so many milliseconds, unless it is one that its own device still may present. */
const QUIET_MS = 60_000

interface Seen {
  /** Who presented it since the last record. */
  senders: Sender[]
  /** The address of the last record. */
  told: string | null
  /** Not to be looked up before, in milliseconds on the monotonic clock. */
  due: number
}

export type Replays = ReturnType<typeof createReplays>

export function createReplays(
  { transaction }: Pick<Database, 'transaction'>,
  log: Log,
  clock: () => number = () => performance.now(),
  flushMs = FLUSH_MS,
) {
  const seen = new LRUCache<string, Seen>({ max: REMEMBERED })

  /** Takes what waits for a query, the longest known first. */
  function takeWaiting(): (Seen & { hash: string; one: Seen })[] {
    const now = clock()
    const taken: (Seen & { hash: string; one: Seen })[] = []
    for (const hash of seen.rkeys()) {
      const one = seen.peek(hash)
      if (one && one.senders.length > 0 && one.due <= now) {
        taken.push({ ...one, hash, one })
        one.senders = []
      }
      if (taken.length === BATCH) break
    }
    return taken
  }

  async function record(): Promise<void> {
    const batch = takeWaiting()
    if (batch.length === 0) return
    const putBack = ({ one, senders }: (typeof batch)[number]) => {
      one.senders = append(senders, one.senders)
    }
    const verdicts = await transaction(async (tx) =>
      (await claimJob(tx, 'replays')) ? recordReplays(tx, agedBy(clock(), batch)) : null,
    ).catch((error) => {
      batch.forEach(putBack)
      throw error
    })
    if (!verdicts) return batch.forEach(putBack)
    for (const [i, taken] of batch.entries()) {
      const verdict = verdicts[i]
      taken.one.due = verdict?.fate === 'own' ? 0 : clock() + QUIET_MS
      // What waits was recorded by another instance within this minute: it goes into the next record.
      if (verdict?.fate === 'waits') putBack(taken)
      if (verdict?.fate === 'recorded') taken.one.told = verdict.ipAddress
    }
  }

  const loop = every({ ms: flushMs, log, failed: 'reused revoked tokens not recorded' }, record)

  return {
    /**
     * Notes that a token was refused. Whose it is, if it was ever issued, shows later.
     * @param agoMs how long ago the request came.
     */
    refused(token: string, hints: DeviceHints, agoMs = 0): void {
      const hash = hashToken(token)
      const one = seen.get(hash) ?? { senders: [], told: null, due: 0 }
      seen.set(hash, one)
      present(one.senders, deviceColumns(hints), { at: clock() - agoMs, count: 1 })
    },
    flush: loop.run,
    /** Writes what waits and stops. */
    close(): Promise<void> {
      void loop.run()
      return loop.close()
    },
  }
}

/** What the database is asked: it does not know this process's clock, so each time is told as an age. */
function agedBy(now: number, batch: readonly (Seen & { hash: string })[]): Presented[] {
  return batch.map(({ hash, senders, told }) => ({
    hash,
    by: senders.flatMap(({ moments, ...from }) =>
      moments.map(({ at, count }) => ({
        ...from,
        ageMs: now - at,
        count,
        told: told !== null && from.ipAddress === told,
      })),
    ),
  }))
}
