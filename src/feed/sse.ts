/**
 * SSE streams with a liveness guarantee: a heartbeat means that the feed was read since the last one. A client that reads too
 * slowly is disconnected instead of buffered without limit, and no stream delays the shutdown of the server.
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import type { Feed } from './feed.ts'

declare module 'fastify' {
  interface FastifyInstance {
    streams: Streams
  }
}

/** Milliseconds between two heartbeats. */
const HEARTBEAT_MS = 10_000
/** How long a client may take to read what was written, in milliseconds. */
const SLOW_MS = 10_000
/** The same when the server closes, in milliseconds. */
const CLOSING_MS = 1_000
/** Milliseconds without data after which TCP probes the connection. */
const KEEP_ALIVE_MS = 30_000

const HEARTBEAT = ': heartbeat\n\n'

type Streams = ReturnType<typeof createStreams>

interface EventStream {
  /** Aborted when the stream has ended, for any reason. */
  ended: AbortSignal
  /** Writes whole messages. Resolves when the next may be written. A client that does not read them in time is disconnected. */
  write(messages: string | Uint8Array): Promise<void>
  /** Ends the stream in order, so that the client reconnects. */
  end(): void
}

/** An open stream, or a held request. */
interface Open {
  beat(): void
  /** @param timeoutMs how long the client may take to read the rest. */
  end(timeoutMs: number): void
}

/** @param lastRead when the feed was last read, in milliseconds on the monotonic clock. */
function createStreams(lastRead: () => number) {
  const opened = new Set<Open>()
  let closed = false
  let cutOff = 0
  let beatAt = performance.now()
  const heart = setInterval(() => {
    if (lastRead() <= beatAt) return
    beatAt = performance.now()
    for (const each of opened) each.beat()
  }, HEARTBEAT_MS).unref()

  function add(raw: ServerResponse, open: Open): void {
    if (closed || raw.destroyed) {
      open.end(CLOSING_MS)
      return
    }
    opened.add(open)
    raw.once('close', () => {
      opened.delete(open)
      open.end(0)
    })
  }

  return {
    /** Answers with a stream. @param onBeat is called with every heartbeat. */
    open(reply: FastifyReply, onBeat = () => {}): EventStream {
      reply.headers({
        'content-type': 'text/event-stream',
        // Next.js and others compress what they lead on, and hold it back until there is more.
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      })
      const { raw } = reply.hijack()
      const ended = new AbortController()
      raw.on('error', () => {})
      raw.socket?.setKeepAlive(true, KEEP_ALIVE_MS)
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) raw.setHeader(name, value)
      raw.flushHeaders()

      const disconnectAfter = (ms: number) =>
        setTimeout(() => {
          cutOff++
          raw.destroy()
        }, ms)
      function beat(): void {
        if (!raw.writableNeedDrain) raw.write(HEARTBEAT)
        onBeat()
      }
      function end(timeoutMs = SLOW_MS): void {
        if (ended.signal.aborted) return
        ended.abort()
        // The client has closed the connection already.
        if (raw.closed || raw.destroyed) return
        raw.end()
        const slow = disconnectAfter(timeoutMs)
        raw.once('close', () => clearTimeout(slow))
      }
      add(raw, { beat, end })
      return {
        ended: ended.signal,
        end: () => end(),
        async write(messages) {
          if (ended.signal.aborted || raw.write(messages)) return
          const slow = disconnectAfter(SLOW_MS)
          await once(raw, 'drain', { signal: ended.signal }).catch(() => {})
          clearTimeout(slow)
        },
      }
    },

    /** A signal for a held request: aborted after `ms` milliseconds, or earlier when the client leaves or the server closes. */
    hold({ raw }: FastifyReply, ms: number): AbortSignal {
      const held = new AbortController()
      const timer = setTimeout(() => held.abort(), ms)
      const end = () => {
        clearTimeout(timer)
        held.abort()
      }
      add(raw, { beat: () => {}, end })
      return held.signal
    },

    /** Open streams and held requests. */
    size: () => opened.size,

    /** Streams disconnected because the client read too slowly. */
    cutOff: () => cutOff,

    /** Ends all streams, and each one opened later. */
    close(): void {
      closed = true
      clearInterval(heart)
      for (const each of opened) each.end(CLOSING_MS)
    },
  }
}

export interface StreamsOptions {
  feed: Pick<Feed, 'counts' | 'readAt'>
  /** Registers the figures of the feed. */
  metrics: {
    feed(source: Pick<Feed, 'counts' | 'readAt'> & { followers(): number; cutOff(): number }): void
  }
}

/** Decorates the app with `streams`, which end when it closes. */
export const streams = fp<StreamsOptions>(
  async (app, { feed: { counts, readAt }, metrics }) => {
    const streams = createStreams(readAt)
    metrics.feed({ counts, readAt, followers: streams.size, cutOff: streams.cutOff })
    app.decorate('streams', streams)
    app.addHook('preClose', async () => streams.close())
  },
  { name: 'streams' },
)
