/**
 * Serves the stylesheets and browser scripts under URLs with a content hash. Browsers cache them for ten minutes only:
 * during a rolling deployment an old instance may answer a new URL with old content.
 */
import fastifyStatic from '@fastify/static'
import fp from 'fastify-plugin'
import { assetFolder } from './assets.ts'
import type { Site } from './site.ts'

export const assets = fp<{ site: Site }>(
  async (app, { site }) => {
    await app.register(fastifyStatic, {
      root: assetFolder,
      prefix: '/assets/',
      index: false,
      maxAge: '10m',
    })
    const { accent } = site
    if (accent)
      app.get('/accent.css', { schema: { hide: true } }, (_request, reply) =>
        reply.type('text/css').header('cache-control', 'public, max-age=600').send(accent.style),
      )
  },
  { name: 'assets', encapsulate: true },
)
