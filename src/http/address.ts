/**
 * Finds the client address of a request. It trusts only proxies in `TRUST_PROXY`, from the nearest outward, and only the
 * header in `TRUST_PROXY_HEADER`: proxies pass on other headers as the client sent them. If a trusted proxy names no address,
 * the client is unknown, and rate limits use the nearest known hop. `@fastify/proxy-addr` cannot do this: it reads neither
 * Forwarded nor ports, and takes a hop without an address for the client.
 */
import type { IncomingMessage } from 'node:http'
import parseForwarded from 'forwarded-parse'
import type { Config } from '../config.ts'
import { createRangeTest } from '../lib/address-blocks.ts'
import { readAddress } from '../lib/read-address.ts'

declare module 'fastify' {
  interface FastifyRequest {
    readonly address: Address
  }
}

export interface Address {
  /** The client's address, for the audit log; null when no trusted proxy names it. */
  client: string | null
  /** The client's address or, if unknown, the hop nearest to it; for rate limits. Null only when the connection is closed. */
  nearest: string | null
}

/** Reads the address in one list item of the header; null if it has none. */
const HOP: Record<Config['trustProxyHeader'], (item: string) => string | null> = {
  'x-forwarded-for': readAddress,
  forwarded: forwardedFor,
}

/** @returns a function that finds the address of a request. */
export function createAddressOf({
  trustProxy,
  trustProxyHeader,
}: Pick<Config, 'trustProxy' | 'trustProxyHeader'>): (request: IncomingMessage) => Address {
  const isTrusted = createRangeTest(trustProxy)
  const hopOf = HOP[trustProxyHeader]
  return ({ socket, headers }) => {
    let nearest = readAddress(socket.remoteAddress ?? '')
    if (nearest === null || !isTrusted(nearest)) return { client: nearest, nearest }
    for (const item of itemsOf(headers[trustProxyHeader])) {
      const hop = hopOf(item)
      if (hop === null) return { client: null, nearest }
      nearest = hop
      if (!isTrusted(hop)) break
    }
    return { client: nearest, nearest }
  }
}

/**
 * The items of a list header, last first: the nearest proxy adds the last item. A generator, because a client can put
 * 60 KB in front of its own address.
 */
function* itemsOf(header: string | string[] | undefined): Generator<string> {
  const list = String(header ?? '')
  for (let end = list.length; end > 0; ) {
    const comma = list.lastIndexOf(',', end - 1)
    const item = list.slice(comma + 1, end).trim()
    if (item) yield item
    end = comma
  }
}

/**
 * The `for` address of one RFC 7239 element. Elements are parsed separately, so that an unclosed quote from a client cannot
 * swallow what proxies append. An element with two `for` is refused: a proxy that copies `Host` unquoted lets clients add one.
 */
function forwardedFor(element: string): string | null {
  if ((element.match(/(?:^|;)[ \t]*for[ \t]*=/gi) ?? []).length !== 1) return null
  try {
    return readAddress(parseForwarded(element)[0]?.for ?? '')
  } catch {
    return null
  }
}
