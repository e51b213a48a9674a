/**
 * Completes the OpenAPI document with what is common to all routes: problem responses by status, their headers, and problems
 * that can occur before a request reaches its route.
 */
import type { OpenAPIV3_1 } from 'openapi-types'
import { z } from 'zod'
import { ERRORS, type ErrorCode, Problem } from '../../errors.ts'
import { problemBody, problemHeaders, problemSchema } from '../problems.ts'

/** An operation of the incomplete document. */
export type Draft = OpenAPIV3_1.OperationObject & {
  'x-problems'?: readonly ErrorCode[]
  'x-may-lack-body'?: boolean
}

/** Problems that any request can get. */
const ALWAYS: readonly ErrorCode[] = ['request_timeout', 'headers_too_large', 'internal']

/** What most callers come for. The page of the API shows paths in the order of the document, below their tags. */
const FIRST = [
  '/check',
  '/api/logout',
  '/api/sessions',
  '/api/session',
  '/introspect',
  '/events',
  '/api/admin/users',
  '/api/admin/users/{id}/revoke',
  '/api/admin/users/{id}/sessions',
]
const rankOf = (path: string) => (FIRST.includes(path) ? FIRST.indexOf(path) : FIRST.length)

/** Adds the responses that are common to all routes. */
export function completeDocument(document: OpenAPIV3_1.Document): OpenAPIV3_1.Document {
  const items = document.paths as Record<string, Record<string, Draft>>
  const sorted = mapValues(items, (item) => mapValues(item, completeOperation))
  const paths = Object.fromEntries(
    Object.entries(sorted).sort(([one], [other]) => rankOf(one) - rankOf(other)),
  )
  const references = JSON.stringify(paths).matchAll(/"#\/components\/responses\/([\w.]+)"/g)
  const mentioned = new Set([...references].map(([, name = '']) => name))
  const named = document.components?.responses ?? {}
  return {
    ...document,
    paths,
    components: {
      ...document.components,
      schemas: { Problem: jsonSchemaOf(problemSchema) },
      headers: HEADERS,
      responses: Object.fromEntries(
        [...mentioned].map((name) => [name, named[name] ?? problemResponse(name.split('.') as ErrorCode[])]),
      ),
    },
  }
}

/** Sorts by key, so that the document does not depend on the order of registration. */
function mapValues<T, U>(object: Record<string, T>, map: (value: T) => U): Record<string, U> {
  const entries = Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, value]) => [key, map(value)]))
}

function completeOperation({
  'x-problems': codes = [],
  'x-may-lack-body': mayLackBody,
  requestBody,
  responses = {},
  ...operation
}: Draft): OpenAPIV3_1.OperationObject {
  const answered = mapValues(responses, (response) =>
    '$ref' in response ? response : { headers: headersNamed(['x-request-id']), ...response },
  )
  return {
    ...operation,
    ...(requestBody && { requestBody: { ...requestBody, required: !mayLackBody } }),
    responses: { ...answered, ...problemResponses([...codes, ...ALWAYS]) },
  }
}

/** One problem response per status, as a reference: routes with the same codes share it. */
function problemResponses(all: ErrorCode[]): OpenAPIV3_1.ResponsesObject {
  const byStatus = Object.groupBy(new Set(all), (code) => ERRORS[code].status)
  return mapValues(byStatus, (codes = []) => ({
    $ref: `#/components/responses/${codes.toSorted().join('.')}`,
  }))
}

function problemResponse(codes: ErrorCode[]): OpenAPIV3_1.ResponseObject {
  const requestId = '0b0f4f2e-7c57-4f37-9d0e-2f4b7f1f1c55'
  const problems = codes.map((code) => {
    const { status, title } = ERRORS[code]
    return new Problem(code, `${title}.`, status === 429 ? { retryAfterSeconds: 60 } : {})
  })
  const headers = new Set(problems.flatMap((problem) => Object.keys(problemHeaders(problem, requestId))))
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}.`).join('\n\n'),
    headers: headersNamed([...headers]),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', properties: { code: { enum: codes } } },
          ],
        },
        examples: Object.fromEntries(
          problems.map((problem) => [problem.code, { value: problemBody(problem, requestId) }]),
        ),
      },
    },
  }
}

function headersNamed(names: string[]): Record<string, OpenAPIV3_1.ReferenceObject> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

const text = (description: string): OpenAPIV3_1.HeaderObject => ({ description, schema: { type: 'string' } })

const HEADERS: Record<string, OpenAPIV3_1.HeaderObject> = {
  'cache-control': text('Always `no-store`.'),
  'x-request-id': text('The `requestId` of the body, and of the log.'),
  'retry-after': { description: 'Seconds after which a retry makes sense.', schema: { type: 'integer' } },
  'www-authenticate': text('As in RFC 6750: `Bearer`, with `error` if the request had a credential.'),
}

function jsonSchemaOf(schema: z.ZodType): OpenAPIV3_1.SchemaObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema)
  return rest as OpenAPIV3_1.SchemaObject
}
