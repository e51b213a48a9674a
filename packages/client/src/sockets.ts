/**
 * Keeps no connection (WebSocket, stream) open longer than its session lives. Promised of every socket that was added:
 *
 * 1. When its session is ended, it is closed (4401) as soon as the feed tells, which takes well below a second.
 * 2. When the feed could not tell, because the session ended before the socket was added, or in a gap of the feed, or
 *    nothing was heard of the feed for `lostMs`, it is closed by the check that is then made.
 * 3. When that check cannot be decided for `undecidedMs`, it is closed, too (4503): its client may connect again.
 * 4. When its session runs out, it is closed within `recheckMs`. Each check is a use of the session, as any request
 *    is: with an open socket it does not become idle, where the idle timeout is longer than `recheckMs`.
 *
 * A socket is checked again right after `add`, because its session may have been ended between the check of the upgrade
 * and `add`, and the feed have told so before there was a socket to close. A list of recent revocations in place of that
 * would be too short for somebody, and would know nothing after a gap. It is asked once more five seconds later: until a
 * logout has answered, an instance in leased mode may still say "valid".
 */
import type { Identity } from './check.ts'
import type { Client } from './client.ts'
import { kept, type RequestLike } from './credentials.ts'
import { type Revocation, sleep } from './follow.ts'
import { createRechecks } from './rechecks.ts'

/** A WebSocket of any kind; or anything else that can be closed, such as a stream. */
export interface Closable {
  close(code: number, reason: string): unknown
  /** As `ws` has it: cuts off a peer that does not close its side. */
  terminate?(): unknown
  addEventListener?(type: 'close', listener: () => void): unknown
  readonly readyState?: number
}

export interface SocketOptions {
  /** In milliseconds: nothing heard of the feed for so long, and it counts as lost. Default 30 seconds. */
  lostMs?: number
  /** In milliseconds that a socket stays open whose session cannot be decided. Default 30 seconds. */
  undecidedMs?: number
  /** In milliseconds between checks of a session, all being well. Default 10 minutes; `Infinity` for none. */
  recheckMs?: number
  /** Told what went wrong with the feed; it is tried again by itself. Default `console.error`. */
  onError?: (error: unknown) => unknown
}

/** Codes of the close frame (RFC 6455, 7.4.2: for private use). */
export const CLOSE_CODES = { 'signed out': 4401, undecided: 4503, 'going away': 4503 } as const
/** In milliseconds, for a peer to answer the close frame. Until then its messages still arrive. */
const CLOSING = 500
/** In milliseconds, before the feed is tried again when the service has refused it. */
const REFUSED = 10_000
/** The state of a WebSocket that was closed and will not say so again. */
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
  void stayInformed(closed.signal)

  async function stayInformed(signal: AbortSignal): Promise<void> {
    const onRevoked = ({ sessionId }: Revocation) => end(sessionId, 'signed out')
    while (!signal.aborted) {
      const { doubtAll: onReset, heard: onHeard } = rechecks
      await client.follow({ onRevoked, onReset, onHeard, onLost: onError, signal }).catch(onError)
      await sleep(REFUSED, signal)
    }
  }

  function end(sessionId: string, why: keyof typeof CLOSE_CODES): void {
    const ended = sockets.get(sessionId) ?? []
    forget(sessionId)
    for (const socket of ended) shut(socket, why)
  }

  function forget(sessionId: string): void {
    sockets.delete(sessionId)
    rechecks.forget(sessionId)
  }

  function shut(socket: Closable, why: keyof typeof CLOSE_CODES): void {
    if (socket.terminate) setTimeout(() => socket.terminate?.(), CLOSING)
    try {
      socket.close(CLOSE_CODES[why], why)
    } catch (error) {
      onError(error)
    }
  }

  return {
    /**
     * @param identity what `check` said of `request`.
     * @param request the one that opened the socket; of it, what `check` sends is kept, to ask again.
     * @returns a function that takes the socket out; only a socket without `addEventListener` needs it.
     */
    add({ sessionId }: Identity, socket: Closable, request: RequestLike): () => void {
      if (closed.signal.aborted) shut(socket, 'going away')
      if (closed.signal.aborted || socket.readyState === CLOSED) return () => {}
      const all = sockets.get(sessionId) ?? new Set()
      sockets.set(sessionId, all.add(socket))
      rechecks.watch(sessionId, kept(request))
      const remove = () => {
        all.delete(socket)
        if (all.size === 0 && sockets.get(sessionId) === all) forget(sessionId)
      }
      socket.addEventListener?.('close', remove)
      return remove
    },

    /** How many sockets are held. */
    get size(): number {
      return [...sockets.values()].reduce((sum, { size }) => sum + size, 0)
    },

    /** Stops following. What nobody watches over any longer is closed (4503). */
    close(): void {
      closed.abort()
      for (const sessionId of [...sockets.keys()]) end(sessionId, 'going away')
      rechecks.close()
    },
  }
}
