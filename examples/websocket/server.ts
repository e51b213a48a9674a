// A WebSocket server whose connections close when their session ends. README.md in this folder says how to
// run it.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createClient, createSocketRegistry } from '@global-logout/client'
import { WebSocketServer } from 'ws'

const { PORT = '3000', GLOBAL_LOGOUT_URL = 'http://127.0.0.1:4000', GLOBAL_LOGOUT_KEY } = process.env
/** The origin that browsers see: this server itself, unless a proxy is in front. */
let { ORIGIN } = process.env
const client = createClient({ url: GLOBAL_LOGOUT_URL, key: GLOBAL_LOGOUT_KEY })
const sockets = createSocketRegistry(client)
const webSockets = new WebSocketServer({ noServer: true })
const server = createServer((_request, response) => response.end('Open a WebSocket here.\n'))

server.on('upgrade', async (request: IncomingMessage, connection: Duplex, head: Buffer) => {
  connection.on('error', () => {})
  // A browser sends its cookie whichever page opens the socket, and always states the page's origin. Programs
  // send none.
  if (request.headers.origin !== undefined && request.headers.origin !== ORIGIN)
    return refuse(connection, '403 Forbidden')
  const asker = { headers: request.headers, ip: request.socket.remoteAddress }
  // An error opens no socket.
  const identity = await client.check(asker).catch(() => undefined)
  if (identity === undefined) return refuse(connection, '503 Service Unavailable\r\nRetry-After: 1')
  if (!identity) return refuse(connection, '401 Unauthorized\r\nWWW-Authenticate: Bearer')

  webSockets.handleUpgrade(request, connection, head, (socket) => {
    sockets.add(identity, socket, asker)
    socket.send(`Hello, ${identity.userId}.`)
    socket.on('message', (text) => {
      // Messages of a connection that is being closed still arrive for a moment, and must have no effect.
      if (socket.readyState === socket.OPEN) socket.send(`You said: ${text}`)
    })
  })
})

function refuse(connection: Duplex, answer: string): void {
  connection.end(`HTTP/1.1 ${answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

server.listen(Number(PORT), '127.0.0.1', () => {
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  ORIGIN ??= address
  console.log(`The application listens on ${address}`)
})
