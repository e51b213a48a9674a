/** Connections on which a test controls every byte it sends, and sees every byte of the answer. */
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { waitFor, within } from './within.ts'

export interface RawConnection {
  socket: Socket
  /** The data received so far, one character for each byte. */
  text(): string
  /** Resolves once the received data matches; fails if the connection ends before, or after `ms`. */
  until(pattern: RegExp, ms?: number): Promise<string>
  /** Resolves with all received data once the other side has closed; fails after `ms`. */
  closed(ms?: number): Promise<string>
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
  async function wait(what: string, isThere: () => boolean, ms?: number): Promise<string> {
    const found = waitFor(what, () => over || isThere(), ms)
    await found.catch((error) => {
      throw new Error(`${error.message}, after: ${received}`)
    })
    if (!isThere()) throw new Error(`closed after: ${received}`)
    return received
  }
  return {
    socket,
    text: () => received,
    until: (pattern, ms) => wait(`text that matches ${pattern}`, () => pattern.test(received), ms),
    closed: (ms) => wait('the end of the connection', () => over, ms),
  }
}

/** Sends bytes unchanged on a new connection, and reads the answer to its end. */
export function raw(base: string, bytes: string): Promise<string> {
  return within('the end of the answer', text(rawConnection(base, bytes).socket))
}

/** The statuses of the answers in a text, in order. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}
