/** Prepares every request before its route: client address, arrival time, request id in the answer, parsed body, metrics. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Site } from '../ui/site.ts'
import type { createAddressOf } from './address.ts'
import { addBodyParsers } from './bodies.ts'
import { addView } from './pages.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Arrival time, in milliseconds on the monotonic clock. */
    arrivedAt: number
  }
  interface FastifyContextConfig {
    /** Disables the log line per request, for frequent routes. Failures are still logged. */
    quiet?: boolean
  }
}

export interface Requests {
  /** Counts a request by its registered route. */
  metrics: { answered(method: string, route: string, status: number, ms: number): void }
  addressOf: ReturnType<typeof createAddressOf>
  site: Site
}

export const requests = fp<Requests>(
  async (app, { addressOf, metrics, site }) => {
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
    addView(app, site)
    countRequests(app, metrics)
    addBodyParsers(app)
  },
  { name: 'requests' },
)

/** Counts every request by its registered route. Requests without a route share one label, because clients choose their path. */
function countRequests(app: FastifyInstance, { answered }: Requests['metrics']): void {
  app.addHook('onResponse', async ({ method, routeOptions: { url } }, reply) =>
    answered(url === undefined ? 'any' : method, url ?? 'none', reply.statusCode, reply.elapsedTime),
  )
}
