/** A caller that answers checks from its own memory, under a lease from an instance: the real holding side, with the least around it. */
import { hashToken } from '../../src/database/token-hash.ts'
import { createCaller, keepCallerLease, type RequestLease } from '../../src/leases/caller.ts'
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

export function simulatedCaller(
  { clock, sleep }: Time,
  request: RequestLease,
  ask: (token: string) => Promise<Answer>,
) {
  /** When each kept session ends, by hashed token, in milliseconds on the clock of the caller. */
  const memory = new Map<string, number>()
  const counts = { hits: 0, leases: 0 }
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
      leased: () => counts.leases++,
      failed: () => {},
    },
  )

  return {
    id: caller.id,
    counts,
    hint: holder.hint,
    close: holder.close,

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
