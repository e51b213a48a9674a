/** `/metrics`, for Prometheus. It counts; it names nobody. */
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics.ts'

export async function metricsRoutes(app: FastifyInstance, metrics: Pick<Metrics, 'text' | 'contentType'>) {
  app.get('/metrics', { config: { quiet: true } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  )
}
