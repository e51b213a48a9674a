/** Addresses as clients, proxies and applications write them, read in one way. */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** With brackets and a port (`[2001:db8::1]:443`), or with a port (`192.0.2.1:4711`); RFC 7239 also hides ports, `:_x`. */
const WITH_PORT = /^(?:\[([\da-f:.]+(?:%[^\]]*)?)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/i

/**
 * The address in a text, in its shortest form: without port, brackets and zone, an IPv4 address in IPv6 (`::ffff:192.0.2.1`) as
 * what it is. Null for all that is no address, such as `unknown` and `_hidden`.
 */
export function readAddress(text: string): string | null {
  const [, v6, v4] = WITH_PORT.exec(text) ?? []
  const bare = v6 ?? v4 ?? text
  const family = isIP(bare)
  if (family === 0 || (v6 && family === 4)) return null
  return ipaddr.process(bare.replace(/%.*$/, '')).toString()
}

/** Who counts as one caller: an address, or of IPv6 the network (/64) that a single customer has. */
export function callerOf(address: string): string {
  const parsed = ipaddr.parse(address)
  return parsed instanceof ipaddr.IPv6
    ? parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')
    : address
}

/** @param ranges addresses or CIDR ranges. @returns whether an address that `readAddress` gave is in one of them. */
export function createIsIn(ranges: readonly string[]): (address: string) => boolean {
  const parsed = ranges.map(rangeOf)
  return (address) => {
    const ip = ipaddr.parse(address)
    return parsed.some((range) => ip.kind() === range[0].kind() && ip.match(range))
  }
}

function rangeOf(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [address = '', prefix] = text.split('/')
  const ip = ipaddr.parse(address.replace(/%.*$/, ''))
  const bits = prefix === undefined ? ip.toByteArray().length * 8 : Number(prefix)
  if (ip instanceof ipaddr.IPv6 && ip.isIPv4MappedAddress() && bits >= 96)
    return [ip.toIPv4Address(), bits - 96]
  return [ip, bits]
}
