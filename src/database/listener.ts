/**
 * Listens on a channel of PostgreSQL, and connects again when the connection breaks. A notification is only a hint: those sent
 * while disconnected are lost, so `onNotify` is also called after every connect, without a text. No promise may depend on one.
 */
import { setTimeout } from 'node:timers/promises'
import type pg from 'pg'
import { sleep } from '../lib/sleep.ts'
import { createConnector } from './connection.ts'

/** Pause before the next try to connect, in milliseconds. */
const RETRY_MS = 1_000
const CONNECT_MS = 5_000
const CLOSE_MS = 500

/** Takes the text of a notification: empty where it has none. Every role that may connect can send one. */
export type OnNotify = (text: string) => void

/** Calls `onNotify` for every notification on the channel, and after every connect, until closed. */
function listen(url: string, channel: string, onNotify: OnNotify) {
  const stop = new AbortController()
  const { connect } = createConnector(url, {
    name: 'global-logout listener',
    connectMs: CONNECT_MS,
    keepAliveInitialDelayMillis: 10_000,
  })
  let client: pg.Client | undefined

  async function listenUntilDisconnected(): Promise<void> {
    const connected = await connect((opening) => {
      stop.signal.throwIfAborted()
      client = opening
    })
    const disconnected = new Promise<void>((done) => {
      connected.on('end', done)
      connected.on('error', () => done())
    })
    connected.on('notification', ({ payload = '' }) => onNotify(payload))
    await connected.query(`listen ${connected.escapeIdentifier(channel)}`)
    onNotify('')
    await disconnected
  }

  void (async () => {
    while (!stop.signal.aborted) {
      await listenUntilDisconnected().catch(() => {})
      await client?.end().catch(() => {})
      await sleep(RETRY_MS, stop.signal)
    }
  })()

  return {
    async close(): Promise<void> {
      stop.abort()
      // A hanging server never confirms the end.
      await Promise.race([client?.end().catch(() => {}), setTimeout(CLOSE_MS, undefined, { ref: false })])
    },
  }
}

/** Shares one LISTEN connection between subscribers. It is open while there is at least one. */
export interface SharedListener {
  /** Calls `onNotify` as `listen` does, until closed. */
  subscribe(onNotify: OnNotify): { close(): Promise<void> }
}

export function createSharedListener(url: string, channel: string): SharedListener {
  const subscribers = new Set<OnNotify>()
  let listener: ReturnType<typeof listen> | undefined
  const notifyAll = (text: string) => {
    for (const notify of subscribers) notify(text)
  }
  return {
    subscribe(onNotify) {
      subscribers.add(onNotify)
      listener ??= listen(url, channel, notifyAll)
      return {
        async close() {
          subscribers.delete(onNotify)
          if (subscribers.size > 0) return
          const last = listener
          listener = undefined
          await last?.close()
        },
      }
    },
  }
}
