/** Sends a request as it is, where `fetch` would tidy it up: paths, duplicated headers, bodies of any bytes. */
import { Agent, request } from 'node:http'
import t from 'tap'
import type { Answer } from './operations.ts'

export interface Sent {
  method: string
  path: string
  headers: [name: string, value: string][]
  body?: Uint8Array | undefined
}

/** A service that does not answer for so long hangs, in milliseconds. */
const PATIENCE_MS = 20_000

const agent = new Agent({ keepAlive: true, maxSockets: 8 })
t.teardown(() => agent.destroy())

/** A stream is answered by its head alone, and left. */
export function send(base: string, { method, path, headers, body }: Sent): Promise<Answer> {
  const { host, hostname, port } = new URL(base)
  const own: Sent['headers'] = [['host', host], ...headers]
  if (body) own.push(['content-length', String(body.length)])
  return new Promise((done, fail) => {
    const sent = request({ hostname, port, method, path, agent, headers: own.flat() }, (response) => {
      const { statusCode: status = 0, headers } = response
      if (headers['content-type']?.startsWith('text/event-stream')) {
        response.destroy()
        return done({ status, headers, body: null })
      }
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response
        .on('error', fail)
        .on('end', () => done({ status, headers, body: method === 'HEAD' ? null : text }))
    })
    sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error('no answer')))
    sent.on('error', fail)
    sent.end(body)
  })
}
