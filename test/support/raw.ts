/** Connections on which a test says every byte itself, and sees every byte that comes back. */
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from './within.ts'

export interface RawConnection {
  socket: Socket
  /** What came so far, a byte a character. */
  text(): string
  /** Resolves when what came matches; fails when the connection ends without, or after `patienceMs`. */
  until(pattern: RegExp, patienceMs?: number): Promise<string>
  /** Resolves with all that came when the other side has ended it; fails after `patienceMs`. */
  closed(patienceMs?: number): Promise<string>
}

/** Opens a connection and sends `bytes`; text is sent as latin1, as Node reads headers. */
export function rawConnection(base: string, bytes: string): RawConnection {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'))
  let received = ''
  let over = false
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk
  })
  socket
    .on('error', () => {})
    .on('close', () => {
      over = true
    })
  async function wait(isThere: () => boolean, patienceMs: number): Promise<string> {
    for (let left = patienceMs; !isThere(); left -= 10) {
      if (over) throw new Error(`closed after: ${received}`)
      if (left <= 0) throw new Error(`nothing more after: ${received}`)
      await sleep(10)
    }
    return received
  }
  return {
    socket,
    text: () => received,
    until: (pattern, patienceMs = 20_000) => wait(() => pattern.test(received), patienceMs),
    closed: (patienceMs = 30_000) => wait(() => over, patienceMs),
  }
}

/** Sends bytes as they are on a connection of their own, and reads the answer to its end. */
export function raw(base: string, bytes: string): Promise<string> {
  return within('the end of the answer', text(rawConnection(base, bytes).socket))
}

/** The statuses of the answers that stand in a text, one after the other. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}
