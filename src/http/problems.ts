/** Errors on the wire: RFC 9457 problem bodies for programs, a page for people; the cause only in the log. */
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { $ZodIssue } from 'zod/v4/core'
import { ERRORS, type ErrorCode, Problem } from '../errors.ts'
import { sqlState } from '../storage/database.ts'
import { errorPage } from '../web/error-page.ts'

export function problemBody(problem: Problem, requestId: string) {
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

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { request } = reply
  reply.code(problem.status).header('cache-control', 'no-store')
  if (problem.status === 503) reply.header('retry-after', '1')
  if (problem.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer')
  if (problem.code === 'invalid_token') reply.header('www-authenticate', 'Bearer error="invalid_token"')
  const body = problemBody(problem, request.id)
  if (wantsPage(request)) return reply.type('text/html; charset=utf-8').send(String(errorPage(body)))
  return reply.type('application/problem+json').send(JSON.stringify(body))
}

/** Browsers ask for `text/html` by name when they navigate; programs do not. */
export function wantsPage(request: FastifyRequest): boolean {
  return !request.url.startsWith('/api/') && (request.headers.accept ?? '').includes('text/html')
}

export const problems = fp(async (app: FastifyInstance) => {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error)
    if (problem.status >= 500) {
      request.log[problem.status === 500 ? 'error' : 'warn'](
        { err: problem.cause ?? error, code: problem.code },
        problem.detail,
      )
    }
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, new Problem('not_found', `Nothing answers ${request.method} at this address.`)),
  )
})

/** Fastify's own errors, by code; anything unforeseen is `internal`. */
const FASTIFY_ERRORS: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
}

function toProblem(error: FastifyError): Problem {
  if (error instanceof Problem) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issue = error.validation[0]?.params.issue as $ZodIssue
    const unknownKey = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
    const field =
      [...issue.path, ...(unknownKey ? [unknownKey] : [])].join('.') || error.validationContext || 'body'
    return new Problem('invalid_request', `${field}: ${issue.message}`, { field })
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

/** Requests that Node's HTTP parser refuses never reach a route; they get the same kind of body. */
export function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const code = PARSER_ERRORS[error.code ?? ''] ?? 'invalid_request'
  const body = JSON.stringify(
    problemBody(new Problem(code, 'The request could not be read.'), crypto.randomUUID()),
  )
  const { status } = ERRORS[code]
  socket.end(
    `HTTP/1.1 ${status} ${ERRORS[code].title}\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

const PARSER_ERRORS: Record<string, ErrorCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
}
