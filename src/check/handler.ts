/**
 * `ANY /check` and `ANY /check/*`, for gateways: 200 with `X-User-ID` and `X-Session-ID`, or 401, or 503. Method,
 * suffix, query and body say nothing about a session and are not looked at. Answered in front of Fastify, whose
 * routing, hooks and logger for each request would cost more than a check from memory does.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'
import { Problem } from '../errors.ts'
import type { Address } from '../http/address.ts'
import { logged, translate, writeProblem } from '../http/problems.ts'
import type { Cookies } from '../sessions/cookies.ts'
import { readCredential } from '../sessions/credentials.ts'
import type { DeviceHints } from '../sessions/device-columns.ts'
import type { CookieSettings } from '../sessions/guards.ts'
import type { Checker, Verdict } from './checker.ts'

const REFUSED: Verdict = { valid: false }
/** With the database away, a line for each check would hold up the process more than the checks do. In milliseconds. */
const COMPLAINT_MS = 1_000

/** A gateway appends the path it protects; no spelling of that path, valid or not, may decide about the session. */
export function isCheck(url: string): boolean {
  return url.startsWith('/check') && (url.length === 6 || url[6] === '/' || url[6] === '?')
}

export interface CheckHandler {
  checking: { checker: Checker }
  cookieSettings: Pick<CookieSettings, 'cookieName'>
  /** A client that sent two session cookies that differ is told to remove both. */
  cookies: Pick<Cookies, 'sessionGone'>
  log: FastifyBaseLogger
  /** Counts a check by its outcome; `ms` from the request to the answer. */
  metrics: { checked(outcome: 'valid' | 'refused' | 'undecided', ms: number): void }
  /** Hears of every token that was refused, `agoMs` after its request arrived. */
  replays: { refused(token: string, device: DeviceHints, agoMs: number): void }
  addressOf: (request: IncomingMessage) => Address
  /** Begins a span, where the caller traces the request. @returns what ends it. */
  traced?: ((headers: IncomingHttpHeaders) => ((status: number) => void) | undefined) | undefined
}

/** @returns a handler that answers checks, and returns false for every other request. */
export function createCheckHandler({
  checking: { checker },
  cookieSettings: { cookieName },
  cookies: { sessionGone },
  log: logger,
  metrics: { checked },
  replays,
  addressOf,
  traced = () => undefined,
}: CheckHandler) {
  const log = logOf(logger)
  const reportRefused = (token: string, request: IncomingMessage, agoMs: number) => {
    const userAgent = request.headers['user-agent'] ?? null
    replays.refused(token, { userAgent, ipAddress: addressOf(request).client }, agoMs)
  }
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    if (!isCheck(request.url ?? '')) return false
    const begun = performance.now()
    const endSpan = traced(request.headers)
    const fail = (error: unknown, cookies?: readonly string[]) => {
      const problem = translate(error)
      refuse(response, problem, log, cookies)
      checked(problem.status < 500 ? 'refused' : 'undecided', performance.now() - begun)
      endSpan?.(problem.status)
    }
    try {
      const credential = readCredential(request.headers, cookieName)
      if (credential.kind === 'none')
        throw new Problem('unauthenticated', 'Send the session cookie or a bearer token.')
      const answer = (verdict: Verdict) => {
        if (!verdict.valid) {
          const ambiguous = credential.kind === 'refused' && credential.ambiguous
          fail(new Problem('invalid_token', 'Sign in again.'), ambiguous ? sessionGone : undefined)
          if (credential.kind === 'token') reportRefused(credential.token, request, performance.now() - begun)
          return
        }
        allow(response, verdict)
        checked('valid', performance.now() - begun)
        endSpan?.(200)
      }
      const verdict = credential.kind === 'token' ? checker.check(credential.token) : REFUSED
      if (verdict instanceof Promise) verdict.then(answer).catch((error) => fail(error))
      else answer(verdict)
    } catch (error) {
      fail(error)
    }
    return true
  }
}

function allow(response: ServerResponse, { userId, sessionId }: { userId: string; sessionId: string }): void {
  response.writeHead(200, {
    'x-user-id': headerSafe(userId),
    'x-session-id': sessionId,
    'cache-control': 'no-store',
    'content-length': '0',
  })
  response.end()
}

type Log = (problem: Problem, requestId: string) => void

/** Of checks that cannot be decided there is one line a second, with how many there were since the one before. */
function logOf(logger: FastifyBaseLogger): Log {
  let due = Number.NEGATIVE_INFINITY
  let undecided = 0
  return (problem, reqId) => {
    if (problem.code !== 'unavailable') return void logged(problem, () => logger.child({ reqId }))
    undecided++
    const now = performance.now()
    if (now < due) return
    logged(problem, () => logger.child({ reqId, undecided }))
    due = now + COMPLAINT_MS
    undecided = 0
  }
}

/** What went wrong on our side is logged; no line is written for a check that was answered. */
function refuse(response: ServerResponse, problem: Problem, log: Log, cookies?: readonly string[]): void {
  if (response.headersSent) return
  const requestId = crypto.randomUUID()
  log(problem, requestId)
  writeProblem(response, problem, requestId, cookies)
}

/** Visible ASCII goes as it is; anything else is percent-encoded, and so is `%`, so that no two ids look the same. */
export function headerSafe(userId: string): string {
  return /^[\x21-\x24\x26-\x7e]+$/.test(userId) ? userId : encodeURIComponent(userId)
}
