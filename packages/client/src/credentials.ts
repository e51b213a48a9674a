/**
 * Selects what is sent to the service: the two headers that may contain a session token, the two that say that a request is no
 * activity of the user, and user agent and client address, which the service records. Nothing else.
 */

/** A fetch-style `Request`, a Node `IncomingMessage`, or anything else with headers. */
export interface RequestLike {
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>
  /** The client address, as set by Fastify and Express. */
  readonly ip?: string | undefined
}

export type Credentials = {
  cookie?: string
  authorization?: string
  'user-agent'?: string
  'sec-purpose'?: string
  'x-session-activity'?: string
  'x-forwarded-for'?: string
}

/** The headers to send. */
export function credentialsOf({ headers, ip }: RequestLike): Credentials {
  const found: Credentials = {}
  for (const [name, separator] of [
    ['cookie', '; '],
    ['authorization', ', '],
    ['user-agent', ' '],
    ['sec-purpose', ', '],
    ['x-session-activity', ', '],
  ] as const) {
    const value = joined(headers, name, separator)
    if (value) found[name] = value
  }
  // Not the client's own header, which can be forged. The service accepts this header only from trusted proxies.
  if (ip) found['x-forwarded-for'] = ip
  return found
}

export function hasToken({ cookie, authorization }: Credentials): boolean {
  return cookie !== undefined || authorization !== undefined
}

/** The parts of a request that are needed to check it again. */
export function keepCredentials(request: RequestLike): RequestLike {
  return { headers: { ...credentialsOf(request) }, ip: request.ip }
}

/** Joins repeated headers as RFC 9110 and RFC 6265 specify; the service refuses ambiguous results. */
function joined(headers: RequestLike['headers'], name: string, separator: string): string | null {
  if (typeof headers.get === 'function') return headers.get(name)
  return Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? [])
    .join(separator)
}
