/** What of a request goes to the service: the two headers that may carry a session token, and nothing else. */

/** A fetch-style `Request`, a Node `IncomingMessage`, or anything else with headers. */
export interface RequestLike {
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>
}

export type Credentials = { cookie?: string; authorization?: string }

/** @returns an empty object for a request that comes without any. */
export function credentialsOf({ headers }: RequestLike): Credentials {
  const found: Credentials = {}
  const cookie = joined(headers, 'cookie', '; ')
  const authorization = joined(headers, 'authorization', ', ')
  if (cookie) found.cookie = cookie
  if (authorization) found.authorization = authorization
  return found
}

/** Repeated headers are joined as RFC 9110 and RFC 6265 join them; the service refuses what becomes ambiguous by it. */
function joined(headers: RequestLike['headers'], name: string, separator: string): string | null {
  if (typeof headers.get === 'function') return headers.get(name)
  return Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? [])
    .join(separator)
}
