/**
 * Server-sent events that keep their word: a heartbeat says that the feed was read since the last one, whoever reads too
 * slowly is cut off instead of being buffered without end, and none of them holds up the end of the server.
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

/** In milliseconds. */
const HEARTBEAT_MS = 10_000
/** How long a reader may take to take what was written, in milliseconds. */
const SLOW_MS = 10_000
/** The same when the server closes. */
const CLOSING_MS = 1_000
/** After so long without a byte, TCP asks whether the other side is there. */
const KEEP_ALIVE_MS = 30_000

const HEARTBEAT = ': heartbeat\n\n'

export type Streams = ReturnType<typeof createStreams>

export interface EventStream {
  /** Aborted when it is over, whoever ended it. */
  over: AbortSignal
  /** Writes whole messages. Resolves when the next may be written; one who does not take them in time is cut off. */
  write(messages: string | Uint8Array): Promise<void>
  /** Ends it in good order: the client comes again. */
  end(): void
}

/** What is open: a stream, or a request that is held. */
interface Open {
  beat(): void
  end(patienceMs: number): void
}

/** @param lastRead when the feed was last read, in milliseconds on the monotonic clock. */
export function createStreams(lastRead: () => number) {
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
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      const { raw } = reply.hijack()
      const over = new AbortController()
      raw.on('error', () => {})
      raw.socket?.setKeepAlive(true, KEEP_ALIVE_MS)
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) raw.setHeader(name, value)
      raw.flushHeaders()

      const cutOffAfter = (ms: number) =>
        setTimeout(() => {
          cutOff++
          raw.destroy()
        }, ms)
      function beat(): void {
        if (!raw.writableNeedDrain) raw.write(HEARTBEAT)
        onBeat()
      }
      function end(patienceMs = SLOW_MS): void {
        if (over.signal.aborted) return
        over.abort()
        // Gone by itself: nobody has to be cut off.
        if (raw.closed || raw.destroyed) return
        raw.end()
        const slow = cutOffAfter(patienceMs)
        raw.once('close', () => clearTimeout(slow))
      }
      add(raw, { beat, end })
      return {
        over: over.signal,
        end: () => end(),
        async write(messages) {
          if (over.signal.aborted || raw.write(messages)) return
          const slow = cutOffAfter(SLOW_MS)
          await once(raw, 'drain', { signal: over.signal }).catch(() => {})
          clearTimeout(slow)
        },
      }
    },

    /** For a request that is held: aborted after `ms`, earlier when its caller is gone or the server closes. */
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

    /** Streams that are open and requests that are held. */
    size: () => opened.size,

    /** Streams that were cut off because their reader was too slow. */
    cutOff: () => cutOff,

    /** Ends all, and whoever comes yet. */
    close(): void {
      closed = true
      clearInterval(heart)
      for (const each of opened) each.end(CLOSING_MS)
    },
  }
}

/** Decorates the app with `streams`, which end when it closes. */
export interface StreamsOptions {
  feed: Pick<Feed, 'counts' | 'readAt'>
  /** Is given what there is to count. */
  metrics: {
    feed(source: Pick<Feed, 'counts' | 'readAt'> & { followers(): number; cutOff(): number }): void
  }
}

export const streams = fp<StreamsOptions>(
  async (app, { feed: { counts, readAt }, metrics }) => {
    const streams = createStreams(readAt)
    metrics.feed({ counts, readAt, followers: streams.size, cutOff: streams.cutOff })
    app.decorate('streams', streams)
    app.addHook('preClose', async () => streams.close())
  },
  { name: 'streams' },
)
