/**
 * The lifecycle of a process that answers checks from its cache: join, renew the lease, evict what was revoked, leave.
 * Any failure ends the lease at once, and the instance joins again with an empty cache. Timers only say when to try:
 * every answer compares the clock with the lease.
 */
import { createWakeableSleep, type Time } from '../lib/sleep.ts'
import { GATHER_MS, RENEW_MS } from './lease.ts'
import type { Beginning, Changes } from './queries.ts'

/** Pause before the instance joins again, in milliseconds. */
const RETRY_MS = 500

/** What an instance does in PostgreSQL. Each call resolves after its commit, and rejects when the outcome is unknown. */
export interface InstanceStore {
  add(id: string): Promise<void>
  /** Counts a heartbeat, and acknowledges what was applied before it. @returns false when the instance has no row. */
  heartbeat(id: string, applied: string): Promise<boolean>
  /** Reads the first snapshot. */
  begin(): Promise<Beginning>
  /** Reads what changed after a snapshot. */
  changes(since: string): Promise<Changes>
  /** Acknowledges that the cache holds nothing whose revocation is visible in the snapshot. Need not survive a crash of the server. */
  setApplied(id: string, snapshot: string): Promise<void>
  remove(id: string): Promise<void>
}

/** The cache that answers under the lease. Times are milliseconds on the lease clock. */
export interface LeasedCache {
  /** Begins a generation: empty, without a lease. */
  begin(): void
  /** Removes hashed tokens; null for all. */
  evict(tokens: readonly string[] | null): void
  /** Holds the lease, counted from `sentAt`. @returns false when the lease before has expired. */
  extend(sentAt: number, now: number): boolean
  /** Ends lease and generation. */
  lapse(): void
}

export type Instance = ReturnType<typeof createInstance>

/** The steps of the lifecycle. One caller runs them, one at a time. */
export function createInstance(store: InstanceStore, cache: LeasedCache, clock: () => number) {
  let id = ''
  let server = ''
  let last: Omit<Changes, 'tokens'>

  /** Evicts what was revoked since the last call. @returns whether something was; null when another connection answered. */
  async function catchUp(): Promise<boolean | null> {
    const changes = await store.changes(last.snapshot)
    if (changes.connectionId !== last.connectionId) return null
    const revoked = changes.policy === last.policy ? changes.tokens : null
    cache.evict(revoked)
    last = changes
    return revoked?.length !== 0
  }

  return {
    /** The server that grants the lease, as `SERVER_ID` names it. After `join`. */
    get server(): string {
      return server
    },

    /** The cache keeps only what is read after the first snapshot. */
    async join(): Promise<void> {
      id = crypto.randomUUID()
      await store.add(id)
      const beginning = await store.begin()
      server = beginning.server
      last = beginning
      cache.begin()
    },

    /**
     * Extends the lease, counted from before the heartbeat: no lease rests on a snapshot older than its heartbeat. What it reads is
     * acknowledged by the next heartbeat, and at once when a revocation may be waiting.
     * @returns false when the instance must join again.
     */
    async renew(): Promise<boolean> {
      const sentAt = clock()
      if (!(await store.heartbeat(id, last.snapshot))) return false
      const evicted = await catchUp()
      if (evicted === null) return false
      if (!cache.extend(sentAt, clock())) return false
      if (evicted) await store.setApplied(id, last.snapshot)
      return true
    },

    /** Evicts early and acknowledges, after a notification. Does not extend the lease. @returns false when it must join again. */
    async wake(): Promise<boolean> {
      if ((await catchUp()) === null) return false
      await store.setApplied(id, last.snapshot)
      return true
    },

    /** Stops answering from the cache, then removes the row. */
    async leave(): Promise<void> {
      cache.lapse()
      if (id) await store.remove(id)
    },
  }
}

export interface LeaseEvents {
  /** The first lease is held, from this server. */
  leased(server: string): void
  /**
   * The lease is lost, and the instance will join again. Null: the lease expired before its renewal, the database changed,
   * or the instance's row is gone.
   */
  lost(error: unknown): void
}

/** Keeps a lease until closed. */
export function keepLease(instance: Instance, { clock, sleep }: Time, on: LeaseEvents) {
  let closing = false
  let woken = false
  const pause = createWakeableSleep(sleep)

  async function holdLease(): Promise<void> {
    await instance.join()
    let going = await instance.renew()
    if (going) on.leased(instance.server)
    let wakeAt = clock()
    for (let renewAt = clock() + RENEW_MS; going && !closing; ) {
      const now = clock()
      if (now >= renewAt) {
        renewAt = now + RENEW_MS
        going = await instance.renew()
      } else if (woken && now >= wakeAt) {
        woken = false
        wakeAt = now + GATHER_MS
        going = await instance.wake()
      } else await pause.sleep((woken ? Math.min(wakeAt, renewAt) : renewAt) - now)
    }
  }

  async function run(): Promise<void> {
    while (!closing) {
      await holdLease().then(
        () => closing || on.lost(null),
        (error) => on.lost(error),
      )
      await instance.leave().catch(() => {})
      if (!closing) await pause.sleep(RETRY_MS)
    }
  }

  const running = run()
  return {
    /** Reads changes, at once unless it did within `GATHER_MS`: a session may have been revoked. */
    wake(): void {
      woken = true
      pause.wake()
    },
    /** Stops answering from the cache, then removes the row. */
    async close(): Promise<void> {
      closing = true
      pause.wake()
      await running
    },
  }
}
