/**
 * Asks again about sessions that are in use: at once where something happened that the last answer cannot know of, else
 * from time to time, and more often while the feed is lost. Whoever cannot be decided for too long is given up.
 */
import type { Client } from './client.ts'
import type { RequestLike } from './credentials.ts'

export interface RecheckLimits {
  /** In milliseconds: nothing heard of the feed for so long, and it counts as lost. */
  lostMs: number
  /** In milliseconds that a session may wait for an answer that is due. */
  undecidedMs: number
  /** In milliseconds between checks of a session, all being well. */
  recheckMs: number
}

/** In milliseconds. */
const TICK = 1_000
/** Longer than an instance may say "valid" of a session whose logout has not answered yet (3.3 seconds). */
const SETTLED = 5_000
/** Checks at once, at least; and of how many sessions one is under way, so that none waits for its turn until it is given up. */
const CHECKS = 32
const SESSIONS_EACH = 200

/** Times are of `performance.now()`. */
interface Watched {
  sessionId: string
  request: RequestLike
  /** When something happened that no earlier check can know of. */
  doubtedAt: number
  /** When the last check was asked that said "valid". */
  validAt: number
  /** When a check was first seen to be due. */
  dueSince: number | null
  asking: boolean
}

export function createRechecks(
  check: Client['check'],
  { lostMs, undecidedMs, recheckMs }: RecheckLimits,
  end: (sessionId: string, why: 'signed out' | 'undecided') => void,
) {
  const sessions = new Map<string, Watched>()
  /** Due, and waiting for their turn. */
  const queue = new Set<Watched>()
  let workers = 0
  let heardAt = performance.now()
  const timer = setInterval(look, TICK)

  function look(): void {
    const now = performance.now()
    for (const session of sessions.values()) {
      if (dueAt(session) > now) continue
      session.dueSince ??= now
      if (now - session.dueSince > undecidedMs) give(session, 'undecided')
      else if (!session.asking) queue.add(session)
    }
    work()
  }

  function dueAt({ doubtedAt, validAt }: Watched): number {
    if (validAt < doubtedAt) return doubtedAt
    const settled = validAt < doubtedAt + SETTLED ? doubtedAt + SETTLED : Number.POSITIVE_INFINITY
    return Math.min(settled, validAt + recheckMs, Math.max(validAt, heardAt) + lostMs)
  }

  function work(): void {
    const most = Math.max(CHECKS, sessions.size / SESSIONS_EACH)
    while (workers < most && workers < queue.size) void askInTurn()
  }

  async function askInTurn(): Promise<void> {
    workers++
    for (const session of queue) {
      queue.delete(session)
      await ask(session)
    }
    workers--
  }

  async function ask(session: Watched): Promise<void> {
    const askedAt = performance.now()
    session.asking = true
    try {
      const found = await check(session.request)
      if (found?.sessionId !== session.sessionId) return give(session, 'signed out')
      session.validAt = askedAt
      session.dueSince = null
    } catch {
      // Undecided: the next look asks again, or gives it up.
    } finally {
      session.asking = false
    }
  }

  function give(session: Watched, why: 'signed out' | 'undecided'): void {
    if (sessions.get(session.sessionId) !== session) return
    forget(session.sessionId)
    end(session.sessionId, why)
  }

  function forget(sessionId: string): void {
    const session = sessions.get(sessionId)
    if (session) queue.delete(session)
    sessions.delete(sessionId)
  }

  return {
    /** Asks about this session now, and from time to time. */
    watch(sessionId: string, request: RequestLike): void {
      const known = sessions.get(sessionId)
      const fresh = { sessionId, validAt: Number.NEGATIVE_INFINITY, dueSince: null, asking: false }
      const session = Object.assign(known ?? fresh, { request, doubtedAt: performance.now() })
      sessions.set(sessionId, session)
      if (!session.asking) queue.add(session)
      work()
    },
    forget,
    /** Something may have been missed: asks about all of them. */
    doubtAll(): void {
      for (const session of sessions.values()) session.doubtedAt = performance.now()
      look()
    },
    /** The feed is alive. */
    heard(): void {
      heardAt = performance.now()
    },
    close(): void {
      clearInterval(timer)
      sessions.clear()
      queue.clear()
    },
  }
}
