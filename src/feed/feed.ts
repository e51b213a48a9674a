/**
 * The feed of revocations: every revocation committed after a cursor is delivered at least once. Followers hold only a cursor.
 * The window of this process answers them; only for older events does a follower read the database. A cursor whose events may
 * have been deleted is an error, never a gap.
 */

import type { SharedListener } from '../database/listener.ts'
import { isBefore } from '../database/snapshots.ts'
import { Problem, unavailable } from '../errors.ts'
import { batch } from '../lib/batch.ts'
import { runDetached } from '../lib/run-detached.ts'
import { type Cursor, formatCursor, latestOf, parseCursor } from './cursor.ts'
import { createReader, type FeedStore, pageOf, type ReaderOptions } from './reader.ts'
import type { Page } from './window.ts'

/** Limits of the reads for followers whose cursor is older than the window: they take turns with the reader on its connection. */
const OLDER_READS = { inFlight: 1, size: 1, waiting: 10_000, waitMs: 1_500, refusal: unavailable }

export type Feed = ReturnType<typeof createFeed>

export function createFeed(store: FeedStore, listener: SharedListener, options?: ReaderOptions) {
  const reader = createReader(store, listener, options)
  const { window } = reader
  /** Reads in flight, by cursor: followers that were cut off together come back together. */
  const olderReads = new Map<string, Promise<Page>>()

  const readPage = batch(async ([cursor]: Cursor[]) => {
    const from = cursor as Cursor
    // Up to the head, so that the window answers the next call.
    const read = await store.read(from, reader.head && latestOf(reader.head)).catch(undecided)
    if (read.tooOld || read.databaseId !== from.databaseId) throw tooOld()
    return [pageOf(from, read).page]
  }, OLDER_READS)

  async function readFrom(text: string): Promise<Page> {
    const cursor = parseCursor(text)
    if (!cursor) throw malformedCursor('since')
    const isAhead = () => !reader.head || isBefore(latestOf(reader.head), latestOf(cursor))
    // The cursor may come from another process that has read further: one refresh catches up.
    if (isAhead()) await reader.refresh()
    if (isAhead() || reader.head?.databaseId !== cursor.databaseId) throw tooOld()
    return readPage(cursor)
  }

  /** The page after a cursor that the window does not know. */
  function readOlder(text: string): Promise<Page> {
    const reading =
      olderReads.get(text) ?? runDetached(() => readFrom(text)).finally(() => olderReads.delete(text))
    olderReads.set(text, reading)
    return reading
  }

  return {
    counts: reader.counts,
    /** Followers that wait for the next page. */
    waiting: () => reader.waiting,
    /** When the last successful read began, in milliseconds on the monotonic clock. */
    readAt: () => reader.readAt,
    /** Resolves after a successful read that began after the call. @throws Problem `unavailable`. */
    refresh: () => reader.refresh(),

    /** A cursor for a new follower: it precedes everything committed after the call. @throws Problem `unavailable`. */
    async newCursor(): Promise<string> {
      await reader.refresh()
      if (!reader.head) throw unavailable(new Error('the feed is closed'))
      // Within a large transaction the reader has not yet delivered all that its snapshot shows.
      return formatCursor({ databaseId: reader.head.databaseId, last: latestOf(reader.head) })
    },

    /** The cursor of the window's head, a moment old at most. @throws Problem `unavailable`. */
    async headCursor(): Promise<string> {
      reader.keepReading()
      while (!window.head || reader.failing) await reader.refresh()
      return window.head
    },

    /** The pages after a cursor from `headCursor`; undefined when it is not known any more. */
    pagesAfter: (cursor: string): readonly Page[] | undefined => window.after(cursor),

    /**
     * The next events after a cursor. Waits for them until `signal` is aborted; then returns no events and the next cursor.
     * @throws Problem `cursor_too_old`, or `unavailable` when the feed cannot be read.
     */
    async next(cursor: string, signal: AbortSignal): Promise<Page> {
      for (let at = cursor; ; ) {
        reader.keepReading()
        const page = window.next(at)
        if (page) return page
        if (page === null) {
          if (signal.aborted && reader.failing) throw unavailable(new Error('the feed cannot be read'))
          if (signal.aborted) return { events: [], cursor: window.head ?? at }
          const nextPage = await reader.nextPage(signal)
          if (nextPage) return nextPage
        } else {
          const older = await readOlder(at)
          if (older.events.length > 0) return older
          if (older.cursor === at) {
            // The reader has not reached this cursor yet.
            if (signal.aborted) return older
            await reader.refresh()
          }
          at = older.cursor
        }
      }
    },

    /** Ends the feed for all followers. */
    close: () => reader.close(),
  }
}

function undecided(error: unknown): never {
  throw error instanceof Problem ? error : unavailable(error)
}

/** The problem of a request whose `field` is not a cursor. */
export function malformedCursor(field: string): Problem {
  return new Problem('invalid_request', `${field}: must be a cursor of this feed`, { field })
}

function tooOld(): Problem {
  return new Problem(
    'cursor_too_old',
    'Start again without a cursor, and check every session that you have cached: you may have missed revocations.',
  )
}
