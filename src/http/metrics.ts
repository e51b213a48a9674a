/** `/metrics`, for Prometheus, and the count of requests by route. It counts; it names nobody. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { z } from 'zod'
import type { Metrics } from '../metrics.ts'
import { callers } from './openapi/document.ts'

export interface MetricsText {
  metrics: Pick<Metrics, 'text' | 'contentType'>
}

async function routes(app: FastifyInstance, { metrics }: MetricsText) {
  const schema = {
    operationId: 'metrics',
    tags: ['operators'],
    summary: 'Metrics for Prometheus, of all workers',
    description: 'docs/operations.md tells what each means, and when to worry.',
    security: callers.anyone,
    produces: ['text/plain'],
    problems: ['unavailable'] as const,
    response: { 200: z.string().describe('The text format of Prometheus, 0.0.4.') },
  }
  app.get('/metrics', { config: { quiet: true }, schema }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  )
}

export const metricsText = fp(routes, { name: 'metrics', encapsulate: true })

/**
 * Counts every request that reaches `app`, by the route as it was registered. One that reaches none may name any method and
 * any path: those count as one.
 */
export function countRequests(app: FastifyInstance, { answered }: Pick<Metrics, 'answered'>): void {
  app.addHook('onResponse', async ({ method, routeOptions: { url } }, reply) =>
    answered(url === undefined ? 'any' : method, url ?? 'none', reply.statusCode, reply.elapsedTime),
  )
}
