/** Node's HTTP server below Fastify: its limits, checks answered in front, and connections that close with the server. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { keepAddress, noteRequest, onConnect, toOriginForm } from './connections.ts'

const LIMITS = {
  /** All headers of a request, in bytes; more than the gateways of `examples` pass on, so that no check fails for its length. */
  maxHeaderSize: 64 * 1024,
  /** For a request to arrive. This and the following in milliseconds. */
  requestTimeout: 10_000,
  /** Node looks every 30 seconds unless told otherwise. */
  connectionsCheckingInterval: 1_000,
  /** Longer than that of common gateways (60 s), so that they close first. */
  keepAliveTimeout: 75_000,
}
/** How often a closing server closes the connections that have become idle, in milliseconds. */
const CLOSE_IDLE_MS = 50

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * @param check answers checks; returns false for any other request.
 * @param rest answers every other request.
 */
export function createRawServer(
  check: (request: IncomingMessage, response: ServerResponse) => boolean,
  rest: Handler,
): Server {
  const answer: Handler = (request, response) => {
    noteRequest(request, response)
    toOriginForm(request)
    // Node drops what arrives together with a request for another protocol, such as the next request: it is sent again.
    if (!server.listening || request.headers.upgrade !== undefined) response.shouldKeepAlive = false
    if (!check(request, response)) rest(request, response)
  }
  // An `Expect` that Node does not know is no reason to refuse.
  const server = createServer(LIMITS, answer)
    .on('connection', keepAddress)
    .on('checkExpectation', answer)
    .on('connect', onConnect)
  // Their size is the limit: of more than 1,000 lines Node drops the others, such as the address that a proxy adds, or refuses.
  server.maxHeadersCount = 0
  return server
}

/**
 * Node closes the connections that are idle when the server closes. Two kinds would hold it up: those that become idle later,
 * and those without any request, which browsers open ahead and Node does not count as idle.
 * @returns what begins to close them.
 */
export function closeConnectionsAsTheyFinish(server: Server): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    const closeSome = () => {
      server.closeIdleConnections()
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    }
    // A server that could not listen never closes.
    const timer = setInterval(closeSome, CLOSE_IDLE_MS).unref()
    server.once('close', () => clearInterval(timer))
  }
}
