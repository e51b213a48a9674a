/** Builds the OpenAPI 3.1 document from the routes: their schemas and their problem codes. */
import type { SwaggerOptions, SwaggerTransform } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import type { OpenAPIV3_1 } from 'openapi-types'
import { z } from 'zod'
import type { ErrorCode } from '../../errors.ts'
import { version } from '../../version.ts'
import { completeDocument, type Draft } from './responses.ts'

declare module 'fastify' {
  interface FastifySchema {
    /** Problem codes of this route, in addition to those of all routes. */
    problems?: readonly ErrorCode[]
  }
}

/** Values for the `security` of a route: who may call it. */
export const callers = {
  anyone: [],
  user: [{ sessionCookie: [] }, { sessionToken: [] }],
  service: (scope: string) => [{ serviceKey: [scope] }],
  staff: [{ serviceKey: ['security'] }, { sessionCookie: [] }, { sessionToken: [] }],
} as const

const WITH_INPUT: readonly ErrorCode[] = ['invalid_request']
const WITH_BODY: readonly ErrorCode[] = ['invalid_request', 'body_too_large', 'unsupported_media_type']

/** Documentation of paths that are answered before Fastify. */
export interface RawPaths {
  paths: Record<string, Record<string, Draft>>
  responses: Record<string, OpenAPIV3_1.ResponseObject>
}

/** Options for `@fastify/swagger`. Routes without a tag are pages and files; the document leaves them out. */
export function documentOptions(
  cookieName: string,
  { paths, responses }: RawPaths,
  basePath: string,
): SwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'global-logout',
        version,
        summary: 'Sign out everywhere, immediately.',
        description:
          'When a global logout answers 200, every session of that user is ended, and the next check of each is refused. ' +
          'Errors are `application/problem+json` (RFC 9457) with a stable `code`; unknown, expired and revoked tokens get the same 401. ' +
          '503 means that the service cannot decide: neither "valid" nor "signed out".',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [
        { url: '/', description: 'The service that serves this document' },
        ...(basePath
          ? [{ url: basePath, description: 'BASE_PATH, for browsers: what users and staff call' }]
          : []),
      ],
      tags: [
        {
          name: 'gateways',
          description:
            'Check the session of every request; need no credential of their own. Any method will do.',
        },
        { name: 'users', description: 'List and end their own sessions, by cookie or bearer token.' },
        { name: 'services', description: 'Authenticate with a service key ("global-logout keys").' },
        {
          name: 'staff',
          description:
            'List and end sessions of any user, with a staff role or a service key with the scope `security`.',
        },
        { name: 'operators', description: 'Monitor the service.' },
        {
          name: 'gateways, other methods',
          description: 'The same check: gateways pass on the method of the request that they protect.',
        },
      ],
      paths: paths as object as OpenAPIV3_1.PathsObject,
      components: {
        responses,
        securitySchemes: {
          sessionCookie: {
            type: 'apiKey',
            in: 'cookie',
            name: cookieName,
            description:
              'The session token in its cookie. A state-changing request also needs `Sec-Fetch-Site: same-origin`, or an `Origin` equal to `PUBLIC_URL`; browsers add both.',
          },
          sessionToken: { type: 'http', scheme: 'bearer', description: 'The session token itself.' },
          serviceKey: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'glk_…',
            description: 'A service key with the named scope, created by "global-logout keys create".',
          },
        },
      },
    },
    hideUntagged: true,
    convertConstToEnum: false,
    transform,
    transformObject: (document) =>
      'openapiObject' in document ? completeDocument(document.openapiObject as OpenAPIV3_1.Document) : {},
  }
}

/** Converts Zod schemas to JSON schemas. Extensions carry what `completeDocument` needs. */
const transform: SwaggerTransform = ({ schema, url, route, ...document }) => {
  const { problems = [], body, ...rest } = schema ?? {}
  const input = body || rest.params || rest.querystring ? WITH_INPUT : []
  const bodies = ['GET', 'HEAD'].includes(String(route.method)) ? [] : WITH_BODY
  const mayLackBody = body instanceof z.ZodType && body.safeParse(null).success
  const made = jsonSchemaTransform({
    ...document,
    url,
    route,
    schema: { ...rest, ...(body !== undefined && { body }) },
  } as Parameters<typeof jsonSchemaTransform>[0])
  const extensions = {
    'x-problems': [...problems, ...input, ...bodies],
    ...(mayLackBody && { 'x-may-lack-body': true }),
  }
  return { url: made.url, schema: { ...made.schema, ...extensions } as FastifySchema }
}
