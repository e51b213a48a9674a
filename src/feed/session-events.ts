/**
 * `GET /api/session/events`: tells a page that its session is over, or another one of the same user. It is no use of the
 * session: a page that is left open keeps nobody signed in. A page says what list it shows, so that whatever happened before
 * its stream began, or while there was none, is told first.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Problem } from '../errors.ts'
import { callers } from '../http/openapi/document.ts'
import { type CookieSettings, requireToken } from '../sessions/guards.ts'
import { sessionListHash } from '../sessions/list-hash.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Feed } from './feed.ts'
import { createUserFeed, type UserFollower } from './user-feed.ts'

/** After so long a page has to come again, in milliseconds; earlier when its session may have reached its end. */
const LONGEST_MS = 3_600_000
const SHORTEST_MS = 5_000

export interface SessionEvents {
  sessions: Pick<Sessions, 'peek' | 'list'>
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
    summary: 'Tells a page when its session is over',
    description:
      'Server-sent events: `ended` when this session is over, `changed` when another one of the same user is. No use of the session.',
    security: callers.user,
    produces: ['text/event-stream'],
    problems: ['unauthenticated', 'invalid_token', 'unavailable'] as const,
    querystring: z.object({
      shown: z
        .string()
        .optional()
        .describe('`data-shown` of a page: `changed` comes first when it is out of date.'),
    }),
    response: { 200: z.string().describe('The stream; it ends by itself, and is begun anew.') },
  }
  app.get('/api/session/events', { exposeHeadRoute: false, schema }, async (request, reply) => {
    const { token } = requireToken(request, cookieSettings)
    // Before the look at the session, so that nothing falls between.
    const from = await userFeed.here()
    const found = await sessions.peek(token)
    if (!found) throw new Problem('invalid_token', 'Sign in again.')
    const { session } = found
    const { shown } = request.query
    const outdated = shown !== undefined && shown !== sessionListHash(await sessions.list(session.userId))

    const stream = streams.open(reply)
    void stream.write(': following\n\n')
    const left = session.endsAt.getTime() - Date.now()
    const timer = setTimeout(stream.end, Math.min(Math.max(left, SHORTEST_MS), LONGEST_MS)).unref()
    const follower: UserFollower = {
      userId: session.userId,
      sessionId: session.id,
      tell(what) {
        void stream.write(`event: ${what}\ndata: {}\n\n`)
        if (what === 'ended') stream.end()
      },
      end: stream.end,
    }
    if (outdated) follower.tell('changed')
    const leave = userFeed.join(from, follower)
    stream.over.addEventListener('abort', () => {
      clearTimeout(timer)
      leave()
    })
    if (stream.over.aborted) leave()
  })
}

export const sessionEvents = fp(routes, {
  name: 'session-events',
  dependencies: ['streams'],
  encapsulate: true,
})
