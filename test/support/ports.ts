/** Ports of this machine that nobody listens on. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Linux gives ports from 32768 on to connections and to whoever asks for any: between the choice of such a port and its use, a
 * loaded machine gives it away.
 */
const LOWEST = 10_000
const BEYOND = 32_768
const TRIES = 1_000

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST, BEYOND)
    const server = createServer().listen(port, '127.0.0.1')
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!free) continue
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error(`none of ${TRIES} ports is free`)
}
