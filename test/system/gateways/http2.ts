/** HTTP/2 without TLS: on a port, or within a connection upgraded from HTTP/1.1. */
import { connect, type OutgoingHttpHeaders } from 'node:http2'
import { type Duplex, PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { within } from '../../support/within.ts'

export interface Http2Ask {
  body?: string
  trailers?: OutgoingHttpHeaders
  /** Uses this connection instead of a new one. */
  inside?: Duplex
}

/**
 * Sends one request. @returns status and body; no status if the other side does not speak HTTP/2 or refuses
 * the request.
 */
export async function askHttp2(
  port: number,
  headers: OutgoingHttpHeaders,
  { body, trailers, inside }: Http2Ask = {},
): Promise<{ status: number | undefined; text: string }> {
  const session = connect(`http://127.0.0.1:${port}`, inside ? { createConnection: () => inside } : {})
  const answer = new PassThrough()
  let status: number | undefined
  const over = () => void answer.end()
  session.on('error', over).on('close', over)
  session.once('remoteSettings', () => {
    const withBody = body !== undefined || trailers !== undefined
    const stream = session.request(headers, { endStream: !withBody, waitForTrailers: trailers !== undefined })
    stream.on('error', over).on('close', over)
    stream.on('response', (head) => {
      status = head[':status']
    })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}))
    stream.pipe(answer, { end: false })
    if (withBody) stream.end(body)
  })
  try {
    return {
      text: await within(`end of the answer over HTTP/2 to ${headers[':path']}`, text(answer)),
      status,
    }
  } finally {
    session.destroy()
  }
}
