/**
 * Guarantees one answer per request of a connection, in order. This file answers input that Node's parser refuses: after
 * the answers in progress, and only if the request has no answer yet. If a body breaks or stalls after the answer (`/check`
 * reads no body), the connection closes without a second answer. A proxy would assign that one to another request.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { FastifyBaseLogger } from 'fastify'
import { type ErrorCode, Problem } from '../errors.ts'
import { problemAnswer } from './problems.ts'

interface Exchanges {
  /** The last request; its body may be incomplete. */
  request: IncomingMessage
  response: ServerResponse
  /** Unfinished answers, in the order of their requests. */
  open: ServerResponse[]
}
const exchanges = new WeakMap<Duplex, Exchanges>()
/** Connections that end after the answers in progress. */
const ending = new WeakSet<Duplex>()

/** Call it with every request before anything answers it. */
export function trackRequest(request: IncomingMessage, response: ServerResponse): void {
  const open = openOn(request.socket)
  exchanges.set(request.socket, { request, response, open: [...open, response] })
}

function openOn(socket: Duplex): ServerResponse[] {
  return exchanges.get(socket)?.open.filter(({ writableFinished }) => !writableFinished) ?? []
}

/** Answers input that Node's parser refused. The input itself is not logged: it may contain a cookie. */
export function onClientError(
  this: { log: FastifyBaseLogger },
  error: NodeJS.ErrnoException & { rawPacket?: unknown },
  socket: Duplex,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const code = PARSER_ERRORS[error.code ?? ''] ?? 'invalid_request'
  const method = String(error.rawPacket).startsWith('HEAD ') ? 'HEAD' : ''
  answerLast(socket, new Problem(code, UNREADABLE), method, (reqId) =>
    this.log.info({ reqId, code, reason: error.code }, UNREADABLE),
  )
}

/** Answers `CONNECT`, which requests a tunnel and matches no route, with 404. */
export function onConnect({ method = '' }: IncomingMessage, socket: Duplex): void {
  // Node no longer handles errors of this connection.
  socket.on('error', () => socket.destroy())
  answerLast(socket, new Problem('not_found', 'No route answers CONNECT at this path.'), method)
}

/** Answers input that never became a request, or the broken body of the last request, and ends the connection. */
function answerLast(
  socket: Duplex,
  problem: Problem,
  method: string,
  logAnswer: (requestId: string) => void = () => {},
): void {
  if (ending.has(socket)) return
  const last = exchanges.get(socket)
  const broken = last && !last.request.complete ? last.response : undefined
  const before = openOn(socket).filter((response) => response !== broken)
  if (before.length === 0) return void end()
  ending.add(socket)
  socket.pause()
  void Promise.allSettled(before.map((response) => finished(response))).then(end)

  function end(): void {
    if (broken?.headersSent || !socket.writable) return void socket.destroy()
    const requestId = crypto.randomUUID()
    logAnswer(requestId)
    const { headers, body } = problemAnswer(problem, requestId)
    // An answer to HEAD has no body: the client would read one as the start of the next answer.
    const bodiless = (broken?.req.method ?? method) === 'HEAD'
    socket.end(headOf(problem.status, headers) + (bodiless ? '' : body))
  }
}

function headOf(status: number, headers: Record<string, string>): string {
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`
}

const UNREADABLE = 'The request could not be read.'

const PARSER_ERRORS: Record<string, ErrorCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
}

/**
 * Rewrites the request target to path and query. A proxy may send the absolute form `http://host/path`, which every server
 * must accept (RFC 9112, 3.2.2); its host then replaces `Host`. Any other target (`*`) becomes a path that matches no route.
 */
export function toOriginForm(request: IncomingMessage): void {
  const { url = '' } = request
  if (url.startsWith('/')) return
  const [, host, rest = url] = /^https?:\/\/([^/?#@]+)(?=[/?#]|$)(.*)$/is.exec(url) ?? []
  if (host !== undefined) request.headers.host = host
  request.url = rest.startsWith('/') ? rest : `/${rest}`
}

/** Makes Node cache the remote address, which cannot be read any more after the client has disconnected. */
export function cacheRemoteAddress(socket: Socket): void {
  void socket.remoteAddress
}
