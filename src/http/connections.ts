/**
 * One answer to each request of a connection, in their order. What Node's parser refuses never becomes a request and is
 * answered here: after the answers that are under way, and only where it was not answered before. A body that breaks, or never
 * ends, behind an answer (`/check` reads none) closes the connection without another one, which a proxy would take for the
 * answer to another request.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { FastifyBaseLogger } from 'fastify'
import { type ErrorCode, Problem } from '../errors.ts'
import { problemAnswer } from './problems.ts'

interface Exchanges {
  /** The last request, whose body may still be on its way. */
  request: IncomingMessage
  response: ServerResponse
  /** Answers not sent to their end, in the order of their requests. */
  open: ServerResponse[]
}
const exchanges = new WeakMap<Duplex, Exchanges>()
/** Connections that end once the answers under way are sent. */
const ending = new WeakSet<Duplex>()

/** Call it with each request as it comes, before anything answers it. */
export function noteRequest(request: IncomingMessage, response: ServerResponse): void {
  const open = openOn(request.socket)
  exchanges.set(request.socket, { request, response, open: [...open, response] })
}

function openOn(socket: Duplex): ServerResponse[] {
  return exchanges.get(socket)?.open.filter(({ writableFinished }) => !writableFinished) ?? []
}

/** Of what they sent nothing is logged: it may be a cookie. */
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

/** `CONNECT` asks for a tunnel, which is none of the routes. */
export function onConnect({ method = '' }: IncomingMessage, socket: Duplex): void {
  // Node has let go of the connection.
  socket.on('error', () => socket.destroy())
  answerLast(socket, new Problem('not_found', 'Nothing answers CONNECT at this address.'), method)
}

/** Answers what is no request of `noteRequest`, or the body of the last one, and ends the connection. */
function answerLast(
  socket: Duplex,
  problem: Problem,
  method: string,
  note: (requestId: string) => void = () => {},
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
    note(requestId)
    const { headers, body } = problemAnswer(problem, requestId)
    // The answer to HEAD has no body; to its client one would be the beginning of another answer.
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
 * Makes the target of a request a path with its query. A proxy may send it in absolute form, `http://host/path`, which every
 * server has to take (RFC 9112, 3.2.2), and whose host then counts in place of `Host`. What is no path (`*`) leads nowhere.
 */
export function toOriginForm(request: IncomingMessage): void {
  const { url = '' } = request
  if (url.startsWith('/')) return
  const [, host, rest = url] = /^https?:\/\/([^/?#@]+)(?=[/?#]|$)(.*)$/is.exec(url) ?? []
  if (host !== undefined) request.headers.host = host
  request.url = rest.startsWith('/') ? rest : `/${rest}`
}

/** Node asks for the address of a connection once, and not any more when the client has hung up before its answer. */
export function keepAddress(socket: Socket): void {
  void socket.remoteAddress
}
