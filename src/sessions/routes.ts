/** The API of a signed-in user: see one's sessions, end them. By cookie or bearer. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ignoreBodies } from '../http/bodies.ts'
import { callers } from '../http/openapi/document.ts'
import { instant, nullableText, sessionId } from '../http/schemas.ts'
import { describeDevice } from './devices.ts'
import type { Finished, FinishLogout } from './finish-logout.ts'
import { type CookieSettings, requireTokenForChange, sourceOf } from './guards.ts'
import {
  ignored,
  LOGOUT_BODY,
  logoutRequest,
  mayHaveBody,
  refuseScopeInQuery,
  scope,
} from './logout-request.ts'
import type { Session } from './schema.ts'
import { device, endedSessions } from './schemas.ts'
import type { Outcome, Sessions } from './sessions.ts'

const times = { createdAt: instant, lastSeenAt: instant, expiresAt: instant }

const currentSession = z.object({
  user: z.object({
    id: z.string(),
    name: nullableText,
    email: nullableText,
    image: nullableText,
  }),
  session: z.object({ id: z.string(), ...times }),
})

const sessionList = z.object({
  sessions: z.array(
    z.object({ id: z.string(), current: z.boolean(), device, ipAddress: nullableText, ...times }),
  ),
})

const logoutOutcome = z.object({
  operationId: nullableText.describe('null when another logout, or none of this service, had ended it'),
  scope,
  revoked: endedSessions,
  redirect: z.string().describe('where the browser should go'),
  ignored: z.array(ignored).describe('what of the request was no part of it, and changed nothing'),
})

export interface UserApi {
  sessions: Sessions
  cookieSettings: CookieSettings
  finishLogout: FinishLogout
}

async function routes(instance: FastifyInstance, { sessions, cookieSettings, finishLogout }: UserApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const signedIn = { preHandler: app.requireSession }
  const forUsers = {
    tags: ['users'],
    security: callers.user,
    problems: ['unauthenticated', 'invalid_token', 'unavailable'],
  } as const
  const forChanges = {
    ...forUsers,
    problems: [...forUsers.problems, 'cross_origin', 'outcome_unknown'],
  } as const

  const session = {
    ...forUsers,
    operationId: 'getSession',
    summary: 'Who is signed in, and until when',
    response: { 200: currentSession.describe('The user and the session of the token.') },
  }
  app.get('/api/session', { ...signedIn, schema: session }, async (request) => {
    const { user, session } = request.session
    const { id, name, email, image } = user
    return { user: { id, name, email, image }, session: { id: session.id, ...timesOf(session) } }
  })

  const list = {
    ...forUsers,
    operationId: 'listSessions',
    summary: "All living sessions of the token's user",
    description: 'This one first, then those that were seen last.',
    response: { 200: sessionList.describe('One entry for each device.') },
  }
  app.get('/api/sessions', { ...signedIn, schema: list }, async (request) => {
    const { session: current } = request.session
    const all = await sessions.list(current.userId)
    const listed = all.map((session) => ({
      id: session.id,
      current: session.id === current.id,
      device: describeDevice(session.userAgent),
      ipAddress: session.ipAddress,
      ...timesOf(session),
    }))
    return {
      sessions: [...listed.filter(({ current }) => current), ...listed.filter(({ current }) => !current)],
    }
  })

  await app.register(async (bodiless) => {
    ignoreBodies(bodiless)
    bodiless.withTypeProvider<ZodTypeProvider>().delete(
      '/api/sessions/:id',
      {
        schema: {
          ...forChanges,
          operationId: 'endSession',
          summary: 'End one session',
          description:
            "One of the user's own; another user's id is `session_not_found`. Repeating it is no error. A body is not read. The cookie is cleared when it was this one.",
          problems: [...forChanges.problems, 'session_not_found'],
          params: z.object({ id: sessionId.describe('the public id of the session') }),
          response: { 200: logoutOutcome.describe('It is over, durably and at every instance.') },
        },
      },
      async (request, reply) => {
        const token = requireTokenForChange(request, cookieSettings)
        const outcome = await sessions.endOne(token, request.params.id, sourceOf(request))
        const ignored = mayHaveBody(request) ? [{ field: 'body', reason: 'is not read here' }] : []
        return answer(outcome, finishLogout(reply, token, outcome, { ignored }))
      },
    )
  })

  app.post(
    '/api/logout',
    {
      bodyLimit: LOGOUT_BODY,
      schema: {
        ...forChanges,
        operationId: 'logout',
        summary: 'Sign out: here, elsewhere or everywhere',
        description:
          'Answers 200, and clears the cookie, only after the commit, and when no instance can say "valid" any more. Repeating a finished logout is no error. ' +
          'Without a scope it is this session. Whatever cannot ask for a larger one keeps no session alive: it is ignored, and named. ' +
          'After `outcome_unknown` the answer to the commit was lost: the cookie stays, and the request may be repeated.',
        body: logoutRequest,
        response: { 200: logoutOutcome.describe('Every session it names is over.') },
      },
    },
    async (request, reply) => {
      const token = requireTokenForChange(request, cookieSettings)
      refuseScopeInQuery(request, request.body.scope)
      const outcome = await sessions.logout(token, request.body.scope, sourceOf(request))
      return answer(outcome, finishLogout(reply, token, outcome, request.body))
    },
  )
}

export const userApi = fp(routes, { name: 'user-api', dependencies: ['session-guard'], encapsulate: true })

function timesOf({ createdAt, lastSeenAt, endsAt }: Session) {
  return {
    createdAt: createdAt.toISOString(),
    lastSeenAt: lastSeenAt.toISOString(),
    expiresAt: endsAt.toISOString(),
  }
}

function answer({ operationId, scope, revoked }: Outcome, { redirect, ignored }: Finished) {
  return {
    operationId,
    scope,
    revoked: revoked.map(({ id, userAgent }) => ({ id, device: describeDevice(userAgent) })),
    redirect,
    ignored,
  }
}
