/** Requests as clients of every kind send them, friendly and not; and what the application says it received. */
import { once } from 'node:events'
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { buffer, text } from 'node:stream/consumers'

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
  /** Whether it came over a connection that an earlier request had opened. */
  reused: boolean
}

/** One request; the path goes out as it is. */
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
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: await text(response),
    reused: sent.reusedSocket,
  }
}

/** Bytes as they are, where Node's own client would tidy up; resolves with all that came back. */
export async function exchange(port: number, lines: string[]): Promise<{ status: number; text: string }> {
  const socket = connect(port, '127.0.0.1')
  const closing = lines.some((line) => line.startsWith('Connection:')) ? [] : ['Connection: close']
  socket.write(`${[...lines, ...closing].join('\r\n')}\r\n\r\n`)
  const answer = (await buffer(socket)).toString('latin1')
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), text: answer }
}

/** Asks for another protocol. @returns the status, and what came first once it had changed, or the body. */
export async function upgrade(port: number, path: string, headers: Record<string, string>) {
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    headers: {
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      ...headers,
    },
  }).end()
  const [response, socket, head] = await Promise.race([once(sent, 'upgrade'), once(sent, 'response')])
  if (!socket) return { status: response.statusCode as number, message: await text(response) }
  const [message] = head.length > 0 ? [head] : await once(socket, 'data')
  socket.destroy()
  return { status: response.statusCode as number, message: String(message) }
}

/** What the application says it received: request line, headers, body. */
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
    /** Every value that came under a name. */
    all: (name: string) => headers.filter(([key]) => key === name).map(([, value]) => value),
  }
}
