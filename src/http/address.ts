/**
 * Whose request it is by address. What proxies say is believed of those in `TRUST_PROXY` alone, from the nearest on, and of
 * one header alone, which they write themselves: they pass on any other as a client sent it. Where they name no address, the
 * client's is unknown, and the nearest known hop stands for it where clients are counted. `@fastify/proxy-addr` does none of this:
 * it reads all of X-Forwarded-For, no Forwarded and no ports, and takes a hop without an address for the client.
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
  /** The client's; null when no trusted proxy knows it. For the record. */
  client: string | null
  /** The same, or the hop nearest to it that is known. For limits. Null only when the connection is gone. */
  nearest: string | null
}

/** Reads the address in an item of a header's list; null for what is none. */
const HOP: Record<Config['trustProxyHeader'], (item: string) => string | null> = {
  'x-forwarded-for': readAddress,
  forwarded: forwardedFor,
}

/** @returns what reads the address of a request. */
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
 * The items of a list, the last first, which the nearest proxy has added. Read only as far as they are asked for: what a client
 * wrote in front of its own address may be 60 KB long.
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
