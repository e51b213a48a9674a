/** `/metrics`, for Prometheus, and the count of requests by route. It counts; it names nobody. */
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics.ts'

export async function metricsRoutes(app: FastifyInstance, metrics: Pick<Metrics, 'text' | 'contentType'>) {
  app.get('/metrics', { config: { quiet: true } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  )
}

/**
 * Counts every request that reaches `app`, by the route as it was registered. One that reaches none may name any method and
 * any path: those count as one.
 */
export function countRequests(app: FastifyInstance, { answered }: Pick<Metrics, 'answered'>): void {
  app.addHook('onResponse', async ({ method, routeOptions: { url } }, reply) =>
    answered(url === undefined ? 'any' : method, url ?? 'none', reply.statusCode, reply.elapsedTime),
  )
}
