/**
 * The OpenAPI 3.1 document, made of what the routes say of themselves: their schemas, and the codes of the problems they
 * answer with.
 */
import type { SwaggerOptions, SwaggerTransform } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import type { OpenAPIV3_1 } from 'openapi-types'
import { z } from 'zod'
import type { ErrorCode } from '../../errors.ts'
import { version } from '../../version.ts'
import { complete, type Draft } from './responses.ts'

declare module 'fastify' {
  interface FastifySchema {
    /** What this route may refuse with, beside what any route may. */
    problems?: readonly ErrorCode[]
  }
}

/** Who may call: for the `security` of a route. */
export const callers = {
  anyone: [],
  user: [{ sessionCookie: [] }, { sessionToken: [] }],
  service: (scope: string) => [{ serviceKey: [scope] }],
  staff: [{ serviceKey: ['security'] }, { sessionCookie: [] }, { sessionToken: [] }],
} as const

const WITH_INPUT: readonly ErrorCode[] = ['invalid_request']
const WITH_BODY: readonly ErrorCode[] = ['invalid_request', 'body_too_large', 'unsupported_media_type']

/** What is documented besides the routes: a path that is answered in front of Fastify. */
export interface RawPaths {
  paths: Record<string, Record<string, Draft>>
  responses: Record<string, OpenAPIV3_1.ResponseObject>
}

/** Options for `@fastify/swagger`. Routes without a tag are pages and files, which are no part of the document. */
export function documentOptions(cookieName: string, { paths, responses }: RawPaths): SwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'global-logout',
        version,
        summary: 'Sessions that end everywhere, now.',
        description:
          'When a global logout answers 200, every session of that user is over, and the next check of each of them is refused. ' +
          'Errors are `application/problem+json` (RFC 9457) with a stable `code`; unknown, expired and revoked tokens get the same 401. ' +
          'What cannot be decided is 503: neither "valid" nor "signed out".',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'The service that serves this document' }],
      tags: [
        { name: 'gateways', description: 'Ask about every request, without a credential of their own.' },
        { name: 'users', description: 'See and end their own sessions, by cookie or bearer token.' },
        { name: 'services', description: 'Call with a service key ("global-logout keys").' },
        {
          name: 'staff',
          description: "See and end other people's sessions: with a role, or a key of scope `security`.",
        },
        { name: 'operators', description: 'Watch the service.' },
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
              'The session token in its cookie. A call that changes something also needs `Sec-Fetch-Site: same-origin`, or an `Origin` equal to `PUBLIC_URL`; browsers add both by themselves.',
          },
          sessionToken: { type: 'http', scheme: 'bearer', description: 'The session token itself.' },
          serviceKey: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'glk_…',
            description: 'A service key with the scope that is named, made by "global-logout keys create".',
          },
        },
      },
    },
    hideUntagged: true,
    convertConstToEnum: false,
    transform,
    transformObject: (document) =>
      'openapiObject' in document ? complete(document.openapiObject as OpenAPIV3_1.Document) : {},
  }
}

/** Zod schemas become JSON schemas; what only `complete` can place goes along as an extension. */
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
