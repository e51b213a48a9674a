/**
 * The one reader of the feed in a process. It goes ahead, at every notification and twice a second, only while somebody
 * follows, and keeps the latest pages. When it cannot read it says so, in time: a feed that has fallen silent looks like
 * one in which nothing happens.
 */

import type { SharedListener } from '../database/listener.ts'
import { Problem, unavailable } from '../errors.ts'
import { runDetached } from '../lib/run-detached.ts'
import { createWakeableSleep, sleep } from '../lib/sleep.ts'
import { type Cursor, formatCursor, isBefore, latestOf, type Snapshot } from './cursor.ts'
import { type FeedRead, type FeedRow, PAGE } from './queries.ts'
import { createWindow, type FeedEvent, type Page } from './window.ts'

/** Longest pause between two reads, in milliseconds: what brings no notification (SQL) is found after it. */
const READ_MS = 500
/** Shortest pause: notifications that come by the hundred share a read. */
const BUSY_MS = 20
/** Those who wait are told when nothing could be read for so long, in milliseconds. */
const STALE_MS = 5_000
/** Longest wait for a look, in milliseconds. */
const LOOK_MS = 1_200

export interface FeedStore {
  /** One page after a cursor, up to the cursor's own end, else to `upper`, else to now (`feed/queries.ts`). */
  read(from: Cursor | null, upper: Snapshot | null): Promise<FeedRead>
}

export interface ReaderOptions {
  /** Events kept in memory. */
  windowEvents?: number
  /** How long it goes on when nobody follows any more, in milliseconds: who polls comes back. */
  lingerMs?: number
}

export type Reader = ReturnType<typeof createReader>

export function createReader(
  store: FeedStore,
  listener: SharedListener,
  { windowEvents = 10_000, lingerMs = 60_000 }: ReaderOptions = {},
) {
  const window = createWindow(windowEvents)
  let head: Cursor | null = null
  let reading: Promise<void> | null = null
  let closed = false
  let failing = false
  /** On the monotonic clock, in milliseconds: when the last read that succeeded began; when somebody last asked. */
  let readAt = 0
  let askedAt = 0
  /** The rest of a pause, which a notification ends. */
  const rest = createWakeableSleep()
  let looking: PromiseWithResolvers<void>[] = []
  /** All of them are at the head. */
  const waiting = new Set<PromiseWithResolvers<Page | undefined>>()
  const counts = { reads: 0, failures: 0, events: 0 }

  /** Reads what is new and adds it to the window. @returns whether there is more. */
  async function step(): Promise<boolean> {
    counts.reads++
    const read = await store.read(head, null)
    if (!head || !continues(head, read)) {
      head = { databaseId: read.databaseId, last: read.upper }
      window.begin(formatCursor(head))
      wake()
      return false
    }
    const { page, cursor } = pageOf(head, read)
    head = cursor
    window.add(page)
    counts.events += page.events.length
    if (page.events.length > 0) wake(page)
    return cursor.within !== undefined
  }

  async function keepReading(): Promise<void> {
    readAt = performance.now()
    let hinted = false
    const subscription = listener.subscribe(() => {
      hinted = true
      rest.wake()
    })
    while (!closed && (waiting.size > 0 || looking.length > 0 || performance.now() - askedAt < lingerMs)) {
      const begun = performance.now()
      const asked = looking
      looking = []
      hinted = false
      try {
        const more = await step()
        failing = false
        readAt = begun
        for (const look of asked) look.resolve()
        if (more) continue
      } catch (error) {
        tellOfFailure(error, asked)
      }
      await sleep(BUSY_MS)
      if (!hinted && looking.length === 0) await rest.sleep(READ_MS - BUSY_MS)
    }
    head = null
    window.begin(null)
    reading = null
    for (const look of looking.splice(0)) look.reject(over())
    wake()
    await subscription.close()
  }

  function tellOfFailure(error: unknown, asked: PromiseWithResolvers<void>[]): void {
    counts.failures++
    failing = true
    const problem = error instanceof Problem ? error : unavailable(error)
    for (const look of asked) look.reject(problem)
    if (performance.now() - readAt > STALE_MS) for (const waiter of waiting) waiter.reject(problem)
  }

  function wake(page?: Page): void {
    for (const waiter of waiting) waiter.resolve(page)
    waiting.clear()
  }

  return {
    counts,
    window,
    /** Where it is; null until it has read. */
    get head(): Cursor | null {
      return head
    },
    /** Whether the last read failed. */
    get failing(): boolean {
      return failing
    },
    /** When the last read that succeeded began, in milliseconds on the monotonic clock. */
    get readAt(): number {
      return readAt
    },
    /** How many wait for news. */
    get waiting(): number {
      return waiting.size
    },

    /** Keeps it going. @throws Problem when it is closed. */
    ask(): void {
      if (closed) throw over()
      askedAt = performance.now()
      reading ??= runDetached(keepReading)
    },

    /** Resolves when a read has succeeded that began after the call. @throws Problem `unavailable`. */
    async look(): Promise<void> {
      if (closed) throw over()
      const look = Promise.withResolvers<void>()
      looking.push(look)
      this.ask()
      rest.wake()
      const late = setTimeout(
        () => look.reject(unavailable(new Error('the feed was not read in time'))),
        LOOK_MS,
      )
      await look.promise.finally(() => clearTimeout(late))
    },

    /**
     * What comes next after the head; undefined when `signal` is aborted, or everything begins anew.
     * @throws Problem `unavailable` when nothing could be read for too long.
     */
    async news(signal: AbortSignal): Promise<Page | undefined> {
      const waiter = Promise.withResolvers<Page | undefined>()
      const stop = () => waiter.resolve(undefined)
      waiting.add(waiter)
      signal.addEventListener('abort', stop)
      return await waiter.promise.finally(() => {
        waiting.delete(waiter)
        signal.removeEventListener('abort', stop)
      })
    },

    /** Stops it; whoever waits is told. */
    async close(): Promise<void> {
      closed = true
      rest.wake()
      await reading
    },
  }
}

/** Whether a read goes on where the head is: not in another database, nor in an older copy of this one. */
function continues(head: Cursor, { databaseId, upper, tooOld }: FeedRead): boolean {
  return databaseId === head.databaseId && !tooOld && !isBefore(upper, latestOf(head))
}

/** A page of what was read after `from`, and where it ends. */
export function pageOf(from: Cursor, { databaseId, upper, rows }: FeedRead): { page: Page; cursor: Cursor } {
  const last = rows.length > PAGE ? rows[PAGE - 1] : undefined
  const cursor: Cursor = last
    ? { databaseId, last: from.last, within: { upper, after: { xid: last.xid, id: last.id } } }
    : { databaseId, last: upper }
  return { page: { cursor: formatCursor(cursor), events: rows.slice(0, PAGE).map(eventOf) }, cursor }
}

function eventOf({ xid: _, id: __, at, ...rest }: FeedRow): FeedEvent {
  const instant = at.toISOString()
  return rest.type === 'session.revoked' ? { ...rest, revokedAt: instant } : { ...rest, at: instant }
}

function over(): Problem {
  return unavailable(new Error('the feed is closed'))
}
