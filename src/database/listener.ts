/**
 * One connection that listens. A notification is only ever a hint: those sent while the connection is away are lost,
 * so whoever listens is told to look whenever it is back. Nothing that has to be true may depend on it.
 */
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { sleep } from '../lib/sleep.ts'
import { createConnector } from './connection.ts'

const RETRY_MS = 1_000
const CONNECT_MS = 5_000
const CLOSE_MS = 500

/** Calls `onHint` for every notification on the channel, and after every connect, until closed. */
export function listen(url: string, channel: string, onHint: () => void) {
  const stop = new AbortController()
  const { connect } = createConnector(url, {
    name: 'global-logout listener',
    connectMs: CONNECT_MS,
    keepAliveInitialDelayMillis: 10_000,
  })
  let client: pg.Client | undefined

  async function hear(): Promise<void> {
    const connected = await connect((opening) => {
      stop.signal.throwIfAborted()
      client = opening
    })
    const over = new Promise<void>((done) => {
      connected.on('end', done)
      connected.on('error', () => done())
    })
    connected.on('notification', onHint)
    await connected.query(`listen ${pg.escapeIdentifier(channel)}`)
    onHint()
    await over
  }

  void (async () => {
    while (!stop.signal.aborted) {
      await hear().catch(() => {})
      await client?.end().catch(() => {})
      await sleep(RETRY_MS, stop.signal)
    }
  })()

  return {
    async close(): Promise<void> {
      stop.abort()
      // A server that hangs never confirms the end.
      await Promise.race([client?.end().catch(() => {}), setTimeout(CLOSE_MS, undefined, { ref: false })])
    },
  }
}

/** Several who want to hear the same channel, over one connection. */
export interface Ears {
  /** Calls `onHint` as `listen` does, until closed. Somebody listens while anybody hears. */
  hear(onHint: () => void): { close(): Promise<void> }
}

export function createEars(url: string, channel: string): Ears {
  const ears = new Set<() => void>()
  let listener: ReturnType<typeof listen> | undefined
  const tellAll = () => {
    for (const tell of ears) tell()
  }
  return {
    hear(onHint) {
      ears.add(onHint)
      listener ??= listen(url, channel, tellAll)
      return {
        async close() {
          ears.delete(onHint)
          if (ears.size > 0) return
          const last = listener
          listener = undefined
          await last?.close()
        },
      }
    },
  }
}
