/** Sends requests, valid and malformed, and reads from the answers what the application received. */
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { nextEvent, within } from '../../support/within.ts'

/** The limit for a gateway to refuse a body. In milliseconds. */
const FLOOD_MS = 20_000

export interface Ask {
  method?: string
  headers?: Record<string, string>
  /** Its length is sent, unless `chunked`. */
  body?: string
  chunked?: boolean
  agent?: Agent
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** Whether it used the connection of an earlier request. */
  reused: boolean
}

/** Sends one request, with the path unchanged. */
export async function ask(port: number, path: string, options: Ask = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body = '', chunked = false } = options
  const framing = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': Buffer.byteLength(body) }
  const sent = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: { ...headers, ...(body && framing) },
    agent: options.agent ?? false,
  })
  if (chunked) for (let at = 0; at < body.length; at += 10_000) sent.write(body.slice(at, at + 10_000))
  sent.end(chunked ? '' : body)
  const asked = `${method} ${path.slice(0, 60)}`
  const [response] = (await nextEvent(`answer to ${asked}`, sent, 'response')) as [IncomingMessage]
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: await within(`end of the answer to ${asked}`, text(response)),
    reused: sent.reusedSocket,
  }
}

/** Sends bytes unchanged, which Node's client would normalise; resolves with the whole answer. */
export async function exchange(port: number, lines: string[]): Promise<{ status: number; text: string }> {
  const socket = connect(port, '127.0.0.1')
  const closing = lines.some((line) => line.startsWith('Connection:')) ? [] : ['Connection: close']
  socket.write(`${[...lines, ...closing].join('\r\n')}\r\n\r\n`)
  const answer = (await within(`end of the answer to ${lines[0]}`, buffer(socket))).toString('latin1')
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), text: answer }
}

/**
 * Sends lines unchanged, and leaves the connection open. @returns the head of the answer, the data after it,
 * and the connection; an empty head if it was closed without an answer.
 */
export async function open(port: number, lines: string[]) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  let answer = Buffer.alloc(0)
  while (!answer.includes('\r\n\r\n')) {
    const [more] = await nextEvent(`head of the answer to ${lines[0]?.slice(0, 60)}`, socket, [
      'data',
      'close',
    ])
    if (!Buffer.isBuffer(more)) break
    answer = Buffer.concat([answer, more])
  }
  socket.pause()
  const end = answer.indexOf('\r\n\r\n') + 4
  const head = answer.subarray(0, end).toString('latin1')
  if (answer.length > end) socket.unshift(answer.subarray(end))
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, socket }
}

/**
 * Sends an endless body until it is answered, cut off, or has grown to `limit` bytes.
 * @returns the status, if there is one, the bytes sent, and the result of `measure` before the connection is
 * closed.
 */
export async function flood(port: number, lines: string[], limit: number, measure: () => Promise<number>) {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  let answer = ''
  let waiting = true
  const status = () => Number(/^HTTP\/1\.1 ([2-5]\d\d)/m.exec(answer)?.[1])
  const over = new Promise<void>((done) => {
    const end = () => {
      waiting = false
      clearTimeout(timer)
      done()
    }
    const timer = setTimeout(end, FLOOD_MS)
    socket.on('error', end).on('close', end)
    socket.on('data', (data) => {
      answer += data.toString('latin1')
      if (status()) end()
    })
  })
  const chunked = lines.some((line) => line.startsWith('Transfer-Encoding'))
  const part = 'x'.repeat(65_536)
  let sent = 0
  while (waiting && sent < limit) {
    sent += part.length
    const taken = socket.write(chunked ? `10000\r\n${part}\r\n` : part)
    if (!taken) await Promise.race([new Promise((drained) => socket.once('drain', drained)), over])
  }
  await over
  const stored = await measure()
  socket.destroy()
  return { status: status(), sent, stored }
}

/** Requests an upgrade. @returns the status, and the first data after the upgrade, or the body. */
export async function upgrade(port: number, path: string, headers: Record<string, string>, method = 'GET') {
  const sent = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    agent: false,
    headers: {
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      ...headers,
    },
  }).end()
  const [response, socket, head] = await nextEvent(`upgrade of ${path}`, sent, ['upgrade', 'response'])
  if (!socket) {
    const message = await within(`end of the answer to ${path}`, text(response))
    return { status: response.statusCode as number, message }
  }
  const [message] = head.length > 0 ? [head] : await nextEvent(`message on ${path}`, socket, 'data')
  socket.destroy()
  return { status: response.statusCode as number, message: String(message) }
}

/** The request as the application received it: request line, headers, body. */
export function received(answer: string) {
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = lines.map((header) => {
    const colon = header.indexOf(': ')
    return [header.slice(0, colon).toLowerCase(), header.slice(colon + 2)] as const
  })
  return {
    line,
    body: rest.join('\r\n\r\n'),
    /** Every value of a header. */
    all: (name: string) => headers.filter(([key]) => key === name).map(([, value]) => value),
  }
}
