/**
 * Serves the stylesheets and browser scripts under URLs with a content hash. Browsers cache them for ten minutes only:
 * during a rolling deployment an old instance may answer a new URL with old content.
 */
import fastifyStatic from '@fastify/static'
import fp from 'fastify-plugin'
import { assetFolder } from './assets.ts'

export const assets = fp(
  async (app) => {
    await app.register(fastifyStatic, {
      root: assetFolder,
      prefix: '/assets/',
      index: false,
      maxAge: '10m',
    })
  },
  { name: 'assets', encapsulate: true },
)
