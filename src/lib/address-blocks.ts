/** Networks of IP addresses: which network a caller's limits apply to, and whether an address is in a list of ranges. */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The network that counts as one caller: the IPv4 address, or the IPv6 /64 that one customer has. */
export function callerNetwork(address: string): string {
  const parsed = ipaddr.parse(address)
  return parsed instanceof ipaddr.IPv6
    ? parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')
    : address
}

/** Whether a text is an IP address, or a range of them in CIDR notation. An address may have a zone (`fe80::1%eth0`). */
export function isRange(text: string): boolean {
  const [address = '', prefix, rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest !== undefined) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

/** @param ranges addresses or CIDR ranges. @returns a test whether an address from `readAddress` is in one of them. */
export function createRangeTest(ranges: readonly string[]): (address: string) => boolean {
  const parsed = ranges.map(parseRange)
  return (address) => {
    const ip = ipaddr.parse(address)
    return parsed.some((range) => ip.kind() === range[0].kind() && ip.match(range))
  }
}

function parseRange(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [address = '', prefix] = text.split('/')
  const ip = ipaddr.parse(address.replace(/%.*$/, ''))
  const bits = prefix === undefined ? ip.toByteArray().length * 8 : Number(prefix)
  if (ip instanceof ipaddr.IPv6 && ip.isIPv4MappedAddress() && bits >= 96)
    return [ip.toIPv4Address(), bits - 96]
  return [ip, bits]
}
