/** Lucia 3 with its PostgreSQL adapter in a Fastify route, as its guide validates session cookies. */
import { NodePostgresAdapter } from '@lucia-auth/adapter-postgresql'
import fastify from 'fastify'
import { Lucia } from 'lucia'
import { host, openPool, port } from './common.ts'

const adapter = new NodePostgresAdapter(openPool(), { user: 'auth_user', session: 'user_session' })
const lucia = new Lucia(adapter, { sessionCookie: { attributes: { secure: false } } })
const app = fastify()

app.get('/check', async (request, reply) => {
  const sessionId = lucia.readSessionCookie(request.headers.cookie ?? '')
  const { session, user } = sessionId ? await lucia.validateSession(sessionId) : { session: null, user: null }
  if (!session) return reply.code(401).send()
  if (session.fresh) reply.header('set-cookie', lucia.createSessionCookie(session.id).serialize())
  return reply
    .header('x-user-id', user.id)
    .header('x-session-id', session.id)
    .header('cache-control', 'no-store')
    .send()
})

await app.listen({ host, port })
