/**
 * A proxy to PostgreSQL that can delay traffic, in either direction and on any connection, and drop notifications. An
 * instance behind it cannot tell it from a slow network. It loses and reorders nothing else.
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from '../../support/ports.ts'
import { nextEvent } from '../../support/within.ts'
import { dropNotifications } from './notifications.ts'

interface Watch {
  text: string
  seen(pair: Passing): void
}

export interface Passing {
  /** The socket that the instance sends on, and the one that PostgreSQL answers on. */
  asks: Socket
  answers: Socket
}

export type PostgresProxy = Awaited<ReturnType<typeof startProxy>>

/**
 * @param loses whether to drop the next notification. Without it, traffic is not parsed, because it may be
 * encrypted.
 */
export async function startProxy(port: number, loses?: () => boolean) {
  let target = () => port
  const passing = new Set<Passing>()
  const watches = new Set<Watch>()
  const counts = { lost: 0 }
  const counted =
    loses &&
    (() => {
      const lost = loses()
      if (lost) counts.lost++
      return lost
    })
  const server = createServer((asks) => {
    const answers = connect(target(), '127.0.0.1')
    const pair = { asks, answers }
    passing.add(pair)
    const keep = counted ? dropNotifications(counted) : (chunk: Buffer) => chunk
    asks.setNoDelay(true)
    answers.setNoDelay(true)
    asks.on('data', (chunk) => {
      for (const { text, seen } of watches) if (chunk.includes(text)) seen(pair)
      answers.write(chunk)
    })
    answers.on('data', (chunk) => {
      const kept = keep(chunk)
      if (kept.length > 0) asks.write(kept)
    })
    for (const socket of [asks, answers]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        passing.delete(pair)
        asks.destroy()
        answers.destroy()
      })
    }
  })
  const own = await listen(server)

  return {
    port: own,
    counts: counts as Readonly<typeof counts>,
    connections: (): Passing[] => [...passing],
    /** Connections that open from now on use the port that this returns. */
    leadTo(port: () => number): void {
      target = port
    },
    /** Ends every connection. */
    cut(): void {
      for (const { asks, answers } of passing) {
        asks.destroy()
        answers.destroy()
      }
    },
    /**
     * Calls `seen` whenever an instance sends a statement with this text, before it passes. @returns a
     * function that stops it.
     */
    watch(text: string, seen: (pair: Passing) => void): () => void {
      const watch = { text, seen }
      watches.add(watch)
      return () => void watches.delete(watch)
    },
    /** Delays data from these sockets by `ms`. It arrives afterwards, in order. */
    async hold(sockets: readonly Socket[], ms: number): Promise<void> {
      for (const socket of sockets) socket.pause()
      await sleep(ms)
      for (const socket of sockets) socket.resume()
    },
    async close(): Promise<void> {
      server.close()
      this.cut()
      await nextEvent('the end of the proxy', server, 'close')
    },
  }
}
