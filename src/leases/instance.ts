/**
 * The lifecycle of a process that answers checks from its cache: join, renew the lease, evict what was revoked, leave.
 * Any failure ends the lease at once, and the instance joins again with an empty cache. Timers only say when to try:
 * every answer compares the clock with the lease.
 */
import { createWakeableSleep, type Time } from '../lib/sleep.ts'
import { GATHER_MS, RENEW_MS } from './lease.ts'
import type { Cursor } from './messages.ts'
import { digestOf, parseNotice } from './notice.ts'
import type { Acknowledgement, Beginning, Changes } from './queries.ts'

/** Pause before the instance joins again, in milliseconds. */
const RETRY_MS = 500
/** Most notices that wait for a wake, and most that a row lists: with more, the instance reads. */
const MOST_NOTICES = 32

/** What an instance does in PostgreSQL. Each call resolves after its commit, and rejects when the outcome is unknown. */
export interface InstanceStore {
  add(id: string): Promise<void>
  /** Counts a heartbeat, and acknowledges what was applied before it. @returns as `acknowledge`. */
  heartbeat(id: string, applied: Acknowledgement): Promise<boolean>
  /** Reads the first snapshot. */
  begin(): Promise<Beginning>
  /** Reads what changed after a snapshot. */
  changes(since: string): Promise<Changes>
  /** Need not survive a crash of the server. @returns false when the instance has no row, or another connection answered. */
  acknowledge(id: string, applied: Acknowledgement): Promise<boolean>
  remove(id: string): Promise<void>
}

/** The cache that answers under the lease. Times are milliseconds on the lease clock. */
export interface LeasedCache {
  /** Begins a generation: empty, without a lease. `first` is the server's snapshot before which nothing was read. */
  begin(first: Cursor): void
  /** Removes hashed tokens, null for all. @param snapshot of the read that found them; null for a notice: the next read finds them, too. */
  evict(tokens: readonly string[] | null, snapshot: string | null): void
  /** Holds the lease, counted from `sentAt`. @returns false when the lease before has expired. */
  extend(sentAt: number, now: number): boolean
  /** Ends lease and generation. */
  lapse(): void
  /** The snapshot that may be acknowledged, where it is not the one of the last `evict`: callers may not have applied that one. */
  acknowledged?(): string
  /** Whether callers may still hold a part of a lease that has ended. */
  outlived?(): boolean
  /**
   * Whether it lends parts of the lease, or is about to. Callers apply what the instance reads, and acknowledge snapshots. No digest of a
   * notice can speak for them, so the instance always reads then.
   */
  lends?(): boolean
}

export type Instance = ReturnType<typeof createInstance>

/** The steps of the lifecycle. One caller runs them, one at a time. */
export function createInstance(store: InstanceStore, cache: LeasedCache, clock: () => number) {
  let id = ''
  let server = ''
  let last: Omit<Changes, 'tokens'>
  /** Since the last read: digests of the notices that were applied, and the tokens that they carried. */
  let notices: string[] = []
  let noticed = new Set<string>()
  /** The snapshot acknowledged last. */
  let written = ''

  const acknowledgement = (): Acknowledgement => ({
    last: { ...last, snapshot: cache.acknowledged?.() ?? last.snapshot },
    notices,
  })

  /** @returns false when the instance must join again. */
  async function acknowledge(): Promise<boolean> {
    const applied = acknowledgement()
    if (applied.last.snapshot === written && notices.length === 0) return true
    written = applied.last.snapshot
    return store.acknowledge(id, applied)
  }

  /** After an eviction. Callers that have yet to apply it say so soon. */
  async function acknowledgeEviction(): Promise<boolean> {
    return acknowledgement().last.snapshot !== last.snapshot || acknowledge()
  }

  function readUpTo(read: Omit<Changes, 'tokens'>): void {
    last = read
    notices = []
    noticed = new Set()
  }

  /** Evicts what was revoked since the last call. @returns whether a notice had not said all; null when another connection answered. */
  async function catchUp(): Promise<boolean | null> {
    const changes = await store.changes(last.snapshot)
    if (changes.connectionId !== last.connectionId) return null
    const revoked = changes.policy === last.policy ? changes.tokens : null
    cache.evict(revoked, changes.snapshot)
    const unknown = revoked?.some((token) => !noticed.has(token)) ?? true
    readUpTo(changes)
    return unknown
  }

  /** Evicts what these notices carry, without a read. @returns false when that does not suffice. */
  function applyNotices(texts: readonly string[]): boolean {
    if (notices.length + texts.length > MOST_NOTICES) return false
    for (const text of texts) {
      const notice = parseNotice(text)
      // With another policy everything is to be evicted, or the notice is older than the last read, or forged.
      if (notice?.policy !== last.policy) return false
      cache.evict(notice.tokens, null)
      for (const token of notice.tokens) noticed.add(token)
      notices.push(digestOf(text))
    }
    return true
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
      readUpTo(beginning)
      written = ''
      cache.begin(beginning)
    },

    /**
     * Extends the lease, counted from before the heartbeat: no lease rests on a snapshot older than its heartbeat. What it reads is
     * acknowledged by the next heartbeat, and at once when a revocation may be waiting: one that no notice has carried.
     * @returns false when the instance must join again.
     */
    async renew(): Promise<boolean> {
      const sentAt = clock()
      const applied = acknowledgement()
      if (!(await store.heartbeat(id, applied))) return false
      written = applied.last.snapshot
      const evicted = await catchUp()
      if (evicted === null) return false
      if (!cache.extend(sentAt, clock())) return false
      return !evicted || (await acknowledgeEviction())
    },

    /**
     * Evicts early and acknowledges, after notifications. Does not extend the lease.
     * @param texts theirs; null when it has to read. @returns false when it must join again.
     */
    async wake(texts: readonly string[] | null): Promise<boolean> {
      const applied = !cache.lends?.() && texts !== null && applyNotices(texts)
      if (!applied && (await catchUp()) === null) return false
      return acknowledgeEviction()
    },

    /** Acknowledges what callers have applied. */
    acknowledge,

    /** Stops answering from the cache, then removes the row. While callers hold a lease it stays, and is reaped later. */
    async leave(): Promise<void> {
      cache.lapse()
      if (id && !cache.outlived?.()) await store.remove(id)
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
  /** The texts of the notifications since the last wake; null when one of them was no notice, or there are too many. */
  let texts: string[] | null = []
  let acknowledging = false
  const pause = createWakeableSleep(sleep)

  function takeTexts(): string[] | null {
    const taken = texts
    woken = false
    texts = []
    return taken
  }

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
        wakeAt = now + GATHER_MS
        going = await instance.wake(takeTexts())
      } else if (acknowledging) {
        acknowledging = false
        going = await instance.acknowledge()
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
    /** Evicts what was revoked, at once unless it did within `GATHER_MS`. @param text of a notification; without one it reads. */
    wake(text = ''): void {
      woken = true
      texts = text !== '' && texts && texts.length < MOST_NOTICES ? [...texts, text] : null
      pause.wake()
    },
    /** Callers have applied more. */
    acknowledge(): void {
      acknowledging = true
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
