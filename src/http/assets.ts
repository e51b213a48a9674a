/** The stylesheet and the browser script; pages name them with a hash of their content, so they may be cached for good. */
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { assetFolder } from '../web/assets.ts'

export async function assetRoutes(app: FastifyInstance) {
  await app.register(fastifyStatic, {
    root: assetFolder,
    prefix: '/assets/',
    index: false,
    immutable: true,
    maxAge: '365d',
  })
}
