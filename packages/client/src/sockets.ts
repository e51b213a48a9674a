/**
 * Closes connections (WebSocket, stream) when their session ends. Guarantees for every added socket:
 *
 * 1. When its session is ended, it is closed (4401) as soon as the feed reports it, well within a second.
 * 2. When the feed may have missed the end, a check closes the socket. That is the case after a gap in the feed, after
 *    `lostMs` without data, or when the session ended before the socket was added.
 * 3. When that check stays undecided for `undecidedMs`, the socket is closed too (4503). Its client may reconnect.
 * 4. When its session expires, it is closed within `recheckMs`. Each check counts as session activity, so an open socket
 *    prevents the idle timeout if that is longer than `recheckMs`.
 *
 * A socket is checked right after `add`: its session may have ended between the check of the upgrade and `add`, so that the
 * feed reported it before the socket existed. A list of recent revocations would not cover slow upgrades or gaps. Another
 * check follows five seconds later: until a logout has answered, an instance in leased mode may still answer "valid".
 */
import type { Client } from './client.ts'
import { keepCredentials, type RequestLike } from './credentials.ts'
import type { Revocation } from './follow.ts'
import { createRechecks } from './rechecks.ts'
import type { Identity } from './sessions.ts'
import { sleep } from './shared.ts'

/** Any kind of WebSocket, or anything else that can be closed, such as a stream. */
export interface Closable {
  close(code: number, reason: string): unknown
  /** As in `ws`: disconnects a peer that does not close its side. */
  terminate?(): unknown
  addEventListener?(type: 'close', listener: () => void): unknown
  readonly readyState?: number
}

export interface SocketOptions {
  /** Milliseconds without data after which the feed counts as lost. Default 30 seconds. */
  lostMs?: number
  /** Milliseconds that a socket stays open while its session is undecided. Default 30 seconds. */
  undecidedMs?: number
  /** Milliseconds between periodic checks of a session. Default 10 minutes; `Infinity` for none. */
  recheckMs?: number
  /** Called with errors of the feed and of closing a socket; the feed reconnects by itself. Default `console.error`. */
  onError?: (error: unknown) => unknown
}

/** Codes of the close frame, from the range for private use (RFC 6455, 7.4.2). */
export const CLOSE_CODES = { 'signed out': 4401, undecided: 4503, 'going away': 4503 } as const
/** Milliseconds for a peer to answer the close frame. Until then its messages still arrive. */
const CLOSE_TIMEOUT_MS = 500
/** Milliseconds before reconnecting to the feed after a refusal. */
const REFUSED_RETRY_MS = 10_000
/** `readyState` of a closed WebSocket, which sends no further `close` event. */
const CLOSED = 3

export type SocketRegistry = ReturnType<typeof createSocketRegistry>

/** Follows the feed until `close()`. The client needs a key with the scope `events`. */
export function createSocketRegistry(
  client: Pick<Client, 'check' | 'follow'>,
  { lostMs = 30_000, undecidedMs = 30_000, recheckMs = 600_000, onError = console.error }: SocketOptions = {},
) {
  const sockets = new Map<string, Set<Closable>>()
  const closed = new AbortController()
  const rechecks = createRechecks(client.check, { lostMs, undecidedMs, recheckMs }, end)
  void followFeed(closed.signal)

  async function followFeed(signal: AbortSignal): Promise<void> {
    const onRevoked = ({ sessionId }: Revocation) => end(sessionId, 'signed out')
    while (!signal.aborted) {
      const { doubtAll: onReset, heard: onHeard } = rechecks
      await client.follow({ onRevoked, onReset, onHeard, onLost: onError, signal }).catch(onError)
      await sleep(REFUSED_RETRY_MS, signal)
    }
  }

  function end(sessionId: string, why: keyof typeof CLOSE_CODES): void {
    const ended = sockets.get(sessionId) ?? []
    forget(sessionId)
    for (const socket of ended) closeSocket(socket, why)
  }

  function forget(sessionId: string): void {
    sockets.delete(sessionId)
    rechecks.forget(sessionId)
  }

  function closeSocket(socket: Closable, why: keyof typeof CLOSE_CODES): void {
    if (socket.terminate) setTimeout(() => socket.terminate?.(), CLOSE_TIMEOUT_MS)
    try {
      socket.close(CLOSE_CODES[why], why)
    } catch (error) {
      onError(error)
    }
  }

  return {
    /**
     * @param identity the result of `check` for `request`.
     * @param request the request that opened the socket; its credentials are kept for rechecks.
     * @returns a function that removes the socket; needed only for a socket without `addEventListener`.
     */
    add({ sessionId }: Pick<Identity, 'sessionId'>, socket: Closable, request: RequestLike): () => void {
      if (closed.signal.aborted) closeSocket(socket, 'going away')
      if (closed.signal.aborted || socket.readyState === CLOSED) return () => {}
      const all = sockets.get(sessionId) ?? new Set()
      sockets.set(sessionId, all.add(socket))
      rechecks.watch(sessionId, keepCredentials(request))
      const remove = () => {
        all.delete(socket)
        if (all.size === 0 && sockets.get(sessionId) === all) forget(sessionId)
      }
      socket.addEventListener?.('close', remove)
      return remove
    },

    /** The number of open sockets. */
    get size(): number {
      return [...sockets.values()].reduce((sum, { size }) => sum + size, 0)
    },

    /** Stops following the feed and closes all sockets (4503). */
    close(): void {
      closed.abort()
      for (const sessionId of [...sockets.keys()]) end(sessionId, 'going away')
      rechecks.close()
    },
  }
}
