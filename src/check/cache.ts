/**
 * In-memory session cache of one instance. It answers only while the lease is held and the session is valid, and it never keeps
 * a session that was revoked while its read was in flight. It holds hashed tokens, and only valid ones. Pure: callers pass in
 * every time.
 */
import { LRUCache } from 'lru-cache'
import { HELD_MS, RATE_ERROR } from '../leases/lease.ts'
import type { Read } from './queries.ts'

/**
 * A valid session as it was read. Times are seconds on the lease clock, or since 1970 where it says so, as small integers: a
 * float would take 16 bytes more.
 */
export class CachedSession {
  readonly userId: string
  readonly sessionId: string
  /** Since 1970. */
  readonly createdAt: number
  /** Since 1970: when it ends if it is not used again, as far as was known when it was read. */
  readonly expiresAt: number
  /** The sign-in, rounded down. */
  readonly signedInAt: number
  /** When it ends by idle timeout or maximum age, rounded down. */
  readonly validUntil: number
  /** When the next activity update is due. */
  touchAt: number
  /** When the next update is due for a check that is no activity. */
  passiveTouchAt: number
  /** Seconds between two updates. */
  readonly touchInterval: number
  /** The minute in which it was last marked as recently used. */
  usedAt = -1

  /** @param askedAt when the read began, in milliseconds. The remaining lifetime counts from there. */
  constructor(read: Read, askedAt: number) {
    this.userId = read.userId
    this.sessionId = read.sessionId
    this.createdAt = Math.floor(read.createdAt)
    this.expiresAt = Math.floor(read.expiresAt)
    this.signedInAt = Math.floor(askedAt / 1000 - read.age)
    this.validUntil = Math.floor(askedAt / 1000 + read.lifeSeconds * (1 - RATE_ERROR))
    this.touchAt = Math.ceil(askedAt / 1000 + read.touchSeconds)
    this.passiveTouchAt = Math.ceil(askedAt / 1000 + read.passiveTouchSeconds)
    this.touchInterval = Math.ceil(read.touchInterval)
  }

  get valid(): true {
    return true
  }

  /** @param now milliseconds on the clock of `askedAt`. */
  isValidAt(now: number): boolean {
    return now < this.validUntil * 1000
  }

  /** Seconds since the sign-in: up to one second more than the truth, never less. */
  ageAt(now: number): number {
    return now / 1000 - this.signedInAt
  }

  /** In whole seconds: until it ends, rounded down; until a use that is, or is no, activity is due to be recorded; between two. */
  remainingAt(now: number): { seconds: number; touch: number; passive: number; interval: number } {
    const until = (due: number) => Math.max(0, Math.ceil(due - now / 1000))
    return {
      seconds: Math.max(0, Math.floor(this.validUntil - now / 1000)),
      touch: until(this.touchAt),
      passive: until(this.passiveTouchAt),
      interval: this.touchInterval,
    }
  }

  /**
   * Whether this check has to be recorded. Then the next one is due an interval later, and one second more: an update is written
   * within a second, and the database ignores one that comes early.
   */
  isDue(now: number, activity: boolean): boolean {
    if (now < (activity ? this.touchAt : this.passiveTouchAt) * 1000) return false
    this.passiveTouchAt = Math.ceil(now / 1000) + this.touchInterval + 1
    if (activity) this.touchAt = this.passiveTouchAt
    return true
  }
}

type Answer = Promise<CachedSession | null>

export type SessionCache = ReturnType<typeof createSessionCache>

/** @param max the most sessions kept; the least recently used is evicted first. */
export function createSessionCache(max: number) {
  const entries = new LRUCache<string, CachedSession>({ max })
  /** Reads in flight, by token. The result of a read that is no longer listed is returned, never kept. */
  const reads = new Map<string, Answer>()
  let leaseUntil = Number.NEGATIVE_INFINITY
  /** Whether a generation has begun: everything in the cache was read after its first snapshot. */
  let open = false

  const holds = (now: number) => now < leaseUntil

  return {
    /** Whether the lease is held, so that the cache may answer. */
    holds,

    /** The cached session of a hashed token; undefined when there is none, or no lease. */
    find(key: string, now: number): CachedSession | undefined {
      if (!holds(now)) return undefined
      const found = entries.peek(key)
      if (!found?.isValidAt(now)) return undefined
      // At most once a minute: marking it at every check would cost more than finding it.
      const minute = Math.trunc(now / 60_000)
      if (found.usedAt !== minute) {
        found.usedAt = minute
        entries.get(key)
      }
      return found
    },

    /**
     * Reads a token that is not cached. Callers share a read in flight while the lease is held: a revocation before their
     * call would have removed that read from the list. They share only "valid": after any other result they read again,
     * because the session may have been created since.
     */
    read(key: string, now: number, load: () => Answer): Answer {
      const inFlight = reads.get(key)
      if (inFlight && holds(now)) return inFlight.then((found) => (found?.isValidAt(now) ? found : load()))
      if (inFlight || !open) return load()
      const answer = load().then(
        (found) => {
          if (reads.get(key) === answer) {
            reads.delete(key)
            if (found) entries.set(key, found)
          }
          return found
        },
        (error) => {
          if (reads.get(key) === answer) reads.delete(key)
          throw error
        },
      )
      reads.set(key, answer)
      return answer
    },

    /** Removes revoked tokens, and their reads from the list of reads in flight; null for all. */
    evict(keys: readonly string[] | null): void {
      if (!keys) {
        entries.clear()
        reads.clear()
      }
      for (const key of keys ?? []) {
        entries.delete(key)
        reads.delete(key)
      }
    },

    /** Begins a generation: empty, without a lease. Results of earlier reads are returned, never kept. */
    begin(): void {
      this.lapse()
      open = true
    },

    /**
     * Extends the lease to its length after `sentAt`, when the renewal began. Call it after `evict`.
     * @returns false when the lease before had expired by `now`: then the instance must join again.
     */
    extend(sentAt: number, now: number): boolean {
      if (leaseUntil > Number.NEGATIVE_INFINITY && !holds(now)) return false
      leaseUntil = sentAt + HELD_MS
      return true
    },

    /** Holds a part of another instance's lease. Call it after `evict`. The first time, a generation begins. */
    hold(until: number): void {
      open = true
      leaseUntil = until
    },

    /** Ends lease and generation, and evicts everything. */
    lapse(): void {
      leaseUntil = Number.NEGATIVE_INFINITY
      open = false
      entries.clear()
      reads.clear()
    },

    /** Cached sessions. */
    get size(): number {
      return entries.size
    },
  }
}
