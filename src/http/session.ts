/** Who is asking: the living session behind a request, for the routes that need one. */
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { Problem } from '../errors.ts'
import type { Origin, Sessions } from '../sessions/sessions.ts'
import type { LiveSession } from '../storage/sessions.ts'
import { type Credential, readCredential } from './credentials.ts'
import { assertSameOrigin } from './same-origin.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireSession`. */
    session: LiveSession
  }
}

export interface Visitor {
  cookieName: string
  publicOrigin: string
}

/** The token of the request. @throws Problem `unauthenticated` without one, `invalid_token` for an ambiguous one. */
export function requireToken(
  request: FastifyRequest,
  visitor: Visitor,
): Extract<Credential, { kind: 'token' }> {
  const credential = readCredential(request.headers, visitor.cookieName)
  if (credential.kind === 'none')
    throw new Problem('unauthenticated', 'Send the session cookie or a bearer token.')
  if (credential.kind === 'refused') throw new Problem('invalid_token', 'Sign in again.')
  return credential
}

/** The token of a request that changes something: by cookie it needs a same-origin proof. */
export function requireTokenForChange(request: FastifyRequest, visitor: Visitor): string {
  const { token, via } = requireToken(request, visitor)
  if (via === 'cookie') assertSameOrigin(request.headers, visitor.publicOrigin)
  return token
}

/** A hook that lets only signed-in users pass and puts their session on the request. */
export function requireSession(sessions: Sessions, visitor: Visitor) {
  return async (request: FastifyRequest) => {
    const found = await sessions.find(requireToken(request, visitor).token)
    if (!found) throw new Problem('invalid_token', 'Sign in again.')
    request.session = found
  }
}

/** Longest user agent worth keeping, in characters. */
const MAX_USER_AGENT = 512

/** Where the request came from, for the record. */
export function originOf(request: FastifyRequest): Origin {
  return {
    userAgent: request.headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? null,
    ipAddress: plainAddress(request.ip),
    requestId: request.id,
  }
}

/** PostgreSQL's `inet` knows neither zones nor a reason to call 203.0.113.7 `::ffff:203.0.113.7`. */
function plainAddress(ip: string): string | null {
  const address = ip.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return isIP(address) ? address : null
}
