/** The API of a signed-in user: see one's sessions, end them. By cookie or bearer. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { describeDevice } from '../sessions/devices.ts'
import { expiresAt } from '../sessions/policy.ts'
import type { Outcome, Sessions } from '../sessions/sessions.ts'
import type { FinishLogout } from './finish-logout.ts'
import { originOf, requireSession, requireTokenForChange, type Visitor } from './session.ts'

const device = z.object({
  browser: z.string().nullable(),
  os: z.string().nullable(),
  kind: z.enum(['desktop', 'mobile', 'tablet', 'app', 'unknown']),
})
const instant = z.iso.datetime()
/** Any UUID, of whatever version an application chose, spelled as PostgreSQL spells it. */
export const sessionId = z.guid('must be the id of a session').toLowerCase()
const times = { createdAt: instant, lastSeenAt: instant, expiresAt: instant }

const scope = z.enum(['local', 'others', 'global'], 'must be local, others or global')

const currentSession = z.object({
  user: z.object({
    id: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    image: z.string().nullable(),
  }),
  session: z.object({ id: z.string(), ...times }),
})

const sessionList = z.object({
  sessions: z.array(
    z.object({ id: z.string(), current: z.boolean(), device, ipAddress: z.string().nullable(), ...times }),
  ),
})

/** What a logout may be asked for; no body at all means this session only. */
export const logoutRequest = z.preprocess(
  (body) => body ?? {},
  z.strictObject({ scope: scope.default('local'), callbackUrl: z.string().max(2048).optional() }),
)

const logoutOutcome = z.object({
  operationId: z.string().nullable(),
  scope,
  revoked: z.array(z.object({ id: z.string(), device })),
  redirect: z.string(),
})

export interface UserRoutes {
  sessions: Sessions
  visitor: Visitor
  finish: FinishLogout
}

export async function userRoutes(instance: FastifyInstance, options: UserRoutes) {
  const { sessions, visitor, finish } = options
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const signedIn = { preHandler: requireSession(sessions, visitor) }

  app.get('/api/session', { ...signedIn, schema: { response: { 200: currentSession } } }, async (request) => {
    const { user, session, policy } = request.session
    const { id, name, email, image } = user
    return { user: { id, name, email, image }, session: { id: session.id, ...timesOf(session, policy) } }
  })

  app.get('/api/sessions', { ...signedIn, schema: { response: { 200: sessionList } } }, async (request) => {
    const { session: current, policy } = request.session
    const all = await sessions.list(current.userId)
    const listed = all.map((session) => ({
      id: session.id,
      current: session.id === current.id,
      device: describeDevice(session.userAgent),
      ipAddress: session.ipAddress,
      ...timesOf(session, policy),
    }))
    return {
      sessions: [...listed.filter(({ current }) => current), ...listed.filter(({ current }) => !current)],
    }
  })

  app.delete(
    '/api/sessions/:id',
    {
      schema: {
        params: z.object({ id: sessionId }),
        response: { 200: logoutOutcome },
      },
    },
    async (request, reply) => {
      const token = requireTokenForChange(request, visitor)
      const outcome = await sessions.endOne(token, request.params.id, originOf(request))
      return answer(outcome, finish(reply, outcome))
    },
  )

  app.post(
    '/api/logout',
    { schema: { body: logoutRequest, response: { 200: logoutOutcome } } },
    async (request, reply) => {
      const token = requireTokenForChange(request, visitor)
      const outcome = await sessions.logout(token, request.body.scope, originOf(request))
      return answer(outcome, finish(reply, outcome, request.body.callbackUrl))
    },
  )
}

function timesOf(
  session: { expires: Date; createdAt: Date; lastSeenAt: Date },
  policy: Parameters<typeof expiresAt>[1],
) {
  return {
    createdAt: session.createdAt.toISOString(),
    lastSeenAt: session.lastSeenAt.toISOString(),
    expiresAt: expiresAt(session, policy).toISOString(),
  }
}

function answer({ operationId, scope, revoked }: Outcome, redirect: string) {
  return {
    operationId,
    scope,
    revoked: revoked.map(({ id, userAgent }) => ({ id, device: describeDevice(userAgent) })),
    redirect,
  }
}
