/**
 * What an instance knows by heart: living sessions, and until when it may say so. Nothing here is answered after the
 * lease or the session's own lifetime is over, and nothing that was revoked is kept, however late its read comes in.
 * Pure: every time is passed in. Tokens are hashed; of unknown ones nothing is kept.
 */
import { LRUCache } from 'lru-cache'
import { HELD_MS, RATE_ERROR } from '../leases/lease.ts'
import type { Read } from './queries.ts'

/** A living session as it was read. Seconds on the lease clock, as small integers: a float would cost 16 bytes. */
export class CachedSession {
  readonly userId: string
  readonly sessionId: string
  /** When it is over by idle timeout or age, rounded down. */
  readonly until: number
  /** When a use is to be recorded again. */
  touchAt: number
  readonly touchInterval: number
  /** When it was last moved to the front of the queue of those that may go. */
  movedAt = -1

  /** @param askedAt when the read was begun, in milliseconds; what was left then is counted from there. */
  constructor(read: Read, askedAt: number) {
    this.userId = read.userId
    this.sessionId = read.sessionId
    this.until = Math.floor(askedAt / 1000 + read.lifeSeconds * (1 - RATE_ERROR))
    this.touchAt = Math.ceil(askedAt / 1000 + read.touchSeconds)
    this.touchInterval = Math.ceil(read.touchInterval)
  }

  get valid(): true {
    return true
  }

  /** @param now milliseconds on the clock of `askedAt`. */
  isValidAt(now: number): boolean {
    return now < this.until * 1000
  }
}

type Answer = Promise<CachedSession | null>

export type SessionCache = ReturnType<typeof createSessionCache>

/** @param max sessions at most; beyond them the one that was not asked for longest goes. */
export function createSessionCache(max: number) {
  const entries = new LRUCache<string, CachedSession>({ max })
  /** Reads under way, by token. One that is no longer listed when it ends is answered, never kept. */
  const reads = new Map<string, Answer>()
  let leaseUntil = Number.NEGATIVE_INFINITY
  /** Whether a generation is under way: a first snapshot is in, and everything kept was read after it. */
  let open = false

  const holds = (now: number) => now < leaseUntil

  return {
    /** Whether answers may come from memory. */
    holds,

    /** What memory says of a token now, if it may say anything. */
    find(key: string, now: number): CachedSession | undefined {
      if (!holds(now)) return undefined
      const found = entries.peek(key)
      if (!found?.isValidAt(now)) return undefined
      // Once a second will do: moving it for every check costs as much as finding it.
      const second = Math.trunc(now / 1000)
      if (found.movedAt !== second) {
        found.movedAt = second
        entries.get(key)
      }
      return found
    },

    /**
     * Reads a token that memory says nothing of. Whoever asks while the read is under way shares it, as long as the
     * lease is held: a revocation that the asker must not miss would have struck the read off the list. Shared is only
     * "valid": that the session began, or ran out, since the read began is told by another read.
     */
    read(key: string, now: number, load: () => Answer): Answer {
      const underWay = reads.get(key)
      if (underWay && holds(now)) return underWay.then((found) => (found?.isValidAt(now) ? found : load()))
      if (underWay || !open) return load()
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

    /** Drops revoked tokens, and strikes their reads off the list; null for everything. */
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

    /** Begins a generation: empty, without a lease. Reads of an earlier one are answered, never kept. */
    begin(): void {
      this.lapse()
      open = true
    },

    /**
     * Holds the lease until its length after `sentAt`, when its renewal was begun. Call it after `forget`.
     * @returns false, and holds nothing, when the lease before had run out by `now`: then it must begin again.
     */
    extend(sentAt: number, now: number): boolean {
      if (leaseUntil > Number.NEGATIVE_INFINITY && !holds(now)) return false
      leaseUntil = sentAt + HELD_MS
      return true
    },

    /** Ends lease and generation, and forgets everything. */
    lapse(): void {
      leaseUntil = Number.NEGATIVE_INFINITY
      open = false
      entries.clear()
      reads.clear()
    },

    /** Sessions known by heart. */
    get size(): number {
      return entries.size
    },
  }
}
