/**
 * The place that a CDN states in headers of a request, such as `CF-IPCountry`. Believed only from a sender in `TRUST_PROXY`: anyone
 * else could name any city.
 */
import type { FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { createRangeTest } from '../lib/address-blocks.ts'
import { readAddress } from '../lib/read-address.ts'
import { signInColumns } from './device-columns.ts'
import type { Place } from './places.ts'

export type ReadPlaceHeaders = ReturnType<typeof createReadPlaceHeaders>

export function createReadPlaceHeaders({
  placeHeaders: [country, city],
  trustProxy,
}: Pick<Config, 'placeHeaders' | 'trustProxy'>) {
  const isTrusted = createRangeTest(trustProxy)
  /** @returns null where no trusted sender states a place. */
  return ({ raw }: Pick<FastifyRequest, 'raw'>): Place | null => {
    const sender = country ? readAddress(raw.socket.remoteAddress ?? '') : null
    if (!country || sender === null || !isTrusted(sender)) return null
    const { method: _, ...place } = signInColumns({
      country: textOf(raw.headers[country]),
      city: city ? textOf(raw.headers[city]) : null,
    })
    return place.country === null && place.city === null ? null : place
  }
}

/** Some CDNs encode a city as a URL does. */
function textOf(header: string | string[] | undefined): string | null {
  if (typeof header !== 'string') return null
  try {
    return decodeURIComponent(header)
  } catch {
    return header
  }
}
