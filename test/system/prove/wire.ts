/**
 * A cheap HTTP client for one instance, since the prover shares its cores with the instances. It keeps connections alive
 * and sends one request at a time on each. A request without an answer within `PATIENCE_MS` gets status 0.
 */
import { connect, type Socket } from 'node:net'

export interface Answer {
  /** 0 when there was none. */
  status: number
  /** The head in latin1, names of headers as they arrived. */
  head: string
  body: string
  /** Before the request was written, and after the whole answer was read. */
  begin: number
  end: number
}

/** More than a logout that waits for leases (3.4 s), plus two stops of its instance (12 s). */
const PATIENCE_MS = 16_000

interface Line {
  socket: Socket
  received: Buffer[]
  waiting?: { begin: number; answer: (answer: Answer) => void } | undefined
}

export type Wire = ReturnType<typeof openWire>

export function openWire(port: number) {
  const idle: Line[] = []
  const lines = new Set<Line>()
  let waiting = 0

  const watch = setInterval(() => {
    const tooLong = performance.now() - PATIENCE_MS
    for (const line of lines) if (line.waiting && line.waiting.begin < tooLong) line.socket.destroy()
  }, 500).unref()

  function open(): Line {
    const line: Line = { socket: connect(port, '127.0.0.1').setNoDelay(true), received: [] }
    lines.add(line)
    line.socket.on('data', (chunk) => receive(line, chunk))
    line.socket.on('error', () => {})
    line.socket.on('close', () => {
      lines.delete(line)
      const place = idle.indexOf(line)
      if (place >= 0) idle.splice(place, 1)
      finish(line, { status: 0, head: '', body: '' })
    })
    return line
  }

  function receive(line: Line, chunk: Buffer): void {
    line.received.push(chunk)
    const text = Buffer.concat(line.received).toString('latin1')
    const headEnds = text.indexOf('\r\n\r\n')
    if (headEnds < 0) return
    const head = text.slice(0, headEnds)
    const length = Number(headerOf(head, 'content-length') ?? 0)
    const body = text.slice(headEnds + 4)
    if (body.length < length) return
    line.received = []
    if (headerOf(head, 'connection') === 'close') line.socket.destroy()
    else idle.push(line)
    finish(line, { status: Number(head.slice(9, 12)), head, body })
  }

  function finish(line: Line, answer: Pick<Answer, 'status' | 'head' | 'body'>): void {
    const asked = line.waiting
    if (!asked) return
    line.waiting = undefined
    waiting--
    asked.answer({ ...answer, begin: asked.begin, end: performance.now() })
  }

  return {
    /** How many requests have no answer yet. */
    get waiting() {
      return waiting
    },
    /** Sends a whole request; `begin` is taken just before. */
    ask(request: string): Promise<Answer> {
      return new Promise((answer) => {
        const line = idle.pop() ?? open()
        waiting++
        line.waiting = { begin: performance.now(), answer }
        line.socket.write(request, 'latin1')
      })
    },
    close(): void {
      clearInterval(watch)
      for (const { socket } of lines) socket.destroy()
    },
  }
}

/** A whole request with a bearer token. */
export function request(method: string, path: string, token: string, body?: object): string {
  const json = body && JSON.stringify(body)
  const content = json ? `Content-Type: application/json\r\nContent-Length: ${json.length}\r\n` : ''
  return `${method} ${path} HTTP/1.1\r\nHost: prove\r\nAuthorization: Bearer ${token}\r\n${content}\r\n${json ?? ''}`
}

/** The value of a header, its name in lower case. */
export function headerOf(head: string, name: string): string | undefined {
  const lower = head.toLowerCase()
  const at = lower.indexOf(`\r\n${name}: `)
  if (at < 0) return undefined
  const from = at + name.length + 4
  const to = head.indexOf('\r\n', from)
  return head.slice(from, to < 0 ? undefined : to)
}
