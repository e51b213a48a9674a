/**
 * Hands the identity that the proxy has checked to the page of the same request, so that a page costs one check. It works where both
 * run in Node, in one process (Next 16, and Next 15.5 with `runtime: 'nodejs'`); everywhere else the page checks for itself.
 *
 * The page gets it by a random name in a request header, which the proxy removes from what clients send, and only for reading
 * requests: an action may end the session that the proxy found valid.
 */
import type { Identity } from './sessions.ts'

const HEADER = 'x-global-logout-handover'
/** Milliseconds for which a page may use the check of the proxy. A page that asks later checks again. */
const FRESH_MS = 1_000

/** Next bundles this module once for the proxy and once for pages. */
const shared = globalThis as typeof globalThis & { [key: symbol]: Map<string, Identity> | undefined }
const key = Symbol.for('@global-logout/client/next handover')

/** Adds the header for the page; before that, call `forget` on what a client sent. */
export function handOver(identity: Identity, method: string, headers: Headers): void {
  if (!/^(GET|HEAD)$/.test(method)) return
  shared[key] ??= new Map()
  const identities = shared[key]
  const name = crypto.randomUUID()
  identities.set(name, identity)
  setTimeout(() => identities.delete(name), FRESH_MS)
  headers.set(HEADER, name)
}

/** Removes a header that a client forged. */
export function forget(headers: Headers): void {
  headers.delete(HEADER)
}

/**
 * What the proxy found for this request, once: a later question is about a later time. Undefined where it found nothing, long ago, or in
 * another process.
 */
export function handedOver(headers: Pick<Headers, 'get'>): Identity | undefined {
  const name = headers.get(HEADER) ?? ''
  const identity = shared[key]?.get(name)
  shared[key]?.delete(name)
  return identity
}
