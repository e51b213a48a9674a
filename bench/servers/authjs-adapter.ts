/**
 * Auth.js's stock DrizzleAdapter alone: one `getSessionAndUser` for each check, in a Fastify route, without
 * the rest of Auth.js.
 */
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { drizzle } from 'drizzle-orm/node-postgres'
import fastify from 'fastify'
import { host, openPool, port } from './common.ts'
import { tokenIn } from './token-in.ts'

const adapter = DrizzleAdapter(drizzle(openPool()))
const app = fastify()

app.get('/check', async (request, reply) => {
  const found = await adapter.getSessionAndUser?.(tokenIn(request.headers.cookie))
  if (!found || found.session.expires < new Date()) return reply.code(401).send()
  return reply
    .header('x-user-id', found.user.id)
    .header('x-session-id', found.session.sessionToken) // it has no other id
    .header('cache-control', 'no-store')
    .send()
})

await app.listen({ host, port })
