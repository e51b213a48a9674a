/**
 * The revocations that an instance has read in this generation, in the order of its reads: what a caller has yet to evict. A notice adds
 * none, because the next read says the same again. Pure.
 */
import { isBefore, parseSnapshot, type Snapshot } from '../database/snapshots.ts'
import type { Cursor } from './messages.ts'

/** How long revocations are kept for callers, in milliseconds: longer than a caller with a lease can be behind. */
export const KEPT_MS = 30_000
/** Most hashed tokens that are kept; a caller that is further behind evicts all. */
const KEPT_TOKENS = 10_000

/** Revocations that were read together. */
interface Change {
  /** The last snapshot before it, and the first that shows it. */
  before: string
  after: Snapshot
  tokens: readonly string[] | null
  /** When it was applied, in milliseconds. */
  at: number
}

export function createRecent() {
  let server = ''
  let last = ''
  let changes: Change[] = []
  /** How many changes of this generation are no longer kept, and the last snapshot before those that are. */
  let forgotten = 0
  let oldest = parseSnapshot('0:0:')

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

  const total = () => forgotten + changes.length

  return {
    begin(first: Cursor): void {
      server = first.server
      last = first.snapshot
      changes = []
      forgotten = 0
      oldest = parseSnapshot(first.snapshot)
    },

    /** @param tokens hashed; null for all. @param snapshot the first that shows them. @returns whether something was revoked. */
    add(tokens: readonly string[] | null, snapshot: string, now: number): boolean {
      const revoked = tokens === null || tokens.length > 0
      if (revoked) changes.push({ before: last, after: parseSnapshot(snapshot), tokens, at: now })
      last = snapshot
      forgetOldChanges(now)
      return revoked
    },

    /** What was read last; null before the first snapshot. */
    get cursor(): Cursor | null {
      return last ? { server, snapshot: last } : null
    },

    /** How many changes there have been in this generation. */
    total,

    /** How many of them a cursor shows; null when that cannot be known. */
    countIn(cursor: Cursor | null): number | null {
      if (cursor?.server !== server) return null
      if (cursor.snapshot === last) return total()
      const snapshot = parseSnapshot(cursor.snapshot)
      const newest = changes.findLastIndex(({ after }) => !isBefore(snapshot, after))
      if (newest >= 0) return forgotten + newest + 1
      return isBefore(snapshot, oldest) ? null : forgotten
    },

    /** The oldest change that is kept of those after the first `count`. */
    after: (count: number): Readonly<Change> | undefined => changes[Math.max(0, count - forgotten)],

    /** The last snapshot that shows no more than the first `count`. */
    shows: (count: number): string => changes[Math.max(0, count - forgotten)]?.before ?? last,

    /** The hashed tokens of all changes after the first `count`; null for all there are. */
    tokensAfter(count: number | null): string[] | null {
      if (count === null) return null
      const unseen = changes.slice(count - forgotten).map(({ tokens }) => tokens)
      return unseen.every((tokens) => tokens !== null) ? unseen.flat() : null
    },
  }
}
