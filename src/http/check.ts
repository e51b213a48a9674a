/**
 * `ANY /check` and `ANY /check/*`, for gateways: 200 with `X-User-ID` and `X-Session-ID`, or 401, or 503.
 * Method, suffix, query and body say nothing about a session and are not looked at.
 */
import { METHODS } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Checker, Verdict } from '../checking/checker.ts'
import { Problem } from '../errors.ts'
import { readCredential } from './credentials.ts'

/** Node answers CONNECT by itself: it names no path. */
const ANY_METHOD = METHODS.filter((method) => method !== 'CONNECT')
const REFUSED: Verdict = { valid: false }

/**
 * `/check/whatever?it=is` → `/check`, before routing: a gateway appends the path it protects, and no spelling of
 * that path, valid or not, may decide about the session.
 */
export function withoutSuffix(url: string): string {
  return /^\/check[/?]/.test(url) ? '/check' : url
}

export async function checkRoutes(
  app: FastifyInstance,
  { checker, cookieName }: { checker: Checker; cookieName: string },
) {
  for (const method of ANY_METHOD) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  // A logger made for each request would cost as much as the check itself; failures get theirs when they happen.
  app.setChildLoggerFactory((logger) => logger)

  app.route({
    method: ANY_METHOD,
    url: '/check',
    config: { quiet: true },
    // Answered before Fastify looks at the body: neither its type nor its size nor its syntax matters here.
    // By callback, because a promise costs a tenth of a check that is answered from memory.
    onRequest(request, reply, fail) {
      const credential = readCredential(request.headers, cookieName)
      if (credential.kind === 'none')
        return fail(new Problem('unauthenticated', 'Send the session cookie or a bearer token.'))
      const answer = (verdict: Verdict) =>
        verdict.valid ? allow(reply, verdict) : fail(new Problem('invalid_token', 'Sign in again.'))
      const verdict = credential.kind === 'token' ? checker.check(credential.token) : REFUSED
      if (verdict instanceof Promise) verdict.then(answer).catch(fail)
      else answer(verdict)
    },
    handler: async () => {},
  })
}

function allow(reply: FastifyReply, { userId, sessionId }: { userId: string; sessionId: string }): void {
  reply
    .header('x-user-id', headerSafe(userId))
    .header('x-session-id', sessionId)
    .header('cache-control', 'no-store')
    .send()
}

/** Visible ASCII goes as it is; anything else is percent-encoded, and so is `%`, so that no two ids look the same. */
export function headerSafe(userId: string): string {
  return /^[\x21-\x24\x26-\x7e]+$/.test(userId) ? userId : encodeURIComponent(userId)
}
