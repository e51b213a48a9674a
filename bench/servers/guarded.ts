/**
 * A route of an application that says whose session it was asked with. `GET /cookies?count=N` gives cookies of the first N sessions.
 *
 *     node guarded.ts fastify|express none|leased|HS256|ES256
 */
import { createClient, expressSession, fastifySession } from '@global-logout/client'
import express, { type RequestHandler } from 'express'
import fastify, { type onRequestAsyncHookHandler } from 'fastify'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { spread, tokenOf, userIdOf } from '../seeded.ts'
import { host, port } from './common.ts'
import { tokenIn } from './token-in.ts'

const [framework, guard = 'none'] = process.argv.slice(2)
const { SERVICE_URL, SERVICE_KEY, SESSIONS } = process.env
const COOKIE = 'authjs.session-token='

interface Guard {
  cookie(n: number): string | Promise<string>
  fastify?: ReturnType<typeof fastifySession> | { hook: onRequestAsyncHookHandler }
  express?: RequestHandler
}

function leased(): Guard {
  const client = createClient({ url: SERVICE_URL ?? '', key: SERVICE_KEY, checks: 'leased' })
  return {
    cookie: tokenOf,
    fastify: fastifySession(client),
    express: expressSession(client) as RequestHandler,
  }
}

async function jwt(alg: string): Promise<Guard> {
  const pair = alg === 'HS256' ? null : await generateKeyPair(alg)
  const secret = crypto.getRandomValues(new Uint8Array(32))
  const verify = async (cookies: string | undefined) =>
    (await jwtVerify(tokenIn(cookies), pair?.publicKey ?? secret)).payload.sub
  return {
    cookie: (n) =>
      new SignJWT()
        .setProtectedHeader({ alg })
        .setSubject(userIdOf(n))
        .setExpirationTime('1h')
        .sign(pair?.privateKey ?? secret),
    fastify: {
      hook: async ({ headers }, reply) => {
        await verify(headers.cookie).catch(() => reply.code(401).send())
      },
    },
    express: (request, response, next) => {
      verify(request.headers.cookie).then(
        () => next(),
        () => response.status(401).end(),
      )
    },
  }
}

const guarded: Guard =
  guard === 'none' ? { cookie: tokenOf } : guard === 'leased' ? leased() : await jwt(guard)

const cookies = async (count: number) =>
  Promise.all(spread(Number(SESSIONS), count).map(async (n) => `${COOKIE}${await guarded.cookie(n)}`))

if (framework === 'express') {
  const app = express()
  app.get('/cookies', async ({ query }, response) => void response.json(await cookies(Number(query.count))))
  app.get(
    '/',
    ...(guarded.express ? [guarded.express] : []),
    (_, response) => void response.json({ ok: true }),
  )
  app.listen(port, host)
} else {
  const app = fastify()
  app.get<{ Querystring: { count: string } }>('/cookies', ({ query }) => cookies(Number(query.count)))
  await app.register(async (scope) => {
    if (typeof guarded.fastify === 'function') await scope.register(guarded.fastify)
    else if (guarded.fastify) scope.addHook('onRequest', guarded.fastify.hook)
    scope.get('/', async () => ({ ok: true }))
  })
  await app.listen({ host, port })
}
