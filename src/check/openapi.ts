/** The OpenAPI description of `/check`, written by hand because the handler runs in front of Fastify (handler.ts). */
import type { RawPaths } from '../http/openapi/document.ts'
import type { Draft } from '../http/openapi/responses.ts'

/** Gateways send the method of the request that they protect. */
const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options']

const check: Draft = {
  tags: ['gateways'],
  summary: 'Is this session valid, and whose is it?',
  security: [{ sessionCookie: [] }, { sessionToken: [] }],
  'x-problems': [
    'unauthenticated',
    'invalid_token',
    'insufficient_user_authentication',
    'invalid_request',
    'unavailable',
  ],
  responses: { 200: { $ref: '#/components/responses/session_is_valid' } },
}

const description =
  'For gateways, once for every request they let through. The token comes from the session cookie, else from `Authorization: Bearer`. ' +
  'Method, suffix, query and body are ignored. Let the request pass on 200 only, and set `X-User-ID` and `X-Session-ID` from the answer. ' +
  'When two session cookies differ, the 401 has `Set-Cookie` lines that remove both. ' +
  'A check that cannot be decided is answered 503.'

/** The headers that a check reads besides the credentials. */
const asked: NonNullable<Draft['parameters']> = [
  {
    name: 'X-Max-Auth-Age',
    in: 'header',
    description:
      'The maximum age of the sign-in, in seconds; an older one is refused with `insufficient_user_authentication`. Set by the gateway, which drops what the client sent. Of several the smallest counts.',
    schema: { type: 'string', pattern: '^\\d{1,9}$' },
    example: '300',
  },
  {
    name: 'X-Session-Activity',
    in: 'header',
    description:
      '`none` for polling: the check does not extend the session, and shows in "last seen". `Sec-Purpose: prefetch`, which browsers send, does the same.',
    schema: { type: 'string' },
    example: 'none',
  },
  {
    name: 'X-Lease',
    in: 'header',
    description:
      '`1` from a service that holds a lease (`POST /leases`): the 200 then has `X-Session-Lease`.',
    schema: { type: 'string' },
    example: '1',
  },
]

const parameters: NonNullable<Draft['parameters']> = [
  {
    name: 'path',
    in: 'path',
    required: true,
    description: 'The path that the gateway protects, with all its slashes; ignored.',
    schema: { type: 'string' },
    example: 'orders/17',
  },
]

/** The operation under each method; only GET has the description, and is among the first on the page. */
function byMethod(operationId: string, draft: Draft): Record<string, Draft> {
  const others = METHODS.map((method) => [
    method,
    { ...draft, operationId: `${operationId}-${method}`, tags: ['gateways, other methods'] },
  ])
  return { ...Object.fromEntries(others), get: { ...draft, operationId, description } }
}

const paths: RawPaths['paths'] = {
  '/check': byMethod('check', { ...check, parameters: asked }),
  '/check/{path}': byMethod('checkPath', { ...check, parameters: [...parameters, ...asked] }),
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
      'x-session-created': {
        description: 'When the user signed in, in seconds since 1970. Gateways ignore it.',
        required: true,
        schema: { type: 'integer' },
      },
      'x-session-expires': {
        description:
          'When the session ends if it is not used again, in seconds since 1970. A later use may already have extended it. Gateways ignore it.',
        required: true,
        schema: { type: 'integer' },
      },
      'x-session-lease': {
        description:
          'JSON, only for a check with `X-Lease: 1` and without `X-Max-Auth-Age`, and never with `CHECK_MODE=database`: `token` (hashed), `server` and `snapshot` (the cursor before the check), `seconds` (until the session ends without further use), `touch` and `passive` (until a use that is, or is no, activity is due to be told) and `interval` (between two). Gateways ignore it.',
        required: false,
        schema: { type: 'string' },
      },
      'cache-control': { $ref: '#/components/headers/cache-control' },
    },
  },
}

export const documentedCheck: RawPaths = { paths, responses }
