/** What the OpenAPI document says of `/check`. By hand, because it is answered in front of Fastify (../check.ts). */
import type { Draft } from './responses.ts'

const description =
  'For gateways, once for every request they let through. The token comes from the session cookie, else from `Authorization: Bearer`. ' +
  'Any method is answered alike; suffix, query and body are not looked at. Let the request pass on 200 only, and set both headers from the answer. ' +
  'What cannot be decided is 503.'

const check: Draft = {
  tags: ['gateways'],
  summary: 'Is this session valid, and whose is it?',
  description,
  security: [{ sessionCookie: [] }, { sessionToken: [] }],
  'x-problems': ['unauthenticated', 'invalid_token', 'unavailable'],
  responses: {
    200: {
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
  },
}

export const checkPaths: Record<string, { get: Draft }> = {
  '/check': { get: { ...check, operationId: 'check' } },
  '/check/{path}': {
    get: {
      ...check,
      operationId: 'checkPath',
      parameters: [
        {
          name: 'path',
          in: 'path',
          required: true,
          description: 'The path that the gateway protects, with all its slashes; not looked at.',
          schema: { type: 'string' },
          example: 'orders/17',
        },
      ],
    },
  },
}
