/** Serves `/metrics`: the metrics of all workers, as Prometheus text. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { z } from 'zod'
import { callers } from '../http/openapi/document.ts'
import type { Metrics } from './metrics.ts'

export interface MetricsText {
  metrics: Pick<Metrics, 'text' | 'contentType'>
}

async function routes(app: FastifyInstance, { metrics }: MetricsText) {
  const schema = {
    operationId: 'metrics',
    tags: ['operators'],
    summary: 'Metrics for Prometheus, of all workers',
    description: 'docs/operations.md explains each metric.',
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
