/** For security staff: acknowledge the reused tokens of a user. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { callers } from '../../http/openapi/document.ts'
import { nullableText, text } from '../../http/schemas.ts'
import { zonedInstant } from '../../lib/schemas.ts'
import { actorOf, WRITE_PROBLEMS } from '../guard.ts'
import { reason } from '../reason.ts'
import type { AcknowledgeReplays } from './acknowledge.ts'

export interface ReplaysApi {
  acknowledgeReplays: AcknowledgeReplays
}

async function routes(instance: FastifyInstance, { acknowledgeReplays }: ReplaysApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.post(
    '/api/admin/users/:id/replays/acknowledge',
    {
      onRequest: app.requireStaff.write,
      schema: {
        tags: ['staff'],
        security: callers.staff,
        operationId: 'acknowledgeReplays',
        summary: 'Acknowledge the reused revoked tokens of a user',
        description: 'The console no longer shows them as an alarm. A later use is one again.',
        problems: WRITE_PROBLEMS,
        params: z.object({ id: text.min(1, 'must not be empty') }),
        body: z.strictObject({
          reason,
          until: zonedInstant.optional().describe('the newest that was seen; without it, all'),
        }),
        response: {
          200: z
            .object({
              operationId: nullableText.describe('null: there was none to acknowledge'),
              count: z.int().describe('records that were not acknowledged before'),
            })
            .describe('What was acknowledged.'),
        },
      },
    },
    (request) => {
      const { reason, until } = request.body
      return acknowledgeReplays(request.params.id, reason, until ? new Date(until) : null, actorOf(request))
    },
  )
}

export const replaysApi = fp(routes, {
  name: 'replays-api',
  dependencies: ['staff-guard'],
  encapsulate: true,
})
