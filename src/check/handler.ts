/**
 * `ANY /check` and `ANY /check/*`, for gateways: 200 with the user and the session as headers, or 401, or 503. Method,
 * suffix, query and body are ignored. It runs in front of Fastify, whose routing, hooks and request logger would cost more
 * than a cached check (docs/decisions/0011-check-in-front-of-fastify.md).
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'
import { Problem } from '../errors.ts'
import type { Address } from '../http/address.ts'
import { logServerError, toProblem, writeProblem } from '../http/problems.ts'
import { atEndOfTurn } from '../lib/end-of-turn.ts'
import type { Cookies } from '../sessions/cookies.ts'
import type { Credential } from '../sessions/credentials.ts'
import type { DeviceHints } from '../sessions/device-columns.ts'
import type { CookieSettings } from '../sessions/guards.ts'
import type { Checker, ValidSession, Verdict } from './checker.ts'
import type { SessionLeases } from './session-leases.ts'
import { maxAuthAgeOf, useOf } from './use.ts'

const INVALID: Verdict = { valid: false }
/** Milliseconds between two log lines about undecided checks: a line for each would cost more than the checks. */
const LOG_INTERVAL_MS = 1_000

/** Whether a URL is a check. A gateway appends the path that it protects, and no spelling of that path may change the answer. */
function isCheck(url: string): boolean {
  return url.startsWith('/check') && (url.length === 6 || url[6] === '/' || url[6] === '?')
}

export interface CheckHandler {
  checking: { checker: Checker; sessionLeases?: SessionLeases }
  cookieSettings: Pick<CookieSettings, 'readCredential' | 'readOthers' | 'warnUnlisted'>
  /** Removes session cookies that differ. */
  cookies: Pick<Cookies, 'ambiguousRemovals'>
  log: FastifyBaseLogger
  /** Counts a check by its outcome. `ms`: from the request to the answer. */
  metrics: { checked(outcome: 'valid' | 'refused' | 'undecided', ms: number): void }
  /** Called with every refused token, `agoMs` milliseconds after its request arrived. */
  replays: { refused(token: string, device: DeviceHints, agoMs: number): void }
  addressOf: (request: IncomingMessage) => Address
  /** Begins a span when the caller traces the request. @returns the function that ends it. */
  traced?: ((headers: IncomingHttpHeaders) => ((status: number) => void) | undefined) | undefined
}

/** @returns a handler that answers checks, and returns false for every other request. */
export function createCheckHandler({
  checking: { checker, sessionLeases = () => null },
  cookieSettings: { readCredential, readOthers, warnUnlisted },
  cookies: { ambiguousRemovals },
  log: logger,
  metrics: { checked },
  replays,
  addressOf,
  traced = () => undefined,
}: CheckHandler) {
  const log = createLog(logger)
  /** The verdict on another session cookie of the request, where the session of the first is over. */
  const checkOthers = async (headers: IncomingHttpHeaders, first: Credential): Promise<Verdict> => {
    for (const { token, mayDecide } of await readOthers(headers, first)) {
      const verdict = mayDecide ? await checker.check(token, useOf(headers)) : INVALID
      if (verdict.valid || verdict.tooOld) return verdict
    }
    return INVALID
  }
  const reportRefused = (token: string, request: IncomingMessage, agoMs: number) => {
    const userAgent = request.headers['user-agent'] ?? null
    replays.refused(token, { userAgent, ipAddress: addressOf(request).client }, agoMs)
  }
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    if (!isCheck(request.url ?? '')) return false
    const startedAt = performance.now()
    const endSpan = traced(request.headers)
    const fail = (error: unknown, cookies?: readonly string[]) => {
      const problem = toProblem(error)
      refuse(response, problem, log, cookies)
      checked(problem.status < 500 ? 'refused' : 'undecided', performance.now() - startedAt)
      endSpan?.(problem.status)
    }
    const decide = (credential: Credential) => {
      if (credential.kind === 'none') {
        warnUnlisted(request.headers)
        throw new Problem('unauthenticated', 'Send the session cookie or a bearer token.')
      }
      const refuseToken = () => {
        const ambiguous = credential.kind === 'refused' ? credential.ambiguous : []
        fail(new Problem('invalid_token', 'Sign in again.'), ambiguousRemovals(ambiguous))
        if (credential.kind === 'token')
          reportRefused(credential.token, request, performance.now() - startedAt)
      }
      const answer = (verdict: Verdict, lease?: string) => {
        if (!verdict.valid) return verdict.tooOld ? fail(signInTooOld(request.headers)) : refuseToken()
        allow(response, verdict, lease)
        checked('valid', performance.now() - startedAt)
        endSpan?.(200)
      }
      const answerFirst = (verdict: Verdict): void | Promise<void> =>
        verdict.valid || verdict.tooOld || !request.headers.cookie
          ? answer(verdict, leaseOf?.(verdict))
          : checkOthers(request.headers, credential).then((other) => answer(other))
      const leaseOf = credential.kind === 'token' ? sessionLeases(request.headers, credential.token) : null
      // Decided where it is answered: a revocation that comes in the same turn is seen.
      atEndOfTurn(() => {
        try {
          const verdict =
            credential.kind === 'token' ? checker.check(credential.token, useOf(request.headers)) : INVALID
          const answered = verdict instanceof Promise ? verdict.then(answerFirst) : answerFirst(verdict)
          answered?.catch((error) => fail(error))
        } catch (error) {
          fail(error)
        }
      })
    }
    try {
      const credential = readCredential(request.headers)
      if (credential instanceof Promise) credential.then(decide).catch((error) => fail(error))
      else decide(credential)
    } catch (error) {
      fail(error)
    }
    return true
  }
}

/** @param lease the value of `x-session-lease`, for a caller that asks for it. */
function allow(response: ServerResponse, session: ValidSession, lease: string | undefined): void {
  const headers = {
    'x-user-id': headerSafe(session.userId),
    'x-session-id': session.sessionId,
    'x-session-created': session.createdAt,
    'x-session-expires': session.expiresAt,
    'cache-control': 'no-store',
    'content-length': '0',
  }
  response.writeHead(200, lease === undefined ? headers : { ...headers, 'x-session-lease': lease })
  response.end()
}

/** RFC 9470. The session stays valid for requests that accept an older sign-in. */
function signInTooOld(headers: IncomingHttpHeaders): Problem {
  const maxAgeSeconds = maxAuthAgeOf(headers)
  const detail = `Sign in again: this needs a sign-in within the last ${maxAgeSeconds} seconds.`
  return new Problem('insufficient_user_authentication', detail, { maxAgeSeconds })
}

type Log = (problem: Problem, requestId: string) => void

/** Logs undecided checks once a second, with their number since the last line; other errors at once. */
function createLog(logger: FastifyBaseLogger): Log {
  let due = Number.NEGATIVE_INFINITY
  let undecided = 0
  return (problem, reqId) => {
    if (problem.code !== 'unavailable') return void logServerError(problem, () => logger.child({ reqId }))
    undecided++
    const now = performance.now()
    if (now < due) return
    logServerError(problem, () => logger.child({ reqId, undecided }))
    due = now + LOG_INTERVAL_MS
    undecided = 0
  }
}

/** Answers with a problem. `log` writes a line for errors on our side only. */
function refuse(response: ServerResponse, problem: Problem, log: Log, cookies?: readonly string[]): void {
  if (response.headersSent) return
  const requestId = crypto.randomUUID()
  log(problem, requestId)
  writeProblem(response, problem, requestId, cookies)
}

/** The user id as a header value: visible ASCII unchanged, all else and `%` percent-encoded, so that no two ids collide. */
function headerSafe(userId: string): string {
  return /^[\x21-\x24\x26-\x7e]+$/.test(userId) ? userId : encodeURIComponent(userId)
}
