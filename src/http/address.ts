/**
 * Whose request it is by address. What proxies say is believed of those in `TRUST_PROXY` alone, from the nearest on, and of
 * one header alone, which they write themselves: they pass on any other as a client sent it. Where they name no address, the
 * client's is unknown, and the nearest known hop stands for it where somebody has to be counted.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import parseForwarded from 'forwarded-parse'
import type { Config } from '../config.ts'
import { createIsIn, readAddress } from '../sessions/addresses.ts'

declare module 'fastify' {
  interface FastifyRequest {
    readonly address: Address
  }
}

export interface Address {
  /** The client's; null when no trusted proxy knows it. For the record. */
  client: string | null
  /** The same, or the hop nearest to it that is known. For limits. Null only when the connection is gone. */
  nearest: string | null
}

/** The addresses that a header names, the nearest hop first; null for what is none. */
const HOPS: Record<Config['trustProxyHeader'], (headers: IncomingHttpHeaders) => (string | null)[]> = {
  'x-forwarded-for': (headers) => itemsOf(headers['x-forwarded-for']).map(readAddress),
  forwarded: (headers) => itemsOf(headers.forwarded).map(forwardedFor),
}

/** @returns what reads the address of a request. */
export function createAddressOf({
  trustProxy,
  trustProxyHeader,
}: Pick<Config, 'trustProxy' | 'trustProxyHeader'>): (request: IncomingMessage) => Address {
  const isTrusted = createIsIn(trustProxy)
  const hopsOf = HOPS[trustProxyHeader]
  return ({ socket, headers }) => {
    let nearest = readAddress(socket.remoteAddress ?? '')
    if (nearest === null || !isTrusted(nearest)) return { client: nearest, nearest }
    for (const hop of hopsOf(headers)) {
      if (hop === null) return { client: null, nearest }
      nearest = hop
      if (!isTrusted(hop)) break
    }
    return { client: nearest, nearest }
  }
}

/** The items of a list, the last first, which the nearest proxy has added. */
function itemsOf(header: string | string[] | undefined): string[] {
  const items = String(header ?? '').split(',')
  return items
    .map((item) => item.trim())
    .filter(Boolean)
    .reverse()
}

/**
 * RFC 7239. Each element is parsed alone: a quote that a client leaves open cannot swallow what proxies add behind it. `for` twice in
 * one is none, since a proxy that copies `Host` without quotes lets clients add it.
 */
function forwardedFor(element: string): string | null {
  if ((element.match(/(?:^|;)[ \t]*for[ \t]*=/gi) ?? []).length !== 1) return null
  try {
    return readAddress(parseForwarded(element)[0]?.for ?? '')
  } catch {
    return null
  }
}
