/**
 * `POST /leases`: a part of this instance's lease for a service that checks sessions in its own process. One request a second both
 * extends the lease and tells what was revoked. The protocol: ARCHITECTURE.md, "Callers".
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../config.ts'
import { type ErrorCode, Problem } from '../errors.ts'
import { callers } from '../http/openapi/document.ts'
import { sendProblem } from '../http/problems.ts'
import { sessionId } from '../http/schemas.ts'
import type { Refusal } from '../leases/grants.ts'
import type { Lender, Refused } from '../leases/lender.ts'
import { uuid } from '../lib/schemas.ts'
import type { LastSeen } from '../sessions/last-seen.ts'
import { KEY_PROBLEMS } from './guard.ts'

/** Bytes of a body: 10,000 uses and a long snapshot. */
const MAX_BODY = 1024 * 1024
const MOST_USES = 10_000
/**
 * Every caller asks once a second: a thousand callers of a key would have PostgreSQL look it up a thousand times a second. A key that is
 * revoked gets no lease a second later, and its last lease is over after three more.
 */
const REMEMBER_KEY_MS = 1_000

const cursor = z.strictObject({
  server: z.string().max(1_024),
  // A transaction id has at most 20 digits. One is listed for each connection that is in a transaction.
  snapshot: z
    .string()
    .max(100_000)
    .regex(/^\d{1,20}:\d{1,20}:(?:\d{1,20}(?:,\d{1,20})*)?$/, 'must be the snapshot of an answer'),
})

const leaseRequest = z.strictObject({
  caller: uuid('must be a UUID').describe('of the calling process; new at each start'),
  instance: uuid('must be the instance of an answer')
    .nullable()
    .default(null)
    .describe('the instance whose lease the caller holds; null when it holds none'),
  cursor: cursor
    .nullable()
    .default(null)
    .describe('what the caller has applied: the newest cursor of all answers; null at first'),
  wait: z
    .boolean()
    .default(false)
    .describe(
      'with nothing to tell, answer when the lease is extended, within about a second, or at once when something was revoked',
    ),
  uses: z
    .array(z.strictObject({ sessionId, activity: z.boolean() }))
    .max(MOST_USES)
    .default([])
    .describe(
      'sessions whose use is due to be recorded; recorded whatever the answer, unless it is 400, 401 or 403',
    ),
  leave: z.boolean().default(false).describe('the caller answers nothing from memory any more'),
})

const lease = z.object({
  caller: z.uuid().describe('the calling process; an answer for another one is no lease'),
  instance: z.uuid().describe('the lending process, since it last joined'),
  cursor: z.object({ server: z.string(), snapshot: z.string() }),
  revoked: z
    .array(z.string())
    .nullable()
    .describe('hashed tokens to remove from memory, before the cursor is taken; null for all'),
  ms: z.number().describe('how long the caller may answer from memory, from before it sent the request'),
  cookies: z.array(z.string()).describe('names of the session cookies that the service reads'),
})

const REFUSALS: Record<Refusal, { code: ErrorCode; detail: string }> = {
  other_instance: {
    code: 'other_instance',
    detail:
      'The lease is of another instance. Ask again over another connection, or without an instance once that lease has ended.',
  },
  no_lease: { code: 'no_lease', detail: 'This instance has no lease now. Check at /check meanwhile.' },
  suspended: {
    code: 'lease_suspended',
    detail: 'A revocation had to wait for the lease of this caller. Check at /check meanwhile.',
  },
  key_suspended: {
    code: 'lease_suspended',
    detail: 'Revocations had to wait for leases of several callers of this key. Check at /check meanwhile.',
  },
  too_many: {
    code: 'too_many_callers',
    detail: 'This instance lends to as many callers as it can, of this key or of all.',
  },
}

export interface LeaseRoutes {
  config: Pick<Config, 'cookie'>
  /** Nothing is lent in database mode. */
  checking: { lender?: Lender }
  lastSeen: Pick<LastSeen, 'record'>
}

async function routes(instance: FastifyInstance, { config, checking, lastSeen }: LeaseRoutes) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { lender } = checking
  const cookies = [...config.cookie.names]
  const hold = createHold(app)

  app.post(
    '/leases',
    {
      bodyLimit: MAX_BODY,
      config: { quiet: true },
      onRequest: app.requireKey('leases', REMEMBER_KEY_MS),
      schema: {
        tags: ['services'],
        operationId: 'lease',
        summary: 'Lease: check sessions in your own process',
        description:
          'For a service that keeps valid sessions in memory, and answers their checks itself while it holds a lease. A logout waits until ' +
          'each holder has removed what it ended, or until its lease is over. docs/services.md says how to use it; clients do.',
        security: callers.service('leases'),
        problems: [
          ...KEY_PROBLEMS,
          'other_instance',
          'no_lease',
          'lease_suspended',
          'too_many_callers',
          'unavailable',
        ],
        body: leaseRequest,
        response: {
          200: lease.describe('A lease, and what was revoked since the cursor.'),
          204: z.null().describe('With `leave`: no logout waits for the caller any more.'),
        },
      },
    },
    async (request, reply) => {
      const { caller: callerId, uses, ...asked } = request.body
      const { id, name } = request.serviceKey
      for (const { sessionId, activity } of uses) lastSeen.record(sessionId, activity, true)
      // A key cannot act for the callers of another one.
      const caller = `${id} ${callerId}`
      if (!lender && asked.leave) return reply.code(204).send(null)
      if (!lender)
        throw new Problem('no_lease', 'With CHECK_MODE=database no instance has a lease. Check at /check.')
      const lent = await lender.lend({ ...asked, caller, key: name }, hold(reply)).catch(noLease)
      // Not thrown: a line in the log for each would say what the lease's own lines say.
      if (lent === 'left') return reply.code(204).send(null)
      if ('refused' in lent) return sendProblem(reply, refusal(lent))
      return { ...lent, caller: callerId, revoked: lent.revoked && [...lent.revoked], cookies }
    },
  )
}

export const leases = fp(routes, { name: 'leases', dependencies: ['key-guard'], encapsulate: true })

/** @returns a function that makes a signal for a held request: aborted when the client leaves or the server closes. */
function createHold(app: FastifyInstance) {
  const held = new Set<AbortController>()
  app.addHook('preClose', async () => {
    for (const each of held) each.abort()
  })
  return ({ raw }: FastifyReply): AbortSignal => {
    const each = new AbortController()
    held.add(each)
    raw.once('close', () => {
      held.delete(each)
      each.abort()
    })
    return each.signal
  }
}

function refusal({ refused, retryMs }: Refused): Problem {
  const { code, detail } = REFUSALS[refused]
  return new Problem(code, detail, retryMs > 0 ? { retryAfterSeconds: Math.ceil(retryMs / 1_000) } : {})
}

/** The supervising process does not answer. */
function noLease(cause: unknown): never {
  throw new Problem('no_lease', REFUSALS.no_lease.detail, { cause })
}
