/**
 * `GET /events`: the feed of revocations, and of revoked tokens that came again, for services with a key; as server-sent events, or as JSON that may be waited
 * for. In a stream only the last event of a page carries an id: who is cut off within the page gets it again.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { withoutDeadline } from '../database/database.ts'
import { Problem } from '../errors.ts'
import { callers } from '../http/openapi/document.ts'
import { comparison, instant, nullableText } from '../http/schemas.ts'
import { KEY_PROBLEMS } from '../service-api/guard.ts'
import type { Keys } from '../service-api/keys.ts'
import { bearerOf } from '../sessions/credentials.ts'
import { parseCursor } from './cursor.ts'
import { type Feed, malformed } from './feed.ts'
import type { Page } from './window.ts'

/** Longest time that an answer is held, in seconds. */
const MAX_WAIT = 30
const WAIT = `must be a whole number of seconds from 0 to ${MAX_WAIT}`

const isCursor = (text: string) => parseCursor(text) !== null
const question = z.object({
  since: z
    .string()
    .refine(isCursor, 'must be a cursor of this feed')
    .optional()
    .describe('the cursor of the answer before'),
  wait: z.coerce.number(WAIT).int(WAIT).min(0, WAIT).max(MAX_WAIT, WAIT).default(0),
})

const session = {
  sessionId: z.string(),
  userId: z.string(),
  operationId: nullableText.describe('what ended the session; null when that was done outside this service'),
}
const revoked = z.object({
  type: z.literal('session.revoked'),
  ...session,
  kind: nullableText,
  scope: nullableText,
  revokedAt: instant,
})
const replayed = z.object({
  type: z.literal('session.replayed').describe('the token of a session that was ended came again'),
  ...session,
  count: z.int().describe('how often since the event before about this session'),
  ipAddress: nullableText,
  userAgent: nullableText,
  ...comparison,
  at: instant,
})
const answer = z.object({
  events: z.array(z.discriminatedUnion('type', [revoked, replayed])),
  cursor: z.string().describe('what to ask for next, as `since`'),
})

export interface EventRoutes {
  feed: Feed
  keys: Keys
}

async function routes(instance: FastifyInstance, { feed, keys }: EventRoutes) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { streams } = app
  /** Looks under way, by key: one for each, however many streams it opened. */
  const looks = new Map<string, Promise<boolean>>()

  /** Whether a key still opens a stream; it does while nobody can say. */
  function stillOpens(secret: string): Promise<boolean> {
    const look =
      looks.get(secret) ??
      keys
        .require(secret, 'events')
        .then(
          () => true,
          (error) => !(error instanceof Problem && error.status < 500),
        )
        .finally(() => looks.delete(secret))
    looks.set(secret, look)
    return look
  }

  /** Begins where the client left off. What is refused is refused before the stream begins. */
  async function openStream(request: FastifyRequest, reply: FastifyReply, since: string | undefined) {
    const lastId = request.headers['last-event-id']?.toString()
    if (lastId !== undefined && !isCursor(lastId)) throw malformed('Last-Event-ID')
    const from = lastId ?? since
    const first: Page = from
      ? await feed.next(from, AbortSignal.abort())
      : { events: [], cursor: await feed.now() }

    const secret = bearerOf(request.headers)
    const stream = streams.open(reply, async () => {
      if (secret && !(await stillOpens(secret))) stream.end()
    })
    await stream.write(`event: ready\nid: ${from ?? first.cursor}\ndata: {}\n\n`)
    try {
      for (let page = first; !stream.over.aborted; page = await feed.next(page.cursor, stream.over))
        if (page.events.length > 0) await stream.write(messagesOf(page))
    } catch (err) {
      request.log.warn({ err }, 'the feed broke off')
    } finally {
      stream.end()
    }
  }

  app.get(
    '/events',
    {
      exposeHeadRoute: false,
      onRequest: app.requireKey('events'),
      schema: {
        operationId: 'followRevocations',
        tags: ['services'],
        summary: 'The feed of revocations, and of revoked tokens that come again',
        description:
          'Every revocation committed after the cursor comes once or more, never not at all, and so does every record of a revoked token ' +
          'that was presented again, one a session and minute at most. Leave out what has a `type` that you do not know. As JSON: without `since` it answers where the feed is now; ' +
          'with it, what came after, waited for `wait` seconds. With `Accept: text/event-stream`: a stream of events named by their `type`, begun anew with ' +
          '`Last-Event-ID`. A cursor that is too old is refused with 410 instead of skipping.',
        security: callers.service('events'),
        problems: [...KEY_PROBLEMS, 'cursor_too_old', 'unavailable'] as const,
        querystring: question,
        headers: z.object({
          'last-event-id': z
            .string()
            .optional()
            .describe('the cursor of the last event that came; for streams'),
        }),
        response: {
          200: {
            description: 'What came after the cursor.',
            content: {
              'application/json': { schema: answer },
              'text/event-stream': { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { since, wait } = request.query
      if (request.headers.accept?.includes('text/event-stream')) return openStream(request, reply, since)
      if (since === undefined) return { events: [], cursor: await feed.now() }
      if (wait === 0) await feed.look()
      const { events, cursor } = await feed.next(since, streams.hold(reply, wait * 1000))
      const secret = bearerOf(request.headers)
      // Much may have happened to the key while its request was held.
      if (wait > 0 && secret) await withoutDeadline(() => keys.require(secret, 'events'))
      return { events: [...events], cursor }
    },
  )
}

export const events = fp(routes, {
  name: 'events',
  dependencies: ['key-guard', 'streams'],
  encapsulate: true,
})

/** The same bytes for all who follow: those that are still on their way to slow readers are held once. */
const written = new WeakMap<Page, Buffer>()

function messagesOf(page: Page): Buffer {
  const known = written.get(page)
  if (known) return known
  const last = page.events.at(-1)
  const messages = page.events.map((event) => {
    const id = event === last ? `id: ${page.cursor}\n` : ''
    return `event: ${event.type}\n${id}data: ${JSON.stringify(event)}\n\n`
  })
  const bytes = Buffer.from(messages.join(''))
  written.set(page, bytes)
  return bytes
}
