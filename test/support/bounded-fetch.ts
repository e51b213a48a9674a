/** `fetch` with limits: a request without an answer, or a body without an end, fails the test by name. */
import { within } from './within.ts'

const READERS = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const

/** @throws Error naming the request if there is no answer after `ms`; the readers of its body do the same. */
export async function boundedFetch(url: string, init: RequestInit = {}, ms?: number): Promise<Response> {
  const request = `${init.method ?? 'GET'} ${url}`
  const response = await within(`the answer to ${request}`, fetch(url, init), ms)
  for (const name of READERS) {
    const read: () => Promise<unknown> = response[name].bind(response)
    Object.assign(response, { [name]: () => within(`the end of the answer to ${request}`, read(), ms) })
  }
  return response
}
