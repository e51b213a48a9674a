/** What every request gets before its route: an address, a time of arrival, an id in the answer, and a body of a known type. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { createAddressOf } from './address.ts'
import { readBodies } from './bodies.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** In milliseconds on the monotonic clock. */
    arrivedAt: number
  }
  interface FastifyContextConfig {
    /** A route too hot for a log line per request; its failures are still logged. */
    quiet?: boolean
  }
}

export interface Requests {
  /** Counts a request by its registered route. */
  metrics: { answered(method: string, route: string, status: number, ms: number): void }
  addressOf: ReturnType<typeof createAddressOf>
}

export const requests = fp<Requests>(
  async (app, { addressOf, metrics }) => {
    app.decorateRequest('address', {
      getter() {
        return addressOf(this.raw)
      },
    })
    app.decorateRequest('arrivedAt', 0)
    app.addHook('onRequest', async (request, reply) => {
      request.arrivedAt = performance.now()
      reply.header('x-request-id', request.id)
    })
    countRequests(app, metrics)
    readBodies(app)
  },
  { name: 'requests' },
)

/**
 * Counts every request by its registered route. Requests without a route count as one, because clients choose their method
 * and path.
 */
function countRequests(app: FastifyInstance, { answered }: Requests['metrics']): void {
  app.addHook('onResponse', async ({ method, routeOptions: { url } }, reply) =>
    answered(url === undefined ? 'any' : method, url ?? 'none', reply.statusCode, reply.elapsedTime),
  )
}
