/** Records every route that servers of this process register from now on. */
import { subscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, RouteOptions } from 'fastify'

export interface Registered {
  method: string
  /** The path as registered: `/api/sessions/:id`. */
  url: string
  documented: boolean
}

/** Call it before a server is built. */
export function watchRoutes(): Registered[] {
  const routes: Registered[] = []
  const note = ({ method, url, schema }: RouteOptions) => {
    for (const name of [method].flat()) routes.push({ method: name, url, documented: Boolean(schema?.tags) })
  }
  subscribe('fastify.initialization', (message) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', note)
  })
  return routes
}
