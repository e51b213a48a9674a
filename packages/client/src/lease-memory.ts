/**
 * The valid sessions that a process may answer from its memory while it holds a lease, by hashed token: at most 300 bytes each, and
 * bounded. Each has an end of its own. Pure: callers pass in every time.
 */
import type { Identity } from './sessions.ts'
import { RATE_ERROR } from './shared.ts'

/** What the service says of a session's lifetime, in seconds. */
export interface Lifetime {
  /** Until it ends by idle timeout or maximum age. */
  seconds: number
  /** Until a use has to be told, and one that is no activity. */
  touch: number
  passive: number
  /** Between two. */
  interval: number
}

/** Longer than a use takes to be written once it is due, in seconds: the database ignores one that comes early. */
const TOLD_SECONDS = 3

/** Times are in seconds on the lease clock, or since 1970 where it says so, as small integers: a float would take 16 bytes more. */
export class KeptSession {
  readonly userId: string
  readonly sessionId: string
  /** Since 1970. */
  readonly createdAt: number
  /** Since 1970. */
  readonly expiresAt: number
  readonly validUntil: number
  /** When a use has to be told, and one that is no activity. */
  touchAt: number
  passiveAt: number

  /** @param askedAt when the service was asked, in milliseconds: the lifetime counts from there. */
  constructor(identity: Identity, { seconds, touch, passive }: Lifetime, askedAt: number) {
    this.userId = identity.userId
    this.sessionId = identity.sessionId
    this.createdAt = Math.floor(identity.createdAt.getTime() / 1000)
    this.expiresAt = Math.floor(identity.expiresAt.getTime() / 1000)
    this.validUntil = Math.floor(askedAt / 1000 + seconds * (1 - RATE_ERROR))
    this.touchAt = Math.ceil(askedAt / 1000 + touch)
    this.passiveAt = Math.ceil(askedAt / 1000 + passive)
  }

  identity(): Identity {
    const createdAt = new Date(this.createdAt * 1000)
    const expiresAt = new Date(this.expiresAt * 1000)
    return { userId: this.userId, sessionId: this.sessionId, createdAt, expiresAt, authTime: createdAt }
  }

  /** Whether some use would have to be told. */
  isAnyDue(now: number): boolean {
    return now >= this.touchAt * 1000 || now >= this.passiveAt * 1000
  }

  isDue(now: number, activity: boolean): boolean {
    return now >= (activity ? this.touchAt : this.passiveAt) * 1000
  }

  /** A use is being told. The next one is due an interval later. @param interval in seconds. */
  told(now: number, activity: boolean, interval: number): void {
    this.passiveAt = Math.ceil(now / 1000 + interval) + TOLD_SECONDS
    if (activity) this.touchAt = this.passiveAt
  }
}

/** @param max the most sessions kept; the one kept longest makes room. */
export function createLeaseMemory(max: number) {
  const sessions = new Map<string, KeptSession>()
  /** One iteration for all time: a new one would pass over all that was removed before, each time. */
  let oldest = sessions.keys()

  function makeRoom(): void {
    let next = oldest.next()
    if (next.done) {
      oldest = sessions.keys()
      next = oldest.next()
    }
    if (!next.done) sessions.delete(next.value)
  }

  return {
    find(key: string, now: number): KeptSession | undefined {
      const found = sessions.get(key)
      return found && now < found.validUntil * 1000 ? found : undefined
    },

    keep(key: string, session: KeptSession): void {
      sessions.delete(key)
      sessions.set(key, session)
      if (sessions.size > max) makeRoom()
    },

    /** Removes hashed tokens; null for all. */
    evict(keys: readonly string[] | null): void {
      if (keys === null) sessions.clear()
      else for (const key of keys) sessions.delete(key)
    },

    get size(): number {
      return sessions.size
    },
  }
}
