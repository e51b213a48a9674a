/** Networks of addresses: who counts as one caller, and which proxies are trusted. */
import ipaddr from 'ipaddr.js'

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
