/**
 * The only reader of the feed in a process. While there are followers it reads at every notification and twice a second, and keeps
 * the latest pages. After 5 s without a successful read it fails its followers: a silent feed must not look like one without
 * events.
 */

import type { SharedListener } from '../database/listener.ts'
import { isBefore, type Snapshot } from '../database/snapshots.ts'
import { Problem, unavailable } from '../errors.ts'
import { runDetached } from '../lib/run-detached.ts'
import { createWakeableSleep, sleep } from '../lib/sleep.ts'
import { type Cursor, formatCursor, latestOf } from './cursor.ts'
import { type FeedRead, type FeedRow, PAGE } from './queries.ts'
import { createWindow, type FeedEvent, type Page } from './window.ts'

/** Longest pause between two reads, in milliseconds: it bounds the delay of revocations without a notification (SQL). */
const READ_MS = 500
/** Shortest pause, in milliseconds: notifications in quick succession share a read. */
const BUSY_MS = 20
/** Milliseconds without a successful read after which waiting followers get an error. */
const STALE_MS = 5_000
/** Longest wait for a refresh, in milliseconds. */
const REFRESH_MS = 1_200

export interface FeedStore {
  /** One page after a cursor, up to the cursor's own end, else to `upper`, else to now (`feed/queries.ts`). */
  read(from: Cursor | null, upper: Snapshot | null): Promise<FeedRead>
}

export interface ReaderOptions {
  /** Events kept in memory. */
  windowEvents?: number
  /** How long reading goes on without followers, in milliseconds: a polling client comes back. */
  lingerMs?: number
}

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
  /** Milliseconds on the monotonic clock: when the last successful read began, and when a follower last asked. */
  let readAt = 0
  let askedAt = 0
  /** The pause between two reads; a notification ends it. */
  const pause = createWakeableSleep()
  let refreshing: PromiseWithResolvers<void>[] = []
  /** Followers at the head, waiting for the next page. */
  const waiting = new Set<PromiseWithResolvers<Page | undefined>>()
  const counts = { reads: 0, failures: 0, events: 0 }

  /** Reads the next page and appends it to the window. @returns whether there are more. */
  async function readNext(): Promise<boolean> {
    counts.reads++
    const read = await store.read(head, null)
    if (!head || !continues(head, read)) {
      head = { databaseId: read.databaseId, last: read.upper }
      window.reset(formatCursor(head))
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

  async function readLoop(): Promise<void> {
    readAt = performance.now()
    let notified = false
    const subscription = listener.subscribe(() => {
      notified = true
      pause.wake()
    })
    while (!closed && (waiting.size > 0 || refreshing.length > 0 || performance.now() - askedAt < lingerMs)) {
      const startedAt = performance.now()
      const requested = refreshing
      refreshing = []
      notified = false
      try {
        const more = await readNext()
        failing = false
        readAt = startedAt
        for (const refresh of requested) refresh.resolve()
        if (more) continue
      } catch (error) {
        reportFailure(error, requested)
      }
      await sleep(BUSY_MS)
      if (!notified && refreshing.length === 0) await pause.sleep(READ_MS - BUSY_MS)
    }
    head = null
    window.reset(null)
    reading = null
    for (const refresh of refreshing.splice(0)) refresh.reject(closedProblem())
    wake()
    await subscription.close()
  }

  function reportFailure(error: unknown, requested: PromiseWithResolvers<void>[]): void {
    counts.failures++
    failing = true
    const problem = error instanceof Problem ? error : unavailable(error)
    for (const refresh of requested) refresh.reject(problem)
    if (performance.now() - readAt > STALE_MS) for (const waiter of waiting) waiter.reject(problem)
  }

  function wake(page?: Page): void {
    for (const waiter of waiting) waiter.resolve(page)
    waiting.clear()
  }

  return {
    counts,
    window,
    /** The cursor after the last page; null before the first read. */
    get head(): Cursor | null {
      return head
    },
    /** Whether the last read failed. */
    get failing(): boolean {
      return failing
    },
    /** When the last successful read began, in milliseconds on the monotonic clock. */
    get readAt(): number {
      return readAt
    },
    /** Followers that wait for the next page. */
    get waiting(): number {
      return waiting.size
    },

    /** Starts reading, or keeps it going for another `lingerMs`. @throws Problem when the reader is closed. */
    keepReading(): void {
      if (closed) throw closedProblem()
      askedAt = performance.now()
      reading ??= runDetached(readLoop)
    },

    /** Resolves after a successful read that began after the call. @throws Problem `unavailable`. */
    async refresh(): Promise<void> {
      if (closed) throw closedProblem()
      const refresh = Promise.withResolvers<void>()
      refreshing.push(refresh)
      this.keepReading()
      pause.wake()
      const late = setTimeout(
        () => refresh.reject(unavailable(new Error('the feed was not read in time'))),
        REFRESH_MS,
      )
      await refresh.promise.finally(() => clearTimeout(late))
    },

    /**
     * The next page after the head; undefined when `signal` is aborted, or the window is reset.
     * @throws Problem `unavailable` after 5 s without a successful read.
     */
    async nextPage(signal: AbortSignal): Promise<Page | undefined> {
      const waiter = Promise.withResolvers<Page | undefined>()
      const stop = () => waiter.resolve(undefined)
      waiting.add(waiter)
      signal.addEventListener('abort', stop)
      return await waiter.promise.finally(() => {
        waiting.delete(waiter)
        signal.removeEventListener('abort', stop)
      })
    },

    /** Stops reading. Followers get an error. */
    async close(): Promise<void> {
      closed = true
      pause.wake()
      await reading
    },
  }
}

/** Whether a read continues from the head: not in another database, nor in an older copy of this one. */
function continues(head: Cursor, { databaseId, upper, tooOld }: FeedRead): boolean {
  return databaseId === head.databaseId && !tooOld && !isBefore(upper, latestOf(head))
}

/** The page of what was read after `from`, and the cursor after it. */
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

function closedProblem(): Problem {
  return unavailable(new Error('the feed is closed'))
}
