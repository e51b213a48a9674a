/**
 * Callers that answer checks from their own memory, under a lease from an instance. One is a service elsewhere: the real holding side, with
 * the least around it. The other is a worker of the instance's machine: its real cache and checker, which read the database themselves.
 */
import { createSessionCache } from '../../src/check/cache.ts'
import { leasedChecker } from '../../src/check/checker.ts'
import { partOfMachineLease } from '../../src/check/holding.ts'
import { readTokens } from '../../src/check/queries.ts'
import { createCalls } from '../../src/database/database.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { createCaller, keepCallerLease, type RequestLease } from '../../src/leases/caller.ts'
import { createFence } from '../../src/leases/fence.ts'
import type { Cursor } from '../../src/leases/instance.ts'
import { RATE_ERROR } from '../../src/leases/lease.ts'
import type { Time } from '../../src/lib/sleep.ts'

/** What an instance answers to a check. */
export interface Answer {
  valid: boolean
  /** What the instance had applied before it read. */
  readAfter: Cursor | null
  /** How long the session lives, in milliseconds on the clock of the instance. */
  leftMs: number
}

/** What an instance is asked. */
export interface Requests {
  request: RequestLease
  leave: (caller: string) => void
}

export function simulatedWorker(
  time: Time,
  requests: Requests,
  connections: Parameters<typeof createCalls>[0]['connections'],
  deadlineMs: number,
  sessions: number,
) {
  const cache = createSessionCache(sessions)
  const fence = createFence()
  const checks = createCalls({ connections, statements: null, deadlineMs, fence })
  const checker = leasedChecker(
    (hashes) => readTokens(checks.query, hashes),
    { record: () => {} },
    cache,
    time,
  )
  let hint = () => {}
  const onHint = (onHint: () => void) => {
    hint = onHint
  }
  // No caller asks a worker here.
  const lend = async () => ({ refused: 'no_lease', retryMs: 0 }) as const
  const holder = partOfMachineLease({ ...requests, onHint, lend }, cache, time).keep({
    leased: (server) => fence.open({ server, holds: () => cache.holds(time.clock()) }),
    lost: (error) => fence.close(error),
  })
  return {
    counts: checker.counts,
    hint: () => hint(),
    close: holder.close,
    check: async (token: string) => (await checker.check(token)).valid,
  }
}

export function simulatedCaller(
  { clock, sleep }: Time,
  { request, leave }: Requests,
  ask: (token: string) => Promise<Answer>,
) {
  /** When each kept session ends, by hashed token, in milliseconds on the clock of the caller. */
  const memory = new Map<string, number>()
  const counts = { hits: 0 }
  const caller = createCaller(
    {
      evict(tokens) {
        if (tokens === null) memory.clear()
        for (const token of tokens ?? []) memory.delete(token)
      },
    },
    clock,
  )
  const holder = keepCallerLease(
    caller,
    request,
    { clock, sleep },
    {
      leased: () => {},
      failed: () => {},
    },
  )

  return {
    counts,
    hint: holder.hint,
    async close(): Promise<void> {
      await holder.close()
      leave(caller.id)
    },

    async check(token: string): Promise<boolean> {
      const askedAt = clock()
      const key = hashToken(token)
      if (caller.holds(askedAt) && askedAt < (memory.get(key) ?? 0)) {
        counts.hits++
        return true
      }
      const { valid, readAfter, leftMs } = await ask(token)
      if (valid && readAfter && caller.mayKeep(readAfter))
        memory.set(key, askedAt + leftMs * (1 - 2 * RATE_ERROR))
      return valid
    },
  }
}
