/**
 * The holding side of leases for callers: a process that answers checks from its own memory under a part of an instance's lease. Once a
 * logout has answered, it does not answer "valid" for the sessions that it ended. Successive requests may reach different instances.
 * Pure: transport, memory and clock are passed in.
 */
import { isBefore, parseSnapshot } from '../database/snapshots.ts'
import { createWakeableSleep, type Time } from '../lib/sleep.ts'
import type { CallerLease, LeaseRequest } from './grants.ts'
import type { Cursor } from './instance.ts'
import { RENEW_MS } from './lease.ts'

export interface CallerMemory {
  /** Removes hashed tokens; null for all. */
  evict(tokens: readonly string[] | null): void
}

/** Resolves with the answer of an instance. Rejects when there is no lease, or when the answer takes too long. */
export type RequestLease = (request: LeaseRequest) => Promise<CallerLease>

export type Caller = ReturnType<typeof createCaller>

/** Times are milliseconds on `clock`. */
export function createCaller(memory: CallerMemory, clock: () => number, id: string = crypto.randomUUID()) {
  let cursor: Cursor | null = null
  let leaseUntil = Number.NEGATIVE_INFINITY

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
     * @returns whether something was evicted. A logout may be waiting until the next renewal says so.
     */
    async renew(request: RequestLease): Promise<boolean> {
      const sentAt = clock()
      const lease = await request({ caller: id, cursor })
      const sameServer = lease.cursor.server === cursor?.server
      const revoked = sameServer ? lease.revoked : null
      memory.evict(revoked)
      // An instance that is behind another one sends an older cursor.
      if (!cursor || !sameServer || isOlder(cursor, lease.cursor)) cursor = lease.cursor
      const until = sentAt + lease.ms
      leaseUntil = sameServer ? Math.max(leaseUntil, until) : until
      return revoked?.length !== 0
    },

    /** Ends the lease. What is in memory may stay: the cursor says what it lacks. */
    lapse(): void {
      leaseUntil = Number.NEGATIVE_INFINITY
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

/** Keeps a lease until closed. */
export function keepCallerLease(
  caller: Caller,
  request: RequestLease,
  { clock, sleep }: Time,
  on: CallerEvents,
) {
  let closing = false
  let hinted = false
  const pause = createWakeableSleep(sleep)

  async function run(): Promise<void> {
    while (!closing) {
      hinted = false
      const renewAt = clock() + RENEW_MS
      const evicted = await caller.renew(request).then(
        (evicted) => {
          on.leased()
          return evicted
        },
        (error) => {
          on.failed(error)
          return false
        },
      )
      const ms = renewAt - clock()
      if (!evicted && !hinted && !closing && ms > 0) await pause.sleep(ms)
    }
  }

  const running = run()
  return {
    /** Renews at once: a session may have been revoked. Hints may be lost. */
    hint(): void {
      hinted = true
      pause.wake()
    },
    /** Ends the lease. */
    async close(): Promise<void> {
      closing = true
      pause.wake()
      await running
      caller.lapse()
    },
  }
}
