/**
 * Rechecks sessions with open sockets: immediately when an event may have been missed, otherwise periodically, and more often
 * while the feed is lost. A session that cannot be decided for too long is given up.
 */
import type { Client } from './client.ts'
import type { RequestLike } from './credentials.ts'

export interface RecheckLimits {
  /** Milliseconds without data after which the feed counts as lost. */
  lostMs: number
  /** Milliseconds that a due check may stay undecided. */
  undecidedMs: number
  /** Milliseconds between periodic checks of a session. */
  recheckMs: number
}

/** Milliseconds between two scans for due checks. */
const TICK = 1_000
/** Longer than an instance may answer "valid" for a session whose logout is in progress (3.3 seconds). In milliseconds. */
const SETTLED = 5_000
/** Minimum of parallel checks, and sessions per parallel check, so that no session is given up while it waits for its turn. */
const CHECKS = 32
const SESSIONS_EACH = 200

/** Times are values of `performance.now()`. */
interface Watched {
  sessionId: string
  request: RequestLike
  /** Checks that started before this time do not count. */
  doubtedAt: number
  /** Start of the last check that answered "valid". */
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
  /** Due sessions that wait for their turn. */
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
      // Undecided: the next scan checks again or gives up.
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
    /** Checks this session now and then periodically. */
    watch(sessionId: string, request: RequestLike): void {
      const known = sessions.get(sessionId)
      const fresh = { sessionId, validAt: Number.NEGATIVE_INFINITY, dueSince: null, asking: false }
      const session = Object.assign(known ?? fresh, { request, doubtedAt: performance.now() })
      sessions.set(sessionId, session)
      if (!session.asking) queue.add(session)
      work()
    },
    forget,
    /** Events may have been missed: checks all sessions again. */
    doubtAll(): void {
      for (const session of sessions.values()) session.doubtedAt = performance.now()
      look()
    },
    /** Data of the feed has arrived. */
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
