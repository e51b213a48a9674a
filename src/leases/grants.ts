/**
 * The granting side of leases for callers. An instance lends each caller a part of its own lease, so that the caller answers checks in
 * its own process. It acknowledges in PostgreSQL only what its callers have applied, too: so a logout waits for callers without knowing
 * of them, and no longer than for their instance. Pure: the transport and the clock are passed in.
 */
import { isBefore, parseSnapshot, type Snapshot } from '../database/snapshots.ts'
import type { Cursor, LeasedCache } from './instance.ts'
import { HELD_MS, LEASE_MS, RATE_ERROR } from './lease.ts'

/** How long revocations are kept for callers, in milliseconds: longer than a caller with a lease can be behind. */
const KEPT_MS = 30_000
/** Most hashed tokens that are kept; a caller that is further behind evicts all. */
const KEPT_TOKENS = 10_000
/** Most callers of one instance. */
const MOST_CALLERS = 10_000

export interface LeaseRequest {
  /** The id of a process. */
  caller: string
  /** What the caller has applied; null when it has applied nothing. */
  cursor: Cursor | null
}

export interface CallerLease {
  /** What the caller has applied once it has evicted `revoked`. */
  cursor: Cursor
  /** Hashed tokens; null for all. */
  revoked: readonly string[] | null
  /** How long the caller may answer from memory, in milliseconds from before its request. */
  ms: number
}

/** Why no lease is granted: the instance has none of its own, the caller let a revocation wait, or there are too many callers. */
export type Refusal = 'no_lease' | 'suspended' | 'too_many'

/** Revocations that were read together. */
interface Change {
  /** The last snapshot before it, and the first that shows it. */
  before: string
  after: Snapshot
  tokens: readonly string[] | null
  /** When it was applied, in milliseconds. */
  at: number
}

interface Caller {
  /** How many changes of this generation it has applied. */
  applied: number
  /** When its lease has ended, and until when it gets no other; in milliseconds on the clock of the instance. */
  end: number
  suspendedUntil: number
}

export interface GrantOptions {
  /** How long a caller gets no lease after it let a revocation wait for the end of its lease, in milliseconds. */
  suspendedMs?: number
  /** Revocations were applied here: callers should renew. */
  onChange?: () => void
  /** Callers have applied more: `acknowledged` has changed. */
  onApplied?: () => void
}

/** Stands between an instance and its own cache, if it has one. */
export function createGrants(
  cache: LeasedCache | null,
  clock: () => number,
  { suspendedMs = 30_000, onChange = () => {}, onApplied = () => {} }: GrantOptions = {},
) {
  let server = ''
  let last = ''
  let leaseUntil = Number.NEGATIVE_INFINITY
  let changes: Change[] = []
  /** How many changes of this generation are no longer kept, and the last snapshot before those that are. */
  let forgotten = 0
  let oldest = parseSnapshot('0:0:')
  let callers = new Map<string, Caller>()

  const total = () => forgotten + changes.length

  function forgetOldChanges(now: number): void {
    while (changes[0] && changes[0].at < now - KEPT_MS) {
      oldest = changes[0].after
      changes.shift()
      forgotten++
    }
    let tokens = 0
    for (const change of [...changes].reverse()) {
      tokens += change.tokens?.length ?? 0
      if (tokens > KEPT_TOKENS) change.tokens = null
    }
  }

  /** How many changes a cursor shows; null when that cannot be known. */
  function countApplied(cursor: Cursor | null): number | null {
    if (cursor?.server !== server) return null
    if (cursor.snapshot === last) return total()
    const snapshot = parseSnapshot(cursor.snapshot)
    const newest = changes.findLastIndex(({ after }) => !isBefore(snapshot, after))
    if (newest >= 0) return forgotten + newest + 1
    return isBefore(snapshot, oldest) ? null : forgotten
  }

  /** Whether a caller let a change wait until its lease ended, or for as long as a lease. */
  function letWait({ applied, end }: Caller, now: number): boolean {
    const change = changes[Math.max(0, applied - forgotten)]
    if (!change || change.at >= end) return false
    // One that renews and never applies is no better than one that hangs.
    return end <= now || change.at + LEASE_MS <= now
  }

  function acknowledged(): string {
    const now = clock()
    let least = total()
    for (const { applied, end } of callers.values()) if (now < end) least = Math.min(least, applied)
    return changes[Math.max(0, least - forgotten)]?.before ?? last
  }

  return {
    begin(first: Cursor): void {
      cache?.begin(first)
      server = first.server
      last = first.snapshot
      leaseUntil = Number.NEGATIVE_INFINITY
      changes = []
      forgotten = 0
      oldest = parseSnapshot(first.snapshot)
      // The row of the generation before stays while they hold its leases.
      callers = new Map()
    },

    evict(tokens: readonly string[] | null, snapshot: string): void {
      cache?.evict(tokens, snapshot)
      const now = clock()
      const revoked = tokens === null || tokens.length > 0
      if (revoked) changes.push({ before: last, after: parseSnapshot(snapshot), tokens, at: now })
      last = snapshot
      forgetOldChanges(now)
      for (const [id, caller] of callers) if (caller.end < now - KEPT_MS) callers.delete(id)
      if (revoked) onChange()
    },

    extend(sentAt: number, now: number): boolean {
      const expired = leaseUntil > Number.NEGATIVE_INFINITY && leaseUntil <= now
      if (expired || cache?.extend(sentAt, now) === false) return false
      leaseUntil = sentAt + HELD_MS
      return true
    },

    lapse(): void {
      cache?.lapse()
      leaseUntil = Number.NEGATIVE_INFINITY
    },

    acknowledged,

    outlived(): boolean {
      const now = clock()
      return [...callers.values()].some(({ end }) => now < end)
    },

    /** What this instance has applied; null before its first snapshot. What it answers from now on shows all of it. */
    get cursor(): Cursor | null {
      return last ? { server, snapshot: last } : null
    },

    /** Grants a lease, and notes what the caller has applied. */
    grant({ caller: id, cursor }: LeaseRequest): CallerLease | Refusal {
      const now = clock()
      const left = leaseUntil - now
      if (left <= 0) return 'no_lease'
      const applied = countApplied(cursor)
      const known = callers.get(id)
      if (known) {
        if (letWait(known, now)) known.suspendedUntil = Math.min(known.end, now) + suspendedMs
        if (applied !== null && applied > known.applied) {
          known.applied = applied
          onApplied()
        }
        const isHeld = now < known.end
        if (now < known.suspendedUntil || (isHeld && letWait(known, now))) return 'suspended'
      } else if (callers.size >= MOST_CALLERS) return 'too_many'
      // A caller without a lease of this instance holds one only when it has applied this answer.
      callers.set(id, {
        applied: known && now < known.end ? known.applied : total(),
        end: leaseUntil,
        suspendedUntil: now,
      })
      const unseen = applied === null ? null : changes.slice(applied - forgotten).map(({ tokens }) => tokens)
      const revoked = unseen?.every((tokens) => tokens !== null) ? unseen.flat() : null
      return { cursor: { server, snapshot: last }, revoked, ms: left * (1 - 2 * RATE_ERROR) }
    },

    /** The caller answers nothing under a lease of this instance any more. */
    leave(id: string): void {
      if (callers.delete(id)) onApplied()
    },
  }
}
