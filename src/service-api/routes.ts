/** The API for services: token introspection (RFC 7662), creating sessions, and deleting users. */
import fastifyFormbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Problem } from '../errors.ts'
import { ignoreBodies } from '../http/bodies.ts'
import { callers } from '../http/openapi/document.ts'
import { instant, nullableText, text } from '../http/schemas.ts'
import { readAddress } from '../lib/read-address.ts'
import { zonedInstant } from '../lib/schemas.ts'
import type { Cookies } from '../sessions/cookies.ts'
import { deviceColumns } from '../sessions/device-columns.ts'
import type { ReadPlaceHeaders } from '../sessions/place-headers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { MAX_TOKEN_LENGTH } from '../sessions/tokens.ts'
import { KEY_PROBLEMS } from './guard.ts'

const introspectionRequest = z.object({
  token: z.string('must be the token to look up'),
  token_type_hint: z.string().optional(),
})

const introspection = z.union([
  z.object({
    active: z.literal(true),
    sub: z.string().describe('id of the user'),
    sid: z.string().describe('id of the session'),
    iat: z.int().describe('when it was created, in seconds since 1970'),
    exp: z.int().describe('when it ends if it is not used again, in seconds since 1970'),
    token_type: z.literal('session'),
  }),
  z.object({ active: z.literal(false) }),
])

const newSession = z.strictObject({
  user: z
    .strictObject({
      id: text.min(1, 'must name a user').describe("the application's id of the user, as text"),
      name: text.nullish(),
      email: text.nullish(),
      image: text.nullish(),
    })
    .describe('the user who signs in; a field that is left out keeps its value'),
  userAgent: z.string().nullish().describe('never refused; characters that cannot be stored are replaced'),
  ipAddress: z
    .string()
    .refine((text) => readAddress(text) !== null, 'must be an IPv4 or IPv6 address')
    .nullish(),
  signIn: z
    .strictObject({
      method: z
        .string()
        .nullish()
        .describe('`password`, `passkey`, `Google`: the first 40 characters are shown to the user'),
      country: z.string().nullish().describe('ISO 3166-1 alpha-2; anything else counts as unknown'),
      city: z.string().nullish(),
    })
    .nullish()
    .describe('how and where the user signed in, for the list of devices; never refused for what it says'),
  replaces: z.string().min(1).max(MAX_TOKEN_LENGTH).nullish(),
  takeOver: z
    .strictObject({
      // What `/check` reads as a token.
      token: z
        .string()
        .regex(/^[\x21-\x7e]+$/, 'must be a session token')
        .max(MAX_TOKEN_LENGTH),
      expires: zonedInstant.describe('when the session ends there; here it ends then, or before'),
    })
    .nullish()
    .describe('a session that another store holds: its token stays, and gets a session here'),
})

const createdSession = z.object({
  token: z.string(),
  sessionId: z.string(),
  expiresAt: instant.describe('the latest time at which the session can end: for the cookie'),
  cookie: z.object({
    name: z.string(),
    attributes: z.object({
      path: z.string(),
      httpOnly: z.boolean(),
      sameSite: z.literal('lax'),
      secure: z.boolean(),
      domain: z.string().optional(),
    }),
  }),
})

const deletedUser = z.object({
  operationId: nullableText.describe('null when the user was deleted before'),
  ended: z.int().describe('the number of sessions that ended'),
})

export interface ServiceApi {
  sessions: Sessions
  cookies: Cookies
  placeHeadersOf: ReadPlaceHeaders
}

async function routes(instance: FastifyInstance, { sessions, cookies, placeHeadersOf }: ServiceApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  await app.register(fastifyFormbody)
  const forServices = {
    tags: ['services'],
    consumes: ['application/json', 'application/x-www-form-urlencoded'],
    problems: [...KEY_PROBLEMS, 'unavailable'],
  } as const

  app.post(
    '/introspect',
    {
      onRequest: app.requireKey('introspect'),
      schema: {
        ...forServices,
        operationId: 'introspect',
        summary: 'Introspect a token (RFC 7662)',
        description: 'For a token that is not valid, the answer contains nothing else.',
        security: callers.service('introspect'),
        body: introspectionRequest,
        response: {
          200: introspection.describe('Whether the token is valid now, and its user and session.'),
        },
      },
    },
    async (request) => {
      const found = await sessions.find(request.body.token)
      if (!found) return { active: false as const }
      const { session } = found
      return {
        active: true as const,
        sub: session.userId,
        sid: session.id,
        iat: seconds(session.createdAt),
        exp: seconds(session.endsAt),
        token_type: 'session' as const,
      }
    },
  )

  app.post(
    '/api/sessions',
    {
      onRequest: app.requireKey('sessions:create'),
      schema: {
        ...forServices,
        operationId: 'createSession',
        summary: 'Sign a user in',
        description:
          'For an application that has authenticated the user. To sign in security staff, the key also needs the scope `security` (403 `insufficient_scope`). `replaces` ends the session of that token in the same transaction, which prevents session fixation. `takeOver` is refused with 409 `session_over` for a token that has ended, or whose user was signed out or locked since.',
        security: callers.service('sessions:create'),
        problems: [...forServices.problems, 'user_locked', 'session_over', 'outcome_unknown'],
        body: newSession,
        response: { 201: createdSession.describe('The new session, and the cookie to set.') },
      },
    },
    async (request, reply) => {
      const { user, replaces, takeOver, userAgent, ipAddress, signIn } = request.body
      if (takeOver && replaces)
        throw new Problem('invalid_request', 'takeOver: replaces no other session.', { field: 'takeOver' })
      const { id: userId, ...profile } = user
      const login = {
        userId,
        profile,
        ...deviceColumns({ userAgent: userAgent ?? null, ipAddress: ipAddress ?? null }),
        key: request.serviceKey,
      }
      const { token, session } = takeOver
        ? {
            token: takeOver.token,
            session: await sessions.takeOver({
              ...login,
              token: takeOver.token,
              expires: new Date(takeOver.expires),
            }),
          }
        : await sessions.create({
            ...login,
            signIn: { ...placeHeadersOf(request), ...signIn },
            replaces: replaces ?? undefined,
            requestId: request.id,
          })
      reply.code(201)
      const expiresAt = session.expires.toISOString()
      return { token, sessionId: session.id, expiresAt, cookie: cookies.session }
    },
  )

  await app.register(async (bodiless) => {
    ignoreBodies(bodiless)
    bodiless.withTypeProvider<ZodTypeProvider>().delete(
      '/api/users/:id',
      {
        onRequest: app.requireKey('users:delete'),
        schema: {
          tags: ['services'],
          problems: [...KEY_PROBLEMS, 'unavailable', 'outcome_unknown'],
          operationId: 'deleteUser',
          summary: 'Delete a user',
          description:
            'For an application that deletes the user: ends all sessions, and forgets the name and address. A lock stays. Answers only when no instance can answer "valid" any more. An unknown user is not an error, so the request can be repeated. To delete security staff, the key also needs the scope `security` (403 `insufficient_scope`). A body is ignored.',
          security: callers.service('users:delete'),
          params: z.object({ id: text.min(1).describe("the application's id of the user, as text") }),
          response: { 200: deletedUser.describe('Every session of the user is ended.') },
        },
      },
      ({ params, serviceKey, id }) =>
        sessions.removeUser({ userId: params.id, key: serviceKey, requestId: id }),
    )
  })
}

export const serviceApi = fp(routes, { name: 'service-api', dependencies: ['key-guard'], encapsulate: true })

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000)
}
