/** Normalizes IP addresses as clients, proxies and applications write them. The Auth.js adapter ships this module. */
import { isIP, SocketAddress } from 'node:net'

/** Brackets with an optional port (`[2001:db8::1]:443`), or a port (`192.0.2.1:4711`). RFC 7239 also obfuscates ports: `:_x`. */
const WITH_PORT = /^(?:\[([\da-f:.]+(?:%[^\]]*)?)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/i

/**
 * The address in its shortest form, without port, brackets and zone. An IPv4 address in IPv6 (`::ffff:192.0.2.1`) becomes IPv4.
 * @returns null for any other text, such as `unknown` and `_hidden`.
 */
export function readAddress(text: string): string | null {
  const [, v6, v4] = WITH_PORT.exec(text) ?? []
  const bare = v6 ?? v4 ?? text
  const family = isIP(bare)
  if (family === 0 || (v6 && family === 4)) return null
  if (family === 4) return bare
  const { address } = new SocketAddress({ address: bare.replace(/%.*$/, ''), family: 'ipv6' })
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}
