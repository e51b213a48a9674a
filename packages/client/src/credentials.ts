/**
 * What of a request goes to the service: the two headers that may carry a session token; and who sent it from where, for the
 * record of tokens that come again after their end. Nothing else.
 */

/** A fetch-style `Request`, a Node `IncomingMessage`, or anything else with headers. */
export interface RequestLike {
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>
  /** The address of the client, as Fastify and Express have it. */
  readonly ip?: string | undefined
}

export type Credentials = {
  cookie?: string
  authorization?: string
  'user-agent'?: string
  'x-forwarded-for'?: string
}

/** The headers to send. */
export function credentialsOf({ headers, ip }: RequestLike): Credentials {
  const found: Credentials = {}
  for (const [name, separator] of [
    ['cookie', '; '],
    ['authorization', ', '],
    ['user-agent', ' '],
  ] as const) {
    const value = joined(headers, name, separator)
    if (value) found[name] = value
  }
  // Not the client's own header, which it may have made up. The service believes it of proxies that it trusts.
  if (ip) found['x-forwarded-for'] = ip
  return found
}

export function hasToken({ cookie, authorization }: Credentials): boolean {
  return cookie !== undefined || authorization !== undefined
}

/** What is needed of a request to ask about it again. */
export function kept(request: RequestLike): RequestLike {
  return { headers: { ...credentialsOf(request) }, ip: request.ip }
}

/** Repeated headers are joined as RFC 9110 and RFC 6265 join them; the service refuses what becomes ambiguous by it. */
function joined(headers: RequestLike['headers'], name: string, separator: string): string | null {
  if (typeof headers.get === 'function') return headers.get(name)
  return Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? [])
    .join(separator)
}
