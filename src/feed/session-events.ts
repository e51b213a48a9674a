/**
 * `GET /api/session/events`: notifies a page when its session ends, or another session of the same user. A stream is not session
 * activity: an open page does not extend the session. The page sends the hash of the list that it shows, so that a change from
 * before the stream is its first event.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Problem } from '../errors.ts'
import { callers } from '../http/openapi/document.ts'
import { type CookieSettings, requireToken } from '../sessions/guards.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Feed } from './feed.ts'
import { createUserFeed, type UserFollower } from './user-feed.ts'

/** Longest life of a stream, in milliseconds; it ends earlier when its session may have expired. The page then reconnects. */
const LONGEST_MS = 3_600_000
const SHORTEST_MS = 5_000
/** Pages with more sessions are notified of every end: their ids would take too much memory. */
const MAX_COMPARED = 1_000

export interface SessionEvents {
  sessions: Pick<Sessions, 'peek' | 'summary'>
  feed: Feed
  cookieSettings: CookieSettings
}

async function routes(instance: FastifyInstance, { sessions, feed, cookieSettings }: SessionEvents) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { streams } = app
  const userFeed = createUserFeed(feed)
  const schema = {
    operationId: 'followSession',
    tags: ['users'],
    summary: 'Notifies a page when its session ends',
    description:
      'Server-sent events: `ended` when this session has ended, `changed` when another session of the same user has. Not session activity.',
    security: callers.user,
    produces: ['text/event-stream'],
    problems: ['unauthenticated', 'invalid_token', 'unavailable'] as const,
    querystring: z.object({
      shown: z
        .string()
        .optional()
        .describe('`data-shown` of the page. When it is out of date, the first event is `changed`.'),
    }),
    response: { 200: z.string().describe('The stream. It ends within an hour; reconnect.') },
  }
  app.get('/api/session/events', { exposeHeadRoute: false, schema }, async (request, reply) => {
    const { token } = requireToken(request, cookieSettings)
    // Before the session is read, so that no revocation is missed between the two.
    const from = await userFeed.headCursor()
    const found = await sessions.peek(token)
    if (!found) throw new Problem('invalid_token', 'Sign in again.')
    const { session } = found
    const { shown } = request.query
    const list = shown === undefined ? undefined : await sessions.summary(session.userId, MAX_COMPARED)
    const outdated = list !== undefined && shown !== list.hash

    const stream = streams.open(reply)
    void stream.write(': following\n\n')
    const left = session.endsAt.getTime() - Date.now()
    const timer = setTimeout(stream.end, Math.min(Math.max(left, SHORTEST_MS), LONGEST_MS)).unref()
    const follower: UserFollower = {
      userId: session.userId,
      sessionId: session.id,
      // The feed may still deliver revocations from before the page was loaded: they must not reload it, and hide its outcome.
      shows: list?.ids ? new Set(list.ids) : undefined,
      notify(what) {
        void stream.write(`event: ${what}\ndata: {}\n\n`)
        if (what === 'ended') stream.end()
      },
      end: stream.end,
    }
    if (outdated) follower.notify('changed')
    const unsubscribe = userFeed.subscribe(from, follower)
    stream.ended.addEventListener('abort', () => {
      clearTimeout(timer)
      unsubscribe()
    })
    if (stream.ended.aborted) unsubscribe()
  })
}

export const sessionEvents = fp(routes, {
  name: 'session-events',
  dependencies: ['streams'],
  encapsulate: true,
})
