/** `fetch` with limits: a request that gets no answer, and a body that does not end, fail the test by name. */
import { within } from './within.ts'

const READERS = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const

/** @throws Error naming the request when there is no answer after `ms`; so do the readers of its body. */
export async function boundedFetch(url: string, init: RequestInit = {}, ms?: number): Promise<Response> {
  const request = `${init.method ?? 'GET'} ${url}`
  const response = await within(`the answer to ${request}`, fetch(url, init), ms)
  for (const name of READERS) {
    const read: () => Promise<unknown> = response[name].bind(response)
    Object.assign(response, { [name]: () => within(`the end of the answer to ${request}`, read(), ms) })
  }
  return response
}
