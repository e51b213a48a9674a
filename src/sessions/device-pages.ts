/** The page of one device: its facts, and the name that its user gives it. */
import fastifyFormbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sendPage } from '../http/pages.ts'
import { sessionId } from '../http/schemas.ts'
import type { Site } from '../ui/site.ts'
import { deviceName } from './device-name.ts'
import { problemPages } from './error-handlers.ts'
import { DEVICES } from './finish-logout.ts'
import { type CookieSettings, requireTokenForChange } from './guards.ts'
import type { Places } from './places.ts'
import type { Sessions } from './sessions.ts'
import { devicePage } from './views/device-page.ts'

export interface DevicePages {
  sessions: Sessions
  cookieSettings: CookieSettings
  places: Places
  site: Site
}

async function routes(instance: FastifyInstance, { sessions, cookieSettings, places, site }: DevicePages) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  await app.register(problemPages)
  await app.register(fastifyFormbody)
  const recently = { preHandler: [app.requireSession, app.requireRecentSignIn] }
  const params = z.object({ id: sessionId })

  app.get('/sessions/:id', { ...recently, schema: { params } }, async (request, reply) => {
    const { session: current, user } = request.session
    const session = await sessions.findOwn(user.id, request.params.id)
    // It has ended: the list shows it.
    if (!session) return reply.redirect(site.path(DEVICES), 303)
    const placeOf = await places.finder()
    return sendPage(reply, devicePage({ view: request.view, user, current, session, placeOf }))
  })

  const body = z.object({ name: deviceName })
  app.post('/sessions/:id/name', { ...recently, schema: { params, body } }, async (request, reply) => {
    requireTokenForChange(request, cookieSettings)
    const { id } = request.params
    await sessions.name(request.session.user.id, id, request.body.name)
    return reply.redirect(site.path(`/sessions/${id}`), 303)
  })

  // The error page of a failed attempt links here ("Try again").
  app.get('/sessions/:id/name', { schema: { params } }, async (request, reply) =>
    reply.redirect(site.path(`/sessions/${request.params.id}`), 303),
  )
}

export const devicePages = fp(routes, {
  name: 'device-pages',
  dependencies: ['error-handlers', 'session-guard'],
  encapsulate: true,
})
