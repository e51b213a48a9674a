/**
 * The holding side of leases for callers: a process that answers checks from its own memory under a part of an instance's lease. Once a
 * logout has answered, it does not answer "valid" for the sessions that it ended. Successive requests may reach different instances.
 * It holds a lease of one at a time: one that is left behind delays logouts. Pure: transport, memory and clock are passed in.
 */
import { isBefore, parseSnapshot } from '../database/snapshots.ts'
import { createWakeableSleep, type Time } from '../lib/sleep.ts'
import { LEASE_MS, RENEW_MS } from './lease.ts'
import type { CallerLease, Cursor, LeaseRequest } from './messages.ts'

/**
 * Most requests of one renewal, until the instance answers whose lease the caller holds: a load balancer may lead to others. After that
 * many in vain the instance may be gone. Then a renewal is one request, until the lease has ended: a thousand callers may do the same.
 */
const MOST_TRIES = 16
/** Least milliseconds between two renewals that may wait, for an instance that does not let them wait. */
const PACE_MS = 100

export interface CallerMemory {
  /** Removes hashed tokens; null for all. */
  evict(tokens: readonly string[] | null): void
}

/**
 * Resolves with the answer of an instance: a lease, or that another instance lends. Rejects when there is no lease, or when the
 * answer takes too long.
 */
export type RequestLease = (request: LeaseRequest) => Promise<CallerLease | 'other_instance'>

export type Caller = ReturnType<typeof createCaller>

/** Times are milliseconds on `clock`. */
export function createCaller(memory: CallerMemory, clock: () => number, id: string = crypto.randomUUID()) {
  let cursor: Cursor | null = null
  let instance: string | null = null
  let leaseUntil = Number.NEGATIVE_INFINITY
  /** Whether the instance that lends was not reached in all tries. */
  let isLost = false

  /** Asks again while another instance answers than the one that lends. */
  async function askLender<T>(ask: () => Promise<T | 'other_instance'>): Promise<T> {
    for (let tries = isLost ? MOST_TRIES : 1; tries <= MOST_TRIES; tries++) {
      const answer = await ask()
      isLost = answer === 'other_instance'
      if (answer !== 'other_instance') return answer
    }
    throw new Error('the instance that lends the lease was not reached')
  }

  return {
    id,

    /** Whether the memory may answer. */
    holds: (now: number) => now < leaseUntil,

    /** When the lease ends. */
    get until(): number {
      return leaseUntil
    },

    /** What the memory has applied; null before the first lease. */
    get cursor(): Cursor | null {
      return cursor
    },

    /** The server whose revocations the memory follows, as `SERVER_ID` names it; null before the first lease. */
    get server(): string | null {
      return cursor?.server ?? null
    },

    /**
     * Whether an answer may be kept: it was read after everything that the memory has evicted. A read that raced a revocation is
     * answered, never kept.
     * @param readAfter what the instance had applied when it began to read.
     */
    mayKeep: (readAfter: Cursor): boolean =>
      readAfter.server === cursor?.server && !isOlder(readAfter, cursor),

    /**
     * Extends the lease, counted from before the request. One renewal at a time.
     * @param waits whether the answer may come when there is something to tell. Not where little is left of the lease.
     * @returns whether something was evicted. A logout may be waiting until the next renewal says so.
     */
    async renew(request: RequestLease, waits = false): Promise<boolean> {
      let sentAt = clock()
      const lease = await askLender(() => {
        sentAt = clock()
        const lender = sentAt < leaseUntil ? instance : null
        return request({
          caller: id,
          instance: lender,
          cursor,
          wait: waits && sentAt + LEASE_MS / 2 < leaseUntil,
        })
      })
      const sameServer = lease.cursor.server === cursor?.server
      const revoked = sameServer ? lease.revoked : null
      memory.evict(revoked)
      // An instance that is behind another one sends an older cursor.
      if (!cursor || !sameServer || isOlder(cursor, lease.cursor)) cursor = lease.cursor
      const until = sentAt + lease.ms
      leaseUntil = sameServer ? Math.max(leaseUntil, until) : until
      instance = lease.instance
      return revoked?.length !== 0
    },

    /**
     * Ends the lease, and says so to the instance that lends it: then no logout waits for it. What is in memory may stay: the cursor
     * says what it lacks.
     */
    async leave(tell: (request: LeaseRequest) => Promise<'left' | 'other_instance'>): Promise<void> {
      const held = clock() < leaseUntil
      leaseUntil = Number.NEGATIVE_INFINITY
      if (held) await askLender(() => tell({ caller: id, instance, cursor, wait: false }))
    },
  }
}

function isOlder(a: Cursor, b: Cursor): boolean {
  return a.snapshot !== b.snapshot && isBefore(parseSnapshot(a.snapshot), parseSnapshot(b.snapshot))
}

export interface CallerEvents {
  /** A lease is held. */
  leased(): void
  /** No lease could be had. An earlier one may still be held. */
  failed(error: unknown): void
}

export interface CallerOptions {
  /** Whether instances answer when there is something to tell: then no hints are needed. */
  waits?: boolean
  /** How long to wait after an error, in milliseconds, where that is longer than usual. */
  retryMs?: (error: unknown) => number
}

/** Keeps a lease until closed. */
export function keepCallerLease(
  caller: Caller,
  request: RequestLease,
  { clock, sleep }: Time,
  on: CallerEvents,
  { waits = false, retryMs = () => 0 }: CallerOptions = {},
) {
  let closing = false
  let hinted = false
  const pause = createWakeableSleep(sleep)

  /** @returns milliseconds until the next renewal. */
  async function renew(): Promise<number> {
    const begun = clock()
    const left = (ms: number) => begun + ms - clock()
    try {
      const evicted = await caller.renew(request, waits)
      on.leased()
      return evicted ? 0 : left(waits ? PACE_MS : RENEW_MS)
    } catch (error) {
      on.failed(error)
      return Math.max(left(RENEW_MS), retryMs(error))
    }
  }

  async function run(): Promise<void> {
    while (!closing) {
      hinted = false
      const ms = await renew()
      if (!hinted && !closing && ms > 0) await pause.sleep(ms)
    }
  }

  const running = run()
  return {
    /** Renews at once: a session may have been revoked. Hints may be lost. */
    hint(): void {
      hinted = true
      pause.wake()
    },
    /** Asks for no other lease. The last one is held until the caller leaves. */
    async close(): Promise<void> {
      closing = true
      pause.wake()
      await running
    },
  }
}
