/** The Fastify plugin and the Express middleware: who is admitted, and what the others get. */
import { createServer } from 'node:http'
import { createClient, expressSession, fastifySession } from '@global-logout/client'
import express from 'express'
import Fastify from 'fastify'
import tap from 'tap'
import { ERRORS } from '../../src/errors.ts'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { duringOutage } from '../support/database-outage.ts'
import { listen } from '../support/ports.ts'
import { json, startService } from '../support/service.ts'
import { within } from '../support/within.ts'

const service = await startService({ env: { TRUST_PROXY: '127.0.0.1' } })
const client = createClient({ url: service.base })
const ada = await service.addUser('Ada Lovelace')

const applications: Record<string, () => Promise<string>> = {
  async Fastify() {
    const app = Fastify({ trustProxy: '127.0.0.1' })
    app.get('/public', async () => 'public')
    await app.register(async (members) => {
      await members.register(fastifySession(client))
      await members.register(async (inner) => {
        inner.all('/private', async ({ identity, headers }) => ({ identity, headers }))
      })
    })
    await app.register(async (visitors) => {
      await visitors.register(fastifySession(client, { optional: true }))
      visitors.get('/optional', async ({ identity }) => ({ identity }))
      await visitors.register(async (members) => {
        await members.register(fastifySession(client))
        members.get('/inside', async ({ identity }) => ({ identity }))
      })
    })
    tap.teardown(() => app.close())
    return app.listen({ port: 0 })
  },
  async Express() {
    const app = express().set('trust proxy', '127.0.0.1')
    app.get('/public', (_request, response) => void response.send('public'))
    app.all('/private', expressSession(client), ({ identity, headers }, response) => {
      response.json({ identity, headers })
    })
    app.get('/optional', expressSession(client, { optional: true }), ({ identity }, response) => {
      response.json({ identity })
    })
    const visitors = express.Router().use(expressSession(client, { optional: true }))
    app.use(
      visitors.get('/inside', expressSession(client), ({ identity }, response) => {
        response.json({ identity })
      }),
    )
    const server = createServer(app)
    const port = await listen(server)
    tap.teardown(() => void server.close())
    return `http://127.0.0.1:${port}`
  },
}

for (const [name, start] of Object.entries(applications)) {
  tap.test(`with the session check for ${name}`, async (t) => {
    const url = await start()
    const get = (path: string, token?: string, init: RequestInit = {}) =>
      boundedFetch(url + path, {
        ...init,
        headers: { ...init.headers, ...(token && { authorization: `Bearer ${token}` }) },
      })

    t.test('a route knows the user of its request, by cookie and by bearer, for every method', async (t) => {
      const { token, id: sessionId } = await service.signIn(ada)
      for (const method of ['GET', 'POST', 'DELETE'])
        t.match(await (await get('/private', token, { method })).json(), {
          identity: { userId: ada, sessionId },
        })
      const cookie = { cookie: `${service.cookieName}=${token}` }
      t.match(await (await get('/private', undefined, { headers: cookie })).json(), {
        identity: { userId: ada },
      })
    })

    t.test('identity headers of the client are ignored', async (t) => {
      const { token } = await service.signIn(ada)
      const forged = {
        'X-User-ID': 'eve',
        x_user_id: 'eve',
        'X.Session.ID': '1',
        'X-Session-Id': '1',
        'x-other': '1',
      }
      const { headers, identity } = await (await get('/private', token, { headers: forged })).json()
      t.equal(identity.userId, ada)
      t.same(
        Object.keys(headers).filter((header) => header.startsWith('x')),
        ['x-other'],
      )
      t.equal((await get('/private', undefined, { headers: forged })).status, 401)
    })

    t.test('without a session, the answer is a 401 problem with a challenge', async (t) => {
      for (const [token, code, challenge] of [
        [undefined, 'unauthenticated', 'Bearer'],
        ['unknown', 'invalid_token', 'Bearer error="invalid_token"'],
      ] as const) {
        const response = await get('/private', token)
        t.equal(response.headers.get('www-authenticate'), challenge)
        await isProblem(t, response, code)
      }
      const stranger = await get('/private', undefined, { headers: { cookie: 'theme=dark' } })
      await isProblem(t, stranger, 'unauthenticated')
    })

    t.test('two session cookies that differ are removed, so that the next sign-in works', async (t) => {
      const cookie = `${service.cookieName}=one; ${service.cookieName}=another`
      const response = await get('/private', undefined, { headers: { cookie } })
      t.match(response.headers.getSetCookie(), [`${service.cookieName}=; Max-Age=0`])
      await isProblem(t, response, 'invalid_token')
      const passed = await get('/optional', undefined, { headers: { cookie } })
      t.same(await passed.json(), { identity: null })
      t.match(
        passed.headers.getSetCookie(),
        [`${service.cookieName}=; Max-Age=0`],
        'also where no session is needed',
      )
      for (const path of ['/private', '/optional'])
        t.same((await get(path, 'unknown')).headers.getSetCookie(), [], 'other cookies are kept')
    })

    t.test('the reuse of a revoked token is recorded with address and user agent', async (t) => {
      const user = await service.addUser()
      const { token } = await service.signIn(user)
      await service.as(token, '/api/logout', json({ scope: 'local' }))
      const headers = { 'user-agent': 'thief', 'x-forwarded-for': '198.51.100.66' }
      t.equal((await get('/private', token, { headers })).status, 401)
      await service.replays.flush()
      t.same(
        await service.database.psql('select ip_address, user_agent from replay where user_id = $1', [user]),
        [{ ip_address: '198.51.100.66', user_agent: 'thief' }],
      )
    })

    t.test('after a logout everywhere, the next request is refused', async (t) => {
      const [{ token: phone }, { token: laptop }] = [await service.signIn(ada), await service.signIn(ada)]
      t.equal((await get('/private', laptop)).status, 200)
      await service.as(phone, '/api/logout', json({ scope: 'global' }))
      t.equal((await get('/private', laptop)).status, 401)
      t.same(await (await get('/optional', laptop)).json(), { identity: null })
    })

    t.test('if the session is undecided, the request gets 503, never access or a 401', async (t) => {
      const { token } = await service.signIn(ada)
      await duringOutage(service, async () => {
        for (const path of ['/private', '/optional']) {
          const response = await get(path, token)
          t.equal(response.headers.get('retry-after'), '1')
          t.equal(response.headers.get('www-authenticate'), null)
          await isProblem(t, response, 'unavailable')
        }
        t.equal((await get('/public', token)).status, 200)
      })
      t.same((await (await get('/optional', token)).json()).identity.userId, ada)
    })

    t.test('an optional session is null without credentials', async (t) => {
      t.same(await (await get('/optional')).json(), { identity: null })
    })

    t.test('a public part of the application may contain a part for members only', async (t) => {
      const { token, id: sessionId } = await service.signIn(ada)
      t.equal((await get('/inside')).status, 401)
      t.match(await (await get('/inside', token)).json(), { identity: { userId: ada, sessionId } })
    })
  })
}

tap.test('other errors are left to the application, and give no access', async (t) => {
  const broken = {
    verdict: async () => {
      throw new Error('broken')
    },
  }
  const app = Fastify()
  await app.register(fastifySession(broken))
  app.get('/', async () => 'private')
  t.equal((await app.inject('/')).statusCode, 500)
  const request = { headers: {} }
  const passed = await within(
    'the next middleware',
    new Promise((next) => expressSession(broken)(request, {} as never, next)),
  )
  t.match(passed, { message: 'broken' })
  t.notOk('identity' in request)
})

async function isProblem(
  t: Pick<typeof tap, 'equal' | 'match'>,
  response: Response,
  code: keyof typeof ERRORS,
) {
  const { status, title } = ERRORS[code]
  t.equal(response.status, status)
  t.match(response.headers.get('content-type'), 'application/problem+json')
  t.equal(response.headers.get('cache-control'), 'no-store')
  const type = `urn:global-logout:problem:${code}`
  t.match(
    await response.json(),
    { type, title, status, code, detail: String },
    'with the title of the service',
  )
}
