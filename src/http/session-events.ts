/**
 * `GET /api/session/events`: tells a page that its session is over, or another one of the same user. It is no use of the
 * session: a page that is left open keeps nobody signed in.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Problem } from '../errors.ts'
import type { UserFeed } from '../propagation/user-feed.ts'
import { expiresAt } from '../sessions/policy.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { callers } from './openapi/document.ts'
import { requireToken, type Visitor } from './session.ts'
import type { Streams } from './streams.ts'

/** After so long a page has to come again, in milliseconds; earlier when its session may have reached its end. */
const LONGEST_MS = 3_600_000
const SHORTEST_MS = 5_000

export interface SessionEventRoutes {
  sessions: Pick<Sessions, 'peek'>
  userFeed: UserFeed
  streams: Streams
  visitor: Visitor
}

export async function sessionEventRoutes(
  app: FastifyInstance,
  { sessions, userFeed, streams, visitor }: SessionEventRoutes,
) {
  const schema = {
    operationId: 'followSession',
    tags: ['users'],
    summary: 'Tells a page when its session is over',
    description:
      'Server-sent events: `ended` when this session is over, `changed` when another one of the same user is. No use of the session.',
    security: callers.user,
    produces: ['text/event-stream'],
    problems: ['unauthenticated', 'invalid_token', 'unavailable'] as const,
    response: { 200: z.string().describe('The stream; it ends by itself, and is begun anew.') },
  }
  app.get('/api/session/events', { exposeHeadRoute: false, schema }, async (request, reply) => {
    const { token } = requireToken(request, visitor)
    // Before the look at the session, so that nothing falls between.
    const from = await userFeed.here()
    const found = await sessions.peek(token)
    if (!found) throw new Problem('invalid_token', 'Sign in again.')
    const { session, policy } = found

    const stream = streams.open(reply)
    void stream.write(': following\n\n')
    const left = expiresAt(session, policy).getTime() - Date.now()
    const timer = setTimeout(stream.end, Math.min(Math.max(left, SHORTEST_MS), LONGEST_MS)).unref()
    const leave = userFeed.join(from, {
      userId: session.userId,
      sessionId: session.id,
      tell(what) {
        void stream.write(`event: ${what}\ndata: {}\n\n`)
        if (what === 'ended') stream.end()
      },
      end: stream.end,
    })
    stream.over.addEventListener('abort', () => {
      clearTimeout(timer)
      leave()
    })
    if (stream.over.aborted) leave()
  })
}
