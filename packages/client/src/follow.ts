/**
 * Follows the feed of revocations until aborted. Every revocation committed after the first `onReset` (or after `since`)
 * reaches `onRevoked` at least once. If events may be missing, because the feed no longer reaches back far enough, `onReset` is
 * called before any further event.
 */

import { keyHeader, problemOf } from './answers.ts'
import { ServiceError } from './errors.ts'
import { createEventStreamParser, type Message } from './event-stream.ts'
import type { Exchange } from './exchange.ts'
import { sleep } from './shared.ts'

/** An active session was ended. */
export interface Revocation {
  type: 'session.revoked'
  sessionId: string
  userId: string
  /** The operation that ended it; null when it was ended outside the service. */
  operationId: string | null
  kind: string | null
  scope: string | null
  /** ISO 8601. */
  revokedAt: string
}

/** A revoked token was used again: by a thief, or by a device that was offline. */
export interface Replay {
  type: 'session.replayed'
  sessionId: string
  userId: string
  /** The operation that ended the session; null when it was ended outside the service. */
  operationId: string | null
  /** Number of uses since the previous event of this session. */
  count: number
  /** The sender of the last use; null if unknown. */
  ipAddress: string | null
  userAgent: string | null
  /** Whether address and user agent equal those of the session; null if one of the two is unknown. */
  sameAddress: boolean | null
  sameProgram: boolean | null
  /** ISO 8601: when it was recorded. */
  at: string
}

export interface FollowOptions {
  /** The last cursor that an earlier run got from `onCursor`. Without it, `onReset` is called first. */
  since?: string | undefined
  /** Called in order, one at a time: the next call waits until the returned promise has settled. */
  onRevoked: (event: Revocation) => unknown
  /** A revoked token was used again; at most once a minute per session. Same order and delivery guarantee as `onRevoked`. */
  onReplayed?: ((event: Replay) => unknown) | undefined
  /** Earlier events may be missing: check all your sessions again. Without this callback, a gap is an error. */
  onReset?: (() => unknown) | undefined
  /** All events up to this cursor were handled. Store it to continue after a restart. */
  onCursor?: ((cursor: string) => unknown) | undefined
  /** Called when anything arrives, including heartbeats (every 10 seconds): the feed is alive. */
  onHeard?: (() => unknown) | undefined
  /** Called when a connection fails; `follow` reconnects by itself. */
  onLost?: ((error: unknown) => unknown) | undefined
  /** Stops following. */
  signal?: AbortSignal | undefined
}

/** Milliseconds without data after which the connection counts as lost; a heartbeat arrives every 10 seconds. */
const SILENCE = 25_000
/** Reconnect delay in milliseconds: doubles with each failure, with full jitter. */
const BACKOFF = { first: 500, most: 10_000 }
const LONGEST_RETRY_AFTER_SECONDS = 60
/** Statuses below 500 after which a retry can succeed. */
const RETRYABLE = [408, 410, 429]

export function createFollow(exchange: Exchange, key: string | undefined, silenceMs = SILENCE) {
  /**
   * Needs the scope `events`. Connects and reconnects until `signal` aborts; then it resolves.
   * @throws ServiceError when the service refuses the key or its scope, or when events are missing and there is no `onReset`.
   * Also throws what a callback throws.
   */
  return async function follow(options: FollowOptions): Promise<void> {
    const { onRevoked, onReplayed, onReset, onCursor, onHeard, onLost, signal } = options
    const headers = { ...keyHeader(key), accept: 'text/event-stream' }
    let cursor = options.since
    let failures = 0

    async function handle({ type, data, id }: Message): Promise<void> {
      if (type === 'ready') {
        failures = 0
        if (cursor !== undefined) return
        cursor = id
        await onReset?.()
      } else if (type === 'session.revoked') await onRevoked(eventOf<Revocation>(data))
      else if (type === 'session.replayed') await onReplayed?.(eventOf<Replay>(data))
      if (id === undefined) return
      cursor = id
      await onCursor?.(id)
    }

    while (!signal?.aborted) {
      const connection = new AbortController()
      const end = () => connection.abort(signal?.reason)
      signal?.addEventListener('abort', end)
      let ready = false
      let handling = false
      let waitSeconds = 0
      try {
        const resume = cursor === undefined ? headers : { ...headers, 'last-event-id': cursor }
        for await (const messages of listen(resume, connection)) {
          handling = true
          for (const message of messages) {
            await handle(message)
            ready ||= message.type === 'ready'
          }
          if (ready) await onHeard?.()
          handling = false
        }
      } catch (error) {
        if (signal?.aborted) return
        const unreadable = error instanceof Unreadable
        if ((handling && !unreadable) || isRefusal(error)) throw error
        const { status, retryAfterSeconds = 0 } = error instanceof ServiceError ? error : {}
        if (unreadable || status === 410) {
          if (!onReset) throw error
          cursor = undefined
        }
        waitSeconds = Math.min(retryAfterSeconds, LONGEST_RETRY_AFTER_SECONDS)
        onLost?.(error)
      } finally {
        signal?.removeEventListener('abort', end)
        connection.abort()
      }
      const backoff = Math.random() * Math.min(BACKOFF.most, BACKOFF.first * 2 ** failures++)
      await sleep(Math.max(backoff, waitSeconds * 1000), signal)
    }
  }

  /** The messages of one connection; a heartbeat yields an empty list. Ends only with an error. */
  async function* listen(headers: Record<string, string>, connection: AbortController) {
    const { signal } = connection
    const response = await within(exchange.open('/events', { headers, signal }), connection)
    const type = response.headers.get('content-type') ?? ''
    if (response.status !== 200 || !response.body || !type.startsWith('text/event-stream'))
      throw await within(problemOf(response), connection)
    const parse = createEventStreamParser()
    const reader = response.body.getReader()
    for (;;) {
      const { done, value } = await within(reader.read(), connection)
      if (done) throw new Error('the feed ended')
      yield parse(value)
    }
  }

  /** Fails after `silenceMs` without data: TCP alone does not detect every lost connection. */
  async function within<T>(next: Promise<T>, connection: AbortController): Promise<T> {
    const silent = () => connection.abort(new Error(`no data for ${silenceMs / 1000} seconds`))
    const timer = setTimeout(silent, silenceMs)
    return next.finally(() => clearTimeout(timer))
  }
}

/** An event that cannot be parsed; it may be a revocation, so it causes a reset. */
class Unreadable extends Error {}

function eventOf<Event extends Revocation | Replay>(data: string): Event {
  try {
    const event = JSON.parse(data)
    if (typeof event.sessionId === 'string' && typeof event.userId === 'string') return event
  } catch {}
  throw new Unreadable('an event of the feed cannot be read')
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof ServiceError)) return false
  return error.status >= 400 && error.status < 500 && !RETRYABLE.includes(error.status)
}
