/** Free ports of this machine, and servers that listen on them. */
import { randomInt } from 'node:crypto'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { nextEvent } from './within.ts'

/**
 * Linux assigns ports from 32768 on by itself, so such a port may be taken between its choice and its use.
 * Ports do not depend on TEST_SEED: concurrent test files must not choose the same ones.
 */
const LOWEST = 10_000
const BEYOND = 32_768
const TRIES = 1_000

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST, BEYOND)
    const server = createServer()
    const free = await listen(server, port).then(
      () => true,
      () => false,
    )
    if (!free) continue
    server.close()
    await nextEvent(`port ${port} to be free again`, server, 'close')
    return port
  }
  throw new Error(`none of ${TRIES} ports is free`)
}

/**
 * Makes a server listen, on a free port if none is given.
 * @returns the port.
 * @throws Error EADDRINUSE.
 */
export async function listen(server: Server, port = 0, host = '127.0.0.1'): Promise<number> {
  server.listen(port, host)
  await nextEvent(`a server to listen on ${host}:${port}`, server, 'listening')
  return (server.address() as AddressInfo).port
}
