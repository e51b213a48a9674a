/**
 * `GET /events`: the feed of revocations and of reused revoked tokens, for services with a key, as server-sent events or JSON
 * (long polling). In a stream only the last event of a page has an id: a client cut off within a page gets the page again.
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
import { type Feed, malformedCursor } from './feed.ts'
import type { Page } from './window.ts'

/** Longest wait of a long poll, in seconds. */
const MAX_WAIT = 30
const WAIT = `must be a whole number of seconds from 0 to ${MAX_WAIT}`

const isCursor = (text: string) => parseCursor(text) !== null
const query = z.object({
  since: z
    .string()
    .refine(isCursor, 'must be a cursor of this feed')
    .optional()
    .describe('the cursor of the last answer'),
  wait: z.coerce.number(WAIT).int(WAIT).min(0, WAIT).max(MAX_WAIT, WAIT).default(0),
})

const session = {
  sessionId: z.string(),
  userId: z.string(),
  operationId: nullableText.describe(
    'the operation that ended the session; null when it was ended outside this service',
  ),
}
const revoked = z.object({
  type: z.literal('session.revoked'),
  ...session,
  kind: nullableText,
  scope: nullableText,
  revokedAt: instant,
})
const replayed = z.object({
  type: z.literal('session.replayed').describe('the token of an ended session was used again'),
  ...session,
  count: z.int().describe('how often since the last event about this session'),
  ipAddress: nullableText,
  userAgent: nullableText,
  ...comparison,
  at: instant,
})
const feedAnswer = z.object({
  events: z.array(z.discriminatedUnion('type', [revoked, replayed])),
  cursor: z.string().describe('the next value of `since`'),
})

export interface EventRoutes {
  feed: Feed
  keys: Keys
}

async function routes(instance: FastifyInstance, { feed, keys }: EventRoutes) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { streams } = app
  /** Key checks in flight: one for each key, however many streams it has opened. */
  const keyChecks = new Map<string, Promise<boolean>>()

  /** Whether a key may still stream. An undecided check counts as yes. */
  function mayStream(secret: string): Promise<boolean> {
    const check =
      keyChecks.get(secret) ??
      keys
        .require(secret, 'events')
        .then(
          () => true,
          (error) => !(error instanceof Problem && error.status < 500),
        )
        .finally(() => keyChecks.delete(secret))
    keyChecks.set(secret, check)
    return check
  }

  /** Streams from the client's cursor. Refuses before the stream begins. */
  async function openStream(request: FastifyRequest, reply: FastifyReply, since: string | undefined) {
    const lastId = request.headers['last-event-id']?.toString()
    if (lastId !== undefined && !isCursor(lastId)) throw malformedCursor('Last-Event-ID')
    const from = lastId ?? since
    const first: Page = from
      ? await feed.next(from, AbortSignal.abort())
      : { events: [], cursor: await feed.newCursor() }

    const secret = bearerOf(request.headers)
    const stream = streams.open(reply, async () => {
      if (secret && !(await mayStream(secret))) stream.end()
    })
    await stream.write(`event: ready\nid: ${from ?? first.cursor}\ndata: {}\n\n`)
    try {
      for (let page = first; !stream.ended.aborted; page = await feed.next(page.cursor, stream.ended))
        if (page.events.length > 0) await stream.write(messagesOf(page))
    } catch (err) {
      request.log.warn({ err }, 'stream of the feed ended by an error')
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
        summary: 'The feed of revocations and of reused revoked tokens',
        description:
          'Every revocation committed after the cursor is delivered at least once, and so is every record of a reused revoked token, at ' +
          'most one for each session and minute. Ignore events of a `type` that you do not know. As JSON: without `since`, the answer is the current cursor; ' +
          'with it, the events after it, waited for up to `wait` seconds. With `Accept: text/event-stream`: a stream of events named by their `type`, resumed with ' +
          '`Last-Event-ID`. A cursor that is too old is refused with 410; no event is skipped.',
        security: callers.service('events'),
        problems: [...KEY_PROBLEMS, 'cursor_too_old', 'unavailable'] as const,
        querystring: query,
        headers: z.object({
          'last-event-id': z
            .string()
            .optional()
            .describe('the cursor of the last event received; for streams'),
        }),
        response: {
          200: {
            description: 'The events after the cursor.',
            content: {
              'application/json': { schema: feedAnswer },
              'text/event-stream': { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { since, wait } = request.query
      if (request.headers.accept?.includes('text/event-stream')) return openStream(request, reply, since)
      if (since === undefined) return { events: [], cursor: await feed.newCursor() }
      if (wait === 0) await feed.refresh()
      const { events, cursor } = await feed.next(since, streams.hold(reply, wait * 1000))
      const secret = bearerOf(request.headers)
      // The key may have been revoked while the request was held.
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

/** The bytes of each page, shared by all streams: slow readers do not multiply them. */
const encoded = new WeakMap<Page, Buffer>()

function messagesOf(page: Page): Buffer {
  const known = encoded.get(page)
  if (known) return known
  const last = page.events.at(-1)
  const messages = page.events.map((event) => {
    const id = event === last ? `id: ${page.cursor}\n` : ''
    return `event: ${event.type}\n${id}data: ${JSON.stringify(event)}\n\n`
  })
  const bytes = Buffer.from(messages.join(''))
  encoded.set(page, bytes)
  return bytes
}
