/**
 * The latest pages of the feed, in memory. Each page begins where the one before ends. A follower whose cursor is known is
 * answered from here; one whose cursor was dropped reads the database itself.
 */

import type { Position } from './cursor.ts'
import type { ReplayRow, RevocationRow } from './queries.ts'

/** A revocation as services receive it; times in ISO 8601. */
export type RevocationEvent = Omit<RevocationRow, keyof Position | 'at'> & { revokedAt: string }

/** A reused revoked token as services receive it. `at` is when it was recorded, a moment after its use. */
type ReplayEvent = Omit<ReplayRow, keyof Position | 'at'> & { at: string }

export type FeedEvent = RevocationEvent | ReplayEvent

/** Consecutive events, and the cursor after them. */
export interface Page {
  readonly events: readonly FeedEvent[]
  readonly cursor: string
}

/** Most cursors kept. The feed moves on about twice a second, with or without events. */
const MAX_CURSORS = 10_000

/** @param maxEvents the most events kept; a single page is always kept whole. */
export function createWindow(maxEvents: number) {
  /** The number of pages before each cursor. A cursor that moves on without events keeps its number. */
  const positions = new Map<string, number>()
  let pages: Page[] = []
  let dropped = 0
  let events = 0
  let head: string | null = null

  function setHead(cursor: string): void {
    head = cursor
    positions.delete(cursor)
    positions.set(cursor, dropped + pages.length)
    const [oldest] = positions.size > MAX_CURSORS ? positions.keys() : []
    if (oldest !== undefined) positions.delete(oldest)
  }

  /** The pages after a cursor; undefined when the cursor is not known any more. */
  function after(cursor: string): Page[] | undefined {
    const position = positions.get(cursor)
    return position === undefined || position < dropped ? undefined : pages.slice(position - dropped)
  }

  return {
    /** The latest cursor; null before the first read. */
    get head(): string | null {
      return head
    },
    /** Drops everything. The head is `cursor`, or null when there is none. */
    reset(cursor: string | null): void {
      positions.clear()
      pages = []
      dropped = 0
      events = 0
      head = null
      if (cursor) setHead(cursor)
    },
    /** Appends the page after the head. */
    add(page: Page): void {
      if (page.events.length > 0) pages.push(page)
      events += page.events.length
      while (events > maxEvents && pages.length > 1) {
        events -= pages.shift()?.events.length ?? 0
        dropped++
      }
      setHead(page.cursor)
    },
    after,
    /** The page after a cursor; null at the head; undefined when the cursor is not known any more. */
    next(cursor: string): Page | null | undefined {
      const position = positions.get(cursor)
      if (position === undefined || position < dropped) return undefined
      return pages[position - dropped] ?? null
    },
  }
}
