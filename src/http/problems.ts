/** Sends errors: RFC 9457 problem bodies to programs, error pages to users. The cause appears only in the log. */
import type { ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyError, FastifyReply } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sqlState } from '../database/failures.ts'
import { ERRORS, type ErrorCode, Problem } from '../errors.ts'
import { errorPage } from '../ui/error-page.ts'
import { sendPage } from './pages.ts'

/** Schema of every problem body. */
export const problemSchema = z.object({
  type: z.string().describe('`urn:global-logout:problem:` and the code'),
  title: z.string().describe('the same for every problem with this code'),
  status: z.int(),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]).describe('stable; listed in the README'),
  detail: z.string().describe('what went wrong in this case, for people'),
  field: z.string().optional().describe('the invalid field of the request'),
  requestId: z.uuid().describe('identifies the request in the log'),
})

export function problemBody(problem: Problem, requestId: string): z.infer<typeof problemSchema> {
  const { code, detail, field, status } = problem
  return {
    type: `urn:global-logout:problem:${code}`,
    title: ERRORS[code].title,
    status,
    code,
    detail,
    ...(field && { field }),
    requestId,
  }
}

/** The problem body as JSON text. */
function problemText(problem: Problem, requestId: string): string {
  return JSON.stringify(problemBody(problem, requestId))
}

/** `WWW-Authenticate`, after RFC 6750 and RFC 9470. */
const CHALLENGES: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'Bearer',
  invalid_token: 'Bearer error="invalid_token"',
  key_required: 'Bearer',
  invalid_key: 'Bearer error="invalid_token"',
  insufficient_scope: 'Bearer error="insufficient_scope"',
  insufficient_user_authentication: 'Bearer error="insufficient_user_authentication"',
}

/** The headers of a problem, for JSON and for pages. */
export function problemHeaders(
  { code, retryAfterSeconds, maxAgeSeconds }: Problem,
  requestId: string,
): Record<string, string> {
  const challenge = CHALLENGES[code]
  const maxAge = maxAgeSeconds === undefined ? '' : `, max_age="${maxAgeSeconds}"`
  return {
    'cache-control': 'no-store',
    'x-request-id': requestId,
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    ...(challenge && { 'www-authenticate': challenge + maxAge }),
  }
}

/** Headers and body of a problem that is answered before Fastify, with the content length. */
export function problemAnswer(
  problem: Problem,
  requestId: string,
): { headers: Record<string, string>; body: string } {
  const body = problemText(problem, requestId)
  const headers = {
    ...problemHeaders(problem, requestId),
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
  }
  return { headers, body }
}

/** Sends a problem body before Fastify. @param cookies `Set-Cookie` lines. */
export function writeProblem(
  raw: ServerResponse,
  problem: Problem,
  requestId: string,
  cookies: readonly string[] = [],
): void {
  const { headers, body } = problemAnswer(problem, requestId)
  raw.writeHead(problem.status, { ...headers, ...(cookies.length > 0 && { 'set-cookie': [...cookies] }) })
  raw.end(body)
}

/** Sends a problem body to a program. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { id } = reply.request
  reply.code(problem.status).headers(problemHeaders(problem, id)).type('application/problem+json')
  return reply.send(problemText(problem, id))
}

/** Sends a problem to a user, as an error page. */
export function sendProblemPage(reply: FastifyReply, problem: Problem): FastifyReply {
  const { id, method } = reply.request
  const { status, code } = problem
  const sent = method === 'POST'
  reply.code(status).headers(problemHeaders(problem, id))
  return sendPage(reply, errorPage(reply.request.view, { status, code, requestId: id, sent }))
}

/** Problem codes for Fastify's errors; any other error is `internal`. */
const FASTIFY_ERRORS: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
}

/** Logs a 5xx problem with its cause. @returns the problem. */
export function logServerError(problem: Problem, log: () => FastifyBaseLogger): Problem {
  const { status, code, detail } = problem
  const level = status === 500 ? 'error' : 'warn'
  if (status >= 500) log()[level]({ err: problem.cause ?? problem, code }, detail)
  return problem
}

/** Converts anything thrown into a problem. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  const error = thrown as FastifyError
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [issue] = error.validation
    const path = issue?.instancePath.split('/').filter(Boolean) ?? []
    const unknownKeys = (issue?.params as { keys?: string[] } | undefined)?.keys ?? []
    const field = [...path, ...unknownKeys.slice(0, 1)].join('.') || error.validationContext || 'body'
    return new Problem('invalid_request', `${field}: ${issue?.message}`, { field })
  }
  const known = FASTIFY_ERRORS[error.code]
  if (known) return new Problem(known, error.message)
  if (sqlState(error) === undefined && error.statusCode && error.statusCode < 500) {
    return new Problem('invalid_request', error.message, { field: 'body' })
  }
  return new Problem('internal', 'The request could not be completed. The log has the cause.', {
    cause: error,
  })
}
