/** The stylesheet and the browser script; pages name them with a hash of their content.
 * Kept for minutes only: in a rolling deployment the old version may answer under the new name. */
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { assetFolder } from '../web/assets.ts'

export async function assetRoutes(app: FastifyInstance) {
  await app.register(fastifyStatic, {
    root: assetFolder,
    prefix: '/assets/',
    index: false,

    maxAge: '10m',
  })
}
