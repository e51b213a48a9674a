/** Checks a request for the middleware: returns its identity, or the response that refuses it. */
import type { Client } from './client.ts'
import type { RequestLike } from './credentials.ts'
import { UndecidedError } from './errors.ts'
import type { RefusalCode } from './refusal.ts'
import type { Identity } from './sessions.ts'

export interface AdmissionOptions {
  /** Accept requests that are not signed in, with `identity` null. Undecided requests are always refused. */
  optional?: boolean
}

/** The response to a refused request. */
export interface Refusal {
  status: 401 | 503
  headers: Record<string, string>
  /** A problem body (RFC 9457), with titles and codes of the service. */
  body: string
}

type Admission = ({ identity: Identity | null } | { refusal: Refusal }) & { cookies: readonly string[] }

/** Identity headers of a gateway, which a client could forge; includes spellings that some servers and proxies use. */
const IDENTITY_HEADER = /^x[^a-z0-9](user|session)[^a-z0-9]id$/i

/**
 * @returns the identity (null if not signed in and `optional`), or the refusal. `cookies` are `Set-Cookie` lines for the
 * response. @throws what `verdict` throws, except UndecidedError.
 */
export async function admit(
  client: Pick<Client, 'verdict'>,
  request: RequestLike,
  { optional = false }: AdmissionOptions = {},
): Promise<Admission> {
  try {
    const verdict = await client.verdict(request)
    if (verdict.identity) return { identity: verdict.identity, cookies: [] }
    const { code, cookies = [] } = verdict
    return optional ? { identity: null, cookies } : { refusal: signedOut(code), cookies }
  } catch (error) {
    if (error instanceof UndecidedError) return { refusal: undecided(error), cookies: [] }
    throw error
  }
}

/** Removes identity headers that the client sent: only `identity` is trusted. */
export function stripIdentity(headers: Record<string, unknown>): void {
  for (const name of Object.keys(headers)) if (isIdentityHeader(name)) delete headers[name]
}

export function isIdentityHeader(name: string): boolean {
  return IDENTITY_HEADER.test(name)
}

function signedOut(code: RefusalCode): Refusal {
  if (code === 'unauthenticated')
    return refusal(401, code, 'No session token in the request', 'Sign in first.', {
      'www-authenticate': 'Bearer',
    })
  return refusal(401, code, 'Session not valid', 'Sign in again.', {
    'www-authenticate': 'Bearer error="invalid_token"',
  })
}

function undecided({ retryAfterSeconds }: UndecidedError): Refusal {
  const detail = 'The session could not be checked. Try again.'
  return refusal(503, 'unavailable', 'Temporarily unavailable', detail, {
    'retry-after': String(retryAfterSeconds),
  })
}

function refusal(
  status: Refusal['status'],
  code: string,
  title: string,
  detail: string,
  headers: Record<string, string>,
): Refusal {
  return {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({ type: `urn:global-logout:problem:${code}`, title, status, code, detail }),
  }
}
