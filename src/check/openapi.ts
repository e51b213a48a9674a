/** The OpenAPI description of `/check`, written by hand because the handler runs in front of Fastify (handler.ts). */
import type { RawPaths } from '../http/openapi/document.ts'
import type { Draft } from '../http/openapi/responses.ts'

/** Gateways send the method of the request that they protect. */
const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options']

const check: Draft = {
  tags: ['gateways'],
  summary: 'Is this session valid, and whose is it?',
  security: [{ sessionCookie: [] }, { sessionToken: [] }],
  'x-problems': ['unauthenticated', 'invalid_token', 'unavailable'],
  responses: { 200: { $ref: '#/components/responses/session_is_valid' } },
}

const description =
  'For gateways, once for every request they let through. The token comes from the session cookie, else from `Authorization: Bearer`. ' +
  'Method, suffix, query and body are ignored. Let the request pass on 200 only, and set both headers from the answer. ' +
  'When two session cookies differ, the 401 has `Set-Cookie` lines that remove both. ' +
  'A check that cannot be decided is answered 503.'

const parameters: Draft['parameters'] = [
  {
    name: 'path',
    in: 'path',
    required: true,
    description: 'The path that the gateway protects, with all its slashes; ignored.',
    schema: { type: 'string' },
    example: 'orders/17',
  },
]

/** The operation under each method; only GET has the description. */
function byMethod(operationId: string, draft: Draft): Record<string, Draft> {
  const others = METHODS.map((method) => [method, { ...draft, operationId: `${operationId}-${method}` }])
  return { ...Object.fromEntries(others), get: { ...draft, operationId, description } }
}

const paths: RawPaths['paths'] = {
  '/check': byMethod('check', check),
  '/check/{path}': byMethod('checkPath', { ...check, parameters }),
}

const responses: RawPaths['responses'] = {
  session_is_valid: {
    description: 'The session is valid. The body is empty.',
    headers: {
      'x-user-id': {
        description: 'The user. Percent-encoded when the id holds anything but visible ASCII, or a `%`.',
        required: true,
        schema: { type: 'string' },
        example: 'demo-ada',
      },
      'x-session-id': {
        description: 'The public id of the session.',
        required: true,
        schema: { type: 'string', format: 'uuid' },
      },
      'cache-control': { $ref: '#/components/headers/cache-control' },
    },
  },
}

export const documentedCheck: RawPaths = { paths, responses }
