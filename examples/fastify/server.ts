// A Fastify application whose private routes need a valid session. README.md in this folder says how to run
// it.

import { createClient, fastifySession, type Identity } from '@global-logout/client'
import Fastify from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity | null
  }
}

const { PORT = '3000', GLOBAL_LOGOUT_URL = 'http://127.0.0.1:4000', GLOBAL_LOGOUT_KEY } = process.env
// With a key of the scope `leases`, sessions are checked in the memory of this process.
const client = GLOBAL_LOGOUT_KEY
  ? createClient({ url: GLOBAL_LOGOUT_URL, key: GLOBAL_LOGOUT_KEY, checks: 'leased' })
  : createClient({ url: GLOBAL_LOGOUT_URL })
const app = Fastify()
app.addHook('onClose', () => client.close())

app.get('/', async () => 'A page for all.\n')

app.register(async (members) => {
  await members.register(fastifySession(client))
  members.get('/me', async (request) => request.identity)
})

app.register(async (visitors) => {
  await visitors.register(fastifySession(client, { optional: true }))
  visitors.get('/hello', async ({ identity }) => `Hello, ${identity?.userId ?? 'stranger'}.\n`)
})

process.once('SIGTERM', () => app.close())
process.once('SIGINT', () => app.close())
console.log(`The application listens on ${await app.listen({ port: Number(PORT) })}`)
