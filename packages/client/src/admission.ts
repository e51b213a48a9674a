/** What a server does with a request before its own work: lets it pass with an identity, or says why not. */
import type { Identity } from './check.ts'
import type { Client } from './client.ts'
import type { RequestLike } from './credentials.ts'
import { UndecidedError } from './errors.ts'
import type { RefusalCode } from './refusal.ts'

export interface AdmissionOptions {
  /** Lets requests pass that are not signed in, with `identity` null. Undecided ones never pass. */
  optional?: boolean
}

/** An answer in place of the application's own. */
export interface Refusal {
  status: 401 | 503
  headers: Record<string, string>
  /** A problem body (RFC 9457), with the words and codes of the service. */
  body: string
}

type Admission = ({ identity: Identity | null } | { refusal: Refusal }) & { cookies: readonly string[] }

/** Headers of a gateway that a client could have made up; also as some servers and proxies respell them. */
const IDENTITY_HEADER = /^x[^a-z0-9](user|session)[^a-z0-9]id$/i

/**
 * @returns the identity, or null for one that is not signed in where that is `optional`; else what to answer. In both cases
 * `cookies` are `Set-Cookie` lines for the answer. Whatever else `verdict` throws is thrown.
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

/** Takes away what the client says about who it is: only `identity` tells that. */
export function stripIdentity(headers: Record<string, unknown>): void {
  for (const name of Object.keys(headers)) if (IDENTITY_HEADER.test(name)) delete headers[name]
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
