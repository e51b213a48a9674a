/**
 * The address of a client where Fastify is not asked: by the library that Fastify itself asks, so that both believe the
 * same proxies.
 */
import type { IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'

type ProxyAddr = ((request: IncomingMessage, trust: Trust) => string | undefined) & {
  compile(trusted: readonly string[]): Trust
}
type Trust = (address: string, hop: number) => boolean

const proxyAddr: ProxyAddr = createRequire(import.meta.resolve('fastify'))('@fastify/proxy-addr')

/** @param trusted addresses and ranges of proxies whose `X-Forwarded-For` is believed. */
export function createAddressOf(trusted: readonly string[]): (request: IncomingMessage) => string | null {
  if (trusted.length === 0) return (request) => request.socket.remoteAddress ?? null
  const trust = proxyAddr.compile(trusted)
  return (request) => proxyAddr(request, trust) ?? null
}
