/**
 * The replay alarm: records every reuse of a revoked token, with the address it came from, at most once per token and minute.
 * Works outside requests and is bounded: refused tokens wait in an LRU cache, one query a second finds the revoked ones among
 * them, and overflow is dropped. A use is judged by its own time, not by the time of the query. A flood of random tokens can
 * hide a replay while it lasts, but can neither slow down checks nor fill the table.
 */
import { LRUCache } from 'lru-cache'
import type { Database } from '../../database/database.ts'
import { claimJob } from '../../database/jobs.ts'
import { hashToken } from '../../database/token-hash.ts'
import { every } from '../../lib/every.ts'
import type { Log } from '../../lib/log.ts'
import { type DeviceHints, deviceColumns } from '../../sessions/device-columns.ts'
import { recordReplays, type TokenUses, type Verdict } from './queries.ts'
import { addUse, append, type Sender } from './token-uses.ts'

const FLUSH_MS = 1_000
/** Tokens per query, which takes the database a few milliseconds. */
const BATCH = 1_000
/** Refused tokens in memory: usually half a kilobyte each, at most four. */
const MAX_TOKENS = 5_000
/** Between two look-ups of one token. A token that only its own device has used so far is looked up every time. */
const LOOKUP_PAUSE_MS = 60_000

interface RefusedToken {
  /** The senders since the last record. */
  senders: Sender[]
  /** The address in the last record. */
  recordedAddress: string | null
  /** Earliest time of the next look-up, in milliseconds on the monotonic clock. */
  nextLookup: number
}

interface BatchEntry {
  hash: string
  token: RefusedToken
  senders: Sender[]
}

export function createReplays(
  { transaction }: Pick<Database, 'transaction'>,
  log: Log,
  clock: () => number = () => performance.now(),
  flushMs = FLUSH_MS,
) {
  const counts = { same_device: 0, other_device: 0 }
  const refusedTokens = new LRUCache<string, RefusedToken>({ max: MAX_TOKENS })

  /** Takes a batch of tokens that are due for a look-up, the longest known first. */
  function takeBatch(): BatchEntry[] {
    const now = clock()
    const batch: BatchEntry[] = []
    for (const hash of refusedTokens.rkeys()) {
      const token = refusedTokens.peek(hash)
      if (token && token.senders.length > 0 && token.nextLookup <= now) {
        batch.push({ hash, token, senders: token.senders })
        token.senders = []
      }
      if (batch.length === BATCH) break
    }
    return batch
  }

  async function record(): Promise<void> {
    const batch = takeBatch()
    if (batch.length === 0) return
    const putBack = ({ token, senders }: BatchEntry) => {
      token.senders = append(senders, token.senders)
    }
    const verdicts = await transaction(async (tx) =>
      (await claimJob(tx, 'replays')) ? recordReplays(tx, withAges(clock(), batch)) : null,
    ).catch((error) => {
      batch.forEach(putBack)
      throw error
    })
    if (!verdicts) return batch.forEach(putBack)
    for (const [i, entry] of batch.entries()) {
      const verdict = verdicts[i]
      entry.token.nextLookup = verdict?.status === 'own_device' ? 0 : clock() + LOOKUP_PAUSE_MS
      // Another instance has recorded this token within the minute: these uses go into the next record.
      if (verdict?.status === 'deferred') putBack(entry)
      if (verdict?.status !== 'recorded') continue
      entry.token.recordedAddress = verdict.ipAddress
      tell(verdict)
    }
  }

  /** The line names the session by its public id, and no user, address or token. */
  function tell({ sessionId, operationId, count = 0, sameAddress, sameProgram }: Verdict): void {
    counts[sameAddress && sameProgram ? 'same_device' : 'other_device'] += count
    log.warn({ sessionId, operationId, uses: count, sameAddress, sameProgram }, 'revoked token used again')
  }

  const loop = every({ ms: flushMs, log, failed: 'could not record reused revoked tokens' }, record)

  return {
    /**
     * Adds the use of a refused token. A later query finds out whether it was ever issued, and to whom.
     * @param agoMs how long ago the request arrived, in milliseconds.
     */
    refused(rawToken: string, hints: DeviceHints, agoMs = 0): void {
      const hash = hashToken(rawToken)
      const token = refusedTokens.get(hash) ?? { senders: [], recordedAddress: null, nextLookup: 0 }
      refusedTokens.set(hash, token)
      addUse(token.senders, deviceColumns(hints), { at: clock() - agoMs, count: 1 })
    },
    /** Recorded uses, by whether address and program were those of the session. */
    counts,
    flush: loop.run,
    /** Records the pending uses and stops. */
    close(): Promise<void> {
      void loop.run()
      return loop.close()
    },
  }
}

/** Times as ages: the database does not know this process's monotonic clock. */
function withAges(now: number, batch: readonly BatchEntry[]): TokenUses[] {
  return batch.map(({ hash, senders, token: { recordedAddress } }) => ({
    hash,
    uses: senders.flatMap(({ moments, ...device }) =>
      moments.map(({ at, count }) => ({
        ...device,
        ageMs: now - at,
        count,
        alreadyRecorded: recordedAddress !== null && device.ipAddress === recordedAddress,
      })),
    ),
  }))
}
