/** The API for signed-in users: who they are, and the end of their sessions, by cookie or bearer token. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ignoreBodies } from '../http/bodies.ts'
import { instant, nullableText, sessionId } from '../http/schemas.ts'
import type { Finished, FinishLogout } from './finish-logout.ts'
import { type CookieSettings, requireTokensForSignOut, sourceOf } from './guards.ts'
import type { Outcome } from './log-out.ts'
import {
  ignored,
  LOGOUT_BODY,
  logoutRequest,
  mayHaveBody,
  refuseScopeInQuery,
  scope,
} from './logout-request.ts'
import type { Session } from './schema.ts'
import { endedSessions, forChanges, forUsers, toEndedSessions } from './schemas.ts'
import type { Sessions } from './sessions.ts'

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

const logoutOutcome = z.object({
  operationId: nullableText.describe(
    'null when the session had already been ended by another session or outside this service',
  ),
  scope,
  ...endedSessions,
  redirect: z.string().describe('where the browser should go'),
  ignored: z.array(ignored).describe('fields of the request that were ignored'),
})

export interface UserApi {
  sessions: Sessions
  cookieSettings: CookieSettings
  finishLogout: FinishLogout
}

async function routes(instance: FastifyInstance, { sessions, cookieSettings, finishLogout }: UserApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const signedIn = { preHandler: app.requireSession }
  const session = {
    ...forUsers,
    operationId: 'getSession',
    summary: 'The signed-in user, and when the session ends',
    response: { 200: currentSession.describe('The user and the session of the token.') },
  }
  app.get('/api/session', { ...signedIn, schema: session }, async (request) => {
    const { user, session } = request.session
    const { id, name, email, image } = user
    return { user: { id, name, email, image }, session: { id: session.id, ...timesOf(session) } }
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
            'Ends a session of the same user; any other id is `session_not_found`. Repeating the request is not an error. A body is ignored. If the session is that of the request, the cookie is cleared.',
          problems: [...forChanges.problems, 'session_not_found'],
          params: z.object({ id: sessionId.describe('the public id of the session') }),
          response: { 200: logoutOutcome.describe('The session is ended, durably and on every instance.') },
        },
      },
      async (request, reply) => {
        const { token, others } = await requireTokensForSignOut(request, cookieSettings)
        await app.requireRecentSignIn(request)
        const outcome = await sessions.endOne(token, request.params.id, sourceOf(request), others)
        const ignored = mayHaveBody(request) ? [{ field: 'body', reason: 'is not read' }] : []
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
          'Answers 200, and clears the cookie, only after the commit and when no instance can answer "valid" any more. Repeating a finished logout is not an error. ' +
          'Of several session cookies, the sessions of all end, unless the scope is `others`. ' +
          'The default scope is `local`. Unknown fields are ignored and listed in `ignored`, unless they may request a larger scope (400). ' +
          'After `outcome_unknown` the result of the commit is not known: the cookie stays, and the request may be repeated.',
        body: logoutRequest,
        response: { 200: logoutOutcome.describe('Every session in the scope is ended.') },
      },
    },
    async (request, reply) => {
      const { token, others } = await requireTokensForSignOut(request, cookieSettings)
      refuseScopeInQuery(request, request.body.scope)
      if (request.body.scope !== 'local') await app.requireRecentSignIn(request)
      const outcome = await sessions.logout(token, request.body.scope, sourceOf(request), others)
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

function answer({ operationId, scope, revokedCount, revoked }: Outcome, { redirect, ignored }: Finished) {
  return {
    operationId,
    scope,
    revokedCount,
    revoked: toEndedSessions(revoked),
    redirect,
    ignored,
  }
}
