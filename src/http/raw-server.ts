/** Node's HTTP server below Fastify: sets its limits, answers checks before Fastify, and closes connections on shutdown. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { cacheRemoteAddress, onConnect, toOriginForm, trackRequest } from './connections.ts'

const LIMITS = {
  /** All headers of a request, in bytes. More than the gateways in `examples` pass on, so no check fails because of its length. */
  maxHeaderSize: 64 * 1024,
  /** Time for a request to arrive. This and the following limits are in milliseconds. */
  requestTimeout: 10_000,
  /** How often Node checks `requestTimeout`; its default is 30 s. */
  connectionsCheckingInterval: 1_000,
  /** Longer than the 60 s of common gateways, so that the gateway closes first. */
  keepAliveTimeout: 75_000,
}
/** How often a closing server closes idle connections, in milliseconds. */
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
    trackRequest(request, response)
    toOriginForm(request)
    // Node drops data that arrives with an upgrade request, such as the next request. After the close, the client resends it.
    if (!server.listening || request.headers.upgrade !== undefined) response.shouldKeepAlive = false
    if (!check(request, response)) rest(request, response)
  }
  // An unknown `Expect` header is ignored instead of refused.
  const server = createServer(LIMITS, answer)
    .on('connection', cacheRemoteAddress)
    .on('checkExpectation', answer)
    .on('connect', onConnect)
  // Only `maxHeaderSize` limits headers. By default Node drops lines after the first 1,000, such as the address from a proxy.
  server.maxHeadersCount = 0
  return server
}

/**
 * Closes connections during shutdown that Node keeps open. Node closes only those that are idle when the server closes. It
 * keeps those that become idle later, and those without a request, which browsers open in advance.
 * @returns a function that starts closing them.
 */
export function closeIdleConnectionsOnShutdown(server: Server): () => void {
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
