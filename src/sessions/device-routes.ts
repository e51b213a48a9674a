/** The API for signed-in users on their devices: those that are signed in, those that were, one of them, and its name. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { cursor, instant, nextCursor, nullableText, sessionId } from '../http/schemas.ts'
import { deviceName } from './device-name.ts'
import { describeDevice } from './devices.ts'
import { END_REASONS, RECENT_DAYS, type RecentlyEnded } from './ended.ts'
import { type CookieSettings, requireTokenForChange } from './guards.ts'
import type { PlaceOf, Places } from './places.ts'
import { sessionNotFound } from './refusals.ts'
import {
  activeSession,
  device,
  forChanges,
  forOwnDevices,
  toActiveSession,
  toUsedSession,
  usedSession,
} from './schemas.ts'
import type { Sessions } from './sessions.ts'

const ownSession = z.object({ ...activeSession, current: z.boolean() })

const sessionList = z.object({
  sessionCount: z.int().describe('all active sessions of the user, on this page or not'),
  sessions: z.array(ownSession),
  next: nextCursor,
})

const endedList = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      ...usedSession,
      endedAt: instant,
      reason: z
        .enum(END_REASONS)
        .describe(
          '`signed_out`: on the device itself; `signed_out_elsewhere`: from another device; `replaced`: the user signed in again on it; `security_team`; `other`: by the application, or outside of this service',
        ),
      endedFrom: device.nullable().describe('the other device; null unless one asked for it'),
    }),
  ),
  next: nextCursor,
})

export interface DeviceApi {
  sessions: Sessions
  cookieSettings: CookieSettings
  places: Places
}

async function routes(instance: FastifyInstance, { sessions, cookieSettings, places }: DeviceApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const recently = { preHandler: [app.requireSession, app.requireRecentSignIn] }
  const params = z.object({ id: sessionId.describe('the public id of the session') })
  const paged = {
    ...forOwnDevices,
    problems: [...forOwnDevices.problems, 'invalid_request'] as const,
    querystring: z.object({ cursor: cursor.optional() }),
  }

  const list = {
    ...paged,
    operationId: 'listSessions',
    summary: "All active sessions of the token's user",
    description:
      'The session of the request comes first, then the most recently seen: 100, and the next 100 with `?cursor=`. ' +
      'A session that is used while you page moves to the first page.',
    response: { 200: sessionList.describe('One entry for each device.') },
  }
  app.get('/api/sessions', { ...recently, schema: list }, async (request) => {
    const { session: current } = request.session
    const { cursor } = request.query
    const { total } = await sessions.summary(current.userId)
    const page = await sessions.list(current.userId, { cursor, except: current.id })
    const placeOf = await places.finder()
    const listed = cursor ? page.sessions : [current, ...page.sessions]
    return {
      sessionCount: total,
      sessions: listed.map((session) => ({
        ...toActiveSession(session, placeOf),
        current: session.id === current.id,
      })),
      next: page.next,
    }
  })

  const ended = {
    ...paged,
    operationId: 'listEndedSessions',
    summary: `Sessions of the token's user that were ended in the last ${RECENT_DAYS} days`,
    description:
      'Those that ended while they were valid, newest first: 100, and the next 100 with `?cursor=`. Sessions that expired are not among them.',
    response: { 200: endedList.describe('One entry for each session.') },
  }
  app.get('/api/session/ended', { ...recently, schema: ended }, async (request) => {
    const page = await sessions.recentlyEnded(request.session.session.userId, request.query)
    const placeOf = await places.finder()
    return { sessions: page.ended.map((each) => toRecentlyEnded(each, placeOf)), next: page.next }
  })

  const one = {
    ...forOwnDevices,
    operationId: 'getOneSession',
    summary: "One active session of the token's user",
    problems: [...forOwnDevices.problems, 'invalid_request', 'session_not_found'] as const,
    params,
    response: { 200: ownSession.describe('The session.') },
  }
  app.get('/api/sessions/:id', { ...recently, schema: one }, async (request) => {
    const { session: current } = request.session
    const session = await sessions.findOwn(current.userId, request.params.id)
    if (!session) throw sessionNotFound()
    return { ...toActiveSession(session, await places.finder()), current: session.id === current.id }
  })

  const named = {
    ...forChanges,
    operationId: 'nameSession',
    summary: 'Give a device a name',
    description:
      'For the list of devices of its user. Null takes the name away. The name goes with its session, and with the record of its end.',
    problems: [...forChanges.problems, 'invalid_request', 'session_not_found'] as const,
    params,
    body: z.strictObject({ name: deviceName.describe('one line of visible text, 60 characters at most') }),
    response: { 200: z.object({ id: z.string(), name: nullableText }).describe('The name as it is kept.') },
  }
  app.patch('/api/sessions/:id', { ...recently, schema: named }, async (request) => {
    requireTokenForChange(request, cookieSettings)
    const { id } = request.params
    const { name } = request.body
    await sessions.name(request.session.session.userId, id, name)
    return { id, name }
  })
}

export const deviceApi = fp(routes, {
  name: 'device-api',
  dependencies: ['session-guard'],
  encapsulate: true,
})

function toRecentlyEnded({ session, reason, endedFrom }: RecentlyEnded, placeOf: PlaceOf) {
  return {
    id: session.sessionId,
    ...toUsedSession(session, placeOf),
    endedAt: session.revokedAt.toISOString(),
    reason,
    endedFrom: reason === 'signed_out_elsewhere' ? describeDevice(endedFrom) : null,
  }
}
