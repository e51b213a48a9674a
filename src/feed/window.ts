/**
 * The latest pages of the feed, in memory, for those who follow: where a page ends, the next one begins. Whoever stands
 * at a place that is known is answered from here; a place that was forgotten is no error, only a read of one's own.
 */

import type { Place } from './cursor.ts'
import type { ReplayRow, RevocationRow } from './queries.ts'

/** What the outside is told of a revocation; times in ISO 8601. */
export type RevocationEvent = Omit<RevocationRow, keyof Place | 'at'> & { revokedAt: string }

/** What the outside is told of a revoked token that came again: `at` is when it was recorded, a moment later. */
export type ReplayEvent = Omit<ReplayRow, keyof Place | 'at'> & { at: string }

export type FeedEvent = RevocationEvent | ReplayEvent

/** Events in a row, and the cursor after them. */
export interface Page {
  readonly events: readonly FeedEvent[]
  readonly cursor: string
}

/** Cursors that are known at most. The feed moves on some twice a second, with or without events. */
const MAX_PLACES = 10_000

export type Window = ReturnType<typeof createWindow>

/** @param maxEvents so many are kept; of a single page, all. */
export function createWindow(maxEvents: number) {
  /** How many pages came before, by cursor: what moves the cursor and brings no event changes no place. */
  const places = new Map<string, number>()
  let pages: Page[] = []
  let forgotten = 0
  let events = 0
  let head: string | null = null

  function move(cursor: string): void {
    head = cursor
    places.delete(cursor)
    places.set(cursor, forgotten + pages.length)
    const [oldest] = places.size > MAX_PLACES ? places.keys() : []
    if (oldest !== undefined) places.delete(oldest)
  }

  /** The pages after a cursor; undefined when that is not known any more. */
  function after(cursor: string): Page[] | undefined {
    const place = places.get(cursor)
    return place === undefined || place < forgotten ? undefined : pages.slice(place - forgotten)
  }

  return {
    /** Where the feed is, once it has begun. */
    get head(): string | null {
      return head
    },
    /** Forgets everything; the feed is at `cursor`, or nowhere. */
    begin(cursor: string | null): void {
      places.clear()
      pages = []
      forgotten = 0
      events = 0
      head = null
      if (cursor) move(cursor)
    },
    /** What comes after the head. */
    add(page: Page): void {
      if (page.events.length > 0) pages.push(page)
      events += page.events.length
      while (events > maxEvents && pages.length > 1) {
        events -= pages.shift()?.events.length ?? 0
        forgotten++
      }
      move(page.cursor)
    },
    after,
    /** The page after a cursor; null at the head; undefined when the cursor is not known any more. */
    next(cursor: string): Page | null | undefined {
      const place = places.get(cursor)
      if (place === undefined || place < forgotten) return undefined
      return pages[place - forgotten] ?? null
    },
  }
}
