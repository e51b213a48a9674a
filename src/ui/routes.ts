/** The stylesheet and the browser script; pages name them with a hash of their content.
 * Kept for minutes only: in a rolling deployment the old version may answer under the new name. */
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
