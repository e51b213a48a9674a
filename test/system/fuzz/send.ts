/**
 * Sends a request unchanged, which `fetch` would normalise: paths, duplicate headers, bodies of any bytes.
 */
import { Agent, request } from 'node:http'
import t from 'tap'
import { PATIENCE_MS } from '../../support/within.ts'
import type { Answer } from './operations.ts'

export interface Sent {
  method: string
  path: string
  headers: [name: string, value: string][]
  body?: Uint8Array | undefined
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 })
t.teardown(() => agent.destroy())

/** @returns the answer; for a stream only the head. */
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
    sent.setTimeout(PATIENCE_MS, () =>
      sent.destroy(new Error(`${method} ${path}: no answer within ${PATIENCE_MS / 1_000} seconds`)),
    )
    sent.on('error', fail)
    sent.end(body)
  })
}
