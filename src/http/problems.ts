/** Errors on the wire: RFC 9457 problem bodies for programs, a page for people; the cause only in the log. */
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ERRORS, type ErrorCode, Problem } from '../errors.ts'
import { sqlState } from '../storage/failures.ts'
import { errorPage } from '../web/error-page.ts'

/** What every body of an error is, for the OpenAPI document and for the type. */
export const problemSchema = z.object({
  type: z.string().describe('`urn:global-logout:problem:` and the code'),
  title: z.string().describe('the same for every problem with this code'),
  status: z.int(),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]).describe('stable; listed in the README'),
  detail: z.string().describe('what went wrong this time, for people'),
  field: z.string().optional().describe('what of the request is at fault'),
  requestId: z.uuid().describe('to find it in the log'),
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

/** The body for programs. */
export function problemText(problem: Problem, requestId: string): string {
  return JSON.stringify(problemBody(problem, requestId))
}

/** `WWW-Authenticate`, after RFC 6750. */
const CHALLENGES: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'Bearer',
  invalid_token: 'Bearer error="invalid_token"',
  key_required: 'Bearer',
  invalid_key: 'Bearer error="invalid_token"',
  insufficient_scope: 'Bearer error="insufficient_scope"',
}

/** The headers that a problem asks for, whatever its body. */
export function problemHeaders(
  { code, retryAfterSeconds }: Problem,
  requestId: string,
): Record<string, string> {
  return {
    'cache-control': 'no-store',
    'x-request-id': requestId,
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    ...(CHALLENGES[code] && { 'www-authenticate': CHALLENGES[code] }),
  }
}

/** Answers programs: a problem body, with the headers its status asks for. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { id } = reply.request
  reply.code(problem.status).headers(problemHeaders(problem, id)).type('application/problem+json')
  return reply.send(problemText(problem, id))
}

/** Answers people: the same as a page. */
export function sendProblemPage(reply: FastifyReply, problem: Problem): FastifyReply {
  const { id, method } = reply.request
  reply.code(problem.status).headers(problemHeaders(problem, id)).type('text/html; charset=utf-8')
  const sent = method === 'POST'
  return reply.send(String(errorPage({ ...problemBody(problem, id), sent })))
}

export interface Problems {
  /** Is told of every request that was refused with `invalid_token`. */
  refused: (request: FastifyRequest) => void
}
export interface BareProblems extends Problems {
  /** Removes session cookies that differ. Pages leave it to `/signed-out`, which tells why. */
  removeAmbiguous: (request: FastifyRequest, reply: FastifyReply) => void
}

/** Problem bodies for every route, unless a scope inside says otherwise. */
export const problems = fp(async (app: FastifyInstance, { refused, removeAmbiguous }: BareProblems) => {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error, request)
    if (problem.code === 'invalid_token') removeAmbiguous(request, reply)
    sendProblem(reply, problem)
    if (problem.code === 'invalid_token') refused(request)
  })
  app.setNotFoundHandler((request, reply) => {
    const problem = new Problem('not_found', `Nothing answers ${request.method} at this address.`)
    // Browsers ask for text/html by name when they navigate; programs do not.
    const person = request.headers.accept?.includes('text/html')
    return person ? sendProblemPage(reply, problem) : sendProblem(reply, problem)
  })
})

/** Error pages for the routes of one scope; whoever is not signed in is led to the page that tells why. */
export const problemPages = fp(async (app: FastifyInstance, { refused }: Problems) => {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error, request)
    if (problem.status === 401) reply.redirect('/signed-out', 303)
    else sendProblemPage(reply, problem)
    if (problem.code === 'invalid_token') refused(request)
  })
})

/** Fastify's own errors, by code; anything unforeseen is `internal`. */
const FASTIFY_ERRORS: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
}

/** What an error means to the caller. */
function toProblem(error: FastifyError, request: FastifyRequest): Problem {
  return logged(translate(error), () => request.log)
}

/** Logs what went wrong on our side, with its cause. */
export function logged(problem: Problem, log: () => FastifyBaseLogger): Problem {
  const { status, code, detail } = problem
  const level = status === 500 ? 'error' : 'warn'
  if (status >= 500) log()[level]({ err: problem.cause ?? problem, code }, detail)
  return problem
}

export function translate(thrown: unknown): Problem {
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
