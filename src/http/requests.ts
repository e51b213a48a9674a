/** What every request gets before its route: an address, a time of arrival, an id in the answer, and a body of a known type. */
import fp from 'fastify-plugin'
import type { Metrics } from '../metrics.ts'
import type { createAddressOf } from './address.ts'
import { readBodies } from './bodies.ts'
import { countRequests } from './metrics.ts'

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
  metrics: Pick<Metrics, 'answered'>
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
