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

/** What joins repeated headers, as RFC 9110 and RFC 6265 specify; the service refuses ambiguous results. */
const SEPARATORS = {
  cookie: '; ',
  authorization: ', ',
  'user-agent': ' ',
  'sec-purpose': ', ',
  'x-session-activity': ', ',
} as const
type Sent = keyof typeof SEPARATORS
const SENT = Object.keys(SEPARATORS) as Sent[]
/** Most other names are told by their length. */
const LENGTHS = SENT.map((name) => name.length)

/** The headers to send. */
export function credentialsOf({ headers, ip }: RequestLike): Credentials {
  const found: Credentials = {}
  if (typeof headers.get === 'function') {
    for (const name of SENT) {
      const value = headers.get(name)
      if (value) found[name] = value
    }
  } else collect(headers as Readonly<Record<string, string | readonly string[] | undefined>>, found)
  // Not the client's own header, which can be forged. The service accepts this header only from trusted proxies.
  if (ip) found['x-forwarded-for'] = ip
  return found
}

/** In one pass: this runs for each check from memory. */
function collect(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  found: Credentials,
): void {
  for (const key of Object.keys(headers)) {
    if (!LENGTHS.includes(key.length)) continue
    const name = key.toLowerCase() as Sent
    if (!Object.hasOwn(SEPARATORS, name)) continue
    const given = headers[key]
    const value = Array.isArray(given) ? given.join(SEPARATORS[name]) : (given as string | undefined)
    if (value == null) continue
    found[name] = found[name] === undefined ? value : found[name] + SEPARATORS[name] + value
  }
  for (const name of SENT) if (found[name] === '') delete found[name]
}

export function hasToken({ cookie, authorization }: Credentials): boolean {
  return cookie !== undefined || authorization !== undefined
}

/** The parts of a request that are needed to check it again. */
export function keepCredentials(request: RequestLike): RequestLike {
  return { headers: { ...credentialsOf(request) }, ip: request.ip }
}
