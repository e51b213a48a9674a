/**
 * Follows the feed of revocations for as long as it is wanted. Every revocation committed after the first `onReset`
 * (or after `since`) reaches `onRevoked` once or more, never not at all; where that cannot be kept, because the feed no
 * longer reaches back so far, `onReset` says so before anything else is told.
 */
import { ServiceError } from './errors.ts'
import { createEventStreamParser, type Message } from './event-stream.ts'
import type { Exchange } from './exchange.ts'
import { keyHeader, problemOf } from './services.ts'

/** A living session was ended. */
export interface Revocation {
  type: 'session.revoked'
  sessionId: string
  userId: string
  /** The act that ended it; null when it was ended outside the service. */
  operationId: string | null
  kind: string | null
  scope: string | null
  /** ISO 8601. */
  revokedAt: string
}

/** The token of a session that had been ended was presented again: by a thief, or by a device that slept. */
export interface Replay {
  type: 'session.replayed'
  sessionId: string
  userId: string
  /** The act that had ended the session; null when it was ended outside the service. */
  operationId: string | null
  /** How often, since the last time this was told of the session. */
  count: number
  /** Of whoever presented it last; null where the service was not told. */
  ipAddress: string | null
  userAgent: string | null
  /** Whether these are the address and the user agent that the session had; null where one of the two is unknown. */
  sameAddress: boolean | null
  sameProgram: boolean | null
  /** ISO 8601: when it was recorded. */
  at: string
}

export interface FollowOptions {
  /** Where an earlier run left off, as `onCursor` told. Without it, `onReset` is called first. */
  since?: string | undefined
  /** Called in order, one at a time: the next waits until what it returns has settled. */
  onRevoked: (event: Revocation) => unknown
  /** A revoked token came again; at most once a minute for a session. In order with the rest, and as sure to come. */
  onReplayed?: ((event: Replay) => unknown) | undefined
  /** What happened before this moment may have been missed: check again whatever you hold. Without it, a gap is an error. */
  onReset?: (() => unknown) | undefined
  /** Everything up to here was handled. Keep it, to go on from here after a restart. */
  onCursor?: ((cursor: string) => unknown) | undefined
  /** Called whenever something arrives, heartbeats included (every 10 seconds): the feed is alive. */
  onHeard?: (() => unknown) | undefined
  /** Called when a connection is lost or could not be made; it is tried again by itself. */
  onLost?: ((error: unknown) => unknown) | undefined
  /** Ends it. */
  signal?: AbortSignal | undefined
}

/** In milliseconds; a heartbeat comes every 10 seconds. */
const SILENCE = 25_000
/** In milliseconds: doubled with each failure, and a random part of it is waited (full jitter). */
const BACKOFF = { first: 500, most: 10_000 }
const LONGEST_RETRY_AFTER_SECONDS = 60
/** Refusals that pass by themselves. */
const PASSING = [408, 410, 429]

export function createFollow(exchange: Exchange, key: string | undefined, silenceMs = SILENCE) {
  /**
   * Scope `events`. Connects, and connects again, until `signal` ends it; then it resolves.
   * @throws ServiceError when the service refuses (wrong key or scope), which trying again would not change, or something
   * was missed and there is no `onReset`; and whatever a callback throws.
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

  /** The messages of one connection, as they come; a heartbeat brings none. It ends by an error only. */
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

  /** A connection that says nothing for longer than a heartbeat takes is lost, whatever TCP believes. */
  async function within<T>(next: Promise<T>, connection: AbortController): Promise<T> {
    const silent = () => connection.abort(new Error(`nothing was heard for ${silenceMs / 1000} seconds`))
    const timer = setTimeout(silent, silenceMs)
    return next.finally(() => clearTimeout(timer))
  }
}

/** What cannot be understood may have been anything. */
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
  return error.status >= 400 && error.status < 500 && !PASSING.includes(error.status)
}

/** Resolves early when `signal` aborts. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((done) => {
    const over = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', over)
      done()
    }
    const timer = setTimeout(over, ms)
    signal?.addEventListener('abort', over)
    if (signal?.aborted) over()
  })
}
