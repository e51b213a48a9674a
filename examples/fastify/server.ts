// A Fastify application whose private routes need a valid session. README.md in this folder says how to run
// it.

import { createClient, fastifySession, type Identity } from '@global-logout/client'
import Fastify from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity | null
  }
}

const { PORT = '3000', GLOBAL_LOGOUT_URL = 'http://127.0.0.1:4000' } = process.env
const client = createClient({ url: GLOBAL_LOGOUT_URL })
const app = Fastify()

app.get('/', async () => 'Everybody may read this.\n')

app.register(async (members) => {
  await members.register(fastifySession(client))
  members.get('/me', async (request) => request.identity)
})

app.register(async (visitors) => {
  await visitors.register(fastifySession(client, { optional: true }))
  visitors.get('/hello', async ({ identity }) => `Hello, ${identity?.userId ?? 'stranger'}.\n`)
})

console.log(`The application listens on ${await app.listen({ port: Number(PORT) })}`)
