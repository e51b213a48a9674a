/**
 * The feed of revocations: every one that was committed after a cursor comes once or more, never not at all. Followers
 * hold a cursor and nothing else. They are answered from what the reader of this process keeps, and read by themselves
 * only what is older; what cannot be known any more is an error, never a gap.
 */

import type { SharedListener } from '../database/listener.ts'
import { Problem, unavailable } from '../errors.ts'
import { batch } from '../lib/batch.ts'
import { runDetached } from '../lib/run-detached.ts'
import { type Cursor, formatCursor, isBefore, latestOf, parseCursor } from './cursor.ts'
import { createReader, type FeedStore, pageOf, type ReaderOptions } from './reader.ts'
import type { Page } from './window.ts'

/** Reads of followers' own. */
const OWN_READS = { inFlight: 2, busyAt: 2, size: 1, waiting: 10_000, waitMs: 1_500, refusal: unavailable }

export type Feed = ReturnType<typeof createFeed>

export function createFeed(store: FeedStore, listener: SharedListener, options?: ReaderOptions) {
  const reader = createReader(store, listener, options)
  const { window } = reader
  /** Reads under way, by cursor: who was cut off together comes back together. */
  const ownReads = new Map<string, Promise<Page>>()

  const readPage = batch(async ([cursor]: Cursor[]) => {
    const from = cursor as Cursor
    // Up to the head, so that whoever read it follows from memory afterwards.
    const read = await store.read(from, reader.head && latestOf(reader.head)).catch(undecided)
    if (read.tooOld || read.databaseId !== from.databaseId) throw tooOld()
    return [pageOf(from, read).page]
  }, OWN_READS)

  async function readFrom(text: string): Promise<Page> {
    const cursor = parseCursor(text)
    if (!cursor) throw malformed('since')
    const isAhead = () => !reader.head || isBefore(latestOf(reader.head), latestOf(cursor))
    // Another process has been there already, perhaps: then one look brings us there, too.
    if (isAhead()) await reader.look()
    if (isAhead() || reader.head?.databaseId !== cursor.databaseId) throw tooOld()
    return readPage(cursor)
  }

  /** What comes after a cursor that the window does not know. */
  function readOwn(text: string): Promise<Page> {
    const coming =
      ownReads.get(text) ?? runDetached(() => readFrom(text)).finally(() => ownReads.delete(text))
    ownReads.set(text, coming)
    return coming
  }

  return {
    counts: reader.counts,
    /** How many wait for news. */
    waiting: () => reader.waiting,
    /** When the last read that succeeded began, in milliseconds on the monotonic clock. */
    readAt: () => reader.readAt,
    /** Resolves when a read has succeeded that began after the call. @throws Problem `unavailable`. */
    look: () => reader.look(),

    /** A cursor for who begins now: nothing lies before it that is committed later. @throws Problem `unavailable`. */
    async now(): Promise<string> {
      await reader.look()
      if (!reader.head) throw unavailable(new Error('the feed is closed'))
      // Within a large transaction the reader is still on its way to what it saw.
      return formatCursor({ databaseId: reader.head.databaseId, last: latestOf(reader.head) })
    },

    /** Where the reader is: a moment ago at most. @throws Problem `unavailable`. */
    async here(): Promise<string> {
      reader.ask()
      while (!window.head || reader.failing) await reader.look()
      return window.head
    },

    /** The pages after a cursor that `here` gave; undefined when that is not known any more. */
    recent: (cursor: string): readonly Page[] | undefined => window.after(cursor),

    /**
     * The next events after a cursor, waited for until `signal` is aborted; then none, and a cursor to go on from.
     * @throws Problem `cursor_too_old`, or `unavailable` when nobody can say whether there are any.
     */
    async next(cursor: string, signal: AbortSignal): Promise<Page> {
      for (let at = cursor; ; ) {
        reader.ask()
        const page = window.next(at)
        if (page) return page
        if (page === null) {
          if (signal.aborted && reader.failing) throw unavailable(new Error('the feed cannot be read'))
          if (signal.aborted) return { events: [], cursor: window.head ?? at }
          const news = await reader.news(signal)
          if (news) return news
        } else {
          const own = await readOwn(at)
          if (own.events.length > 0) return own
          if (own.cursor === at) {
            // The reader is on its way here.
            if (signal.aborted) return own
            await reader.look()
          }
          at = own.cursor
        }
      }
    },

    /** Ends it for all who follow. */
    close: () => reader.close(),
  }
}

function undecided(error: unknown): never {
  throw error instanceof Problem ? error : unavailable(error)
}

/** @param field of the request that holds what is no cursor. */
export function malformed(field: string): Problem {
  return new Problem('invalid_request', `${field}: must be a cursor of this feed`, { field })
}

function tooOld(): Problem {
  return new Problem(
    'cursor_too_old',
    'Begin anew without a cursor, and check every session that you remember: some may have ended unseen.',
  )
}
