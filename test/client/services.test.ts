/** The client with a service key: its requests, refusals and outages. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, ServiceError } from '@global-logout/client'
import t from 'tap'
import { duringOutage } from '../support/database-outage.ts'
import { freePort } from '../support/ports.ts'
import { startService } from '../support/service.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const service = await startService()
const { key } = await service.keyFor('introspect', 'sessions:create')
const client = createClient({ url: service.base, key })
const ada = await service.addUser('ada')

t.test('introspection describes an active token; for an ended one it says only that', async (t) => {
  const { token, id } = await service.signIn(ada)
  t.match(await client.introspect(token), { active: true, sub: ada, sid: id, iat: Number, exp: Number })
  await service.sessions.logout(token, 'global', { userAgent: null, ipAddress: null })
  t.same(await client.introspect(token), { active: false })
})

t.test('a user is signed in on a device, and the session that it replaces ends', async (t) => {
  const { token: before } = await service.signIn(ada)
  const device = { userAgent: 'Shop/1.0', ipAddress: '203.0.113.9' }
  const created = await client.create({ user: { id: ada }, ...device, replaces: before })
  const { userId, sessionId } = (await client.check(bearer(created.token))) ?? {}
  t.same({ userId, sessionId }, { userId: ada, sessionId: created.sessionId })
  t.equal(await client.check(bearer(before)), null)
  t.equal(created.cookie.name, service.cookieName)
  t.ok(created.expiresAt.getTime() > Date.now())
})

t.test('a refusal has the error code of the service', async (t) => {
  const nowhere = client.create({ user: { id: ada }, ipAddress: 'nowhere' })
  await t.rejects(nowhere, {
    name: 'ServiceError',
    status: 400,
    code: 'invalid_request',
    detail: /ipAddress/,
  })
  const wrong = createClient({ url: service.base, key: 'glk_wrong' })
  await t.rejects(wrong.introspect('x'), { status: 401, code: 'invalid_key' })
  const { key } = await service.keyFor('events')
  const other = createClient({ url: service.base, key })
  await t.rejects(other.create({ user: { id: ada } }), { status: 403, code: 'insufficient_scope' })
})

t.test('without a key, no request is sent', async (t) => {
  const keyless = createClient({ url: `http://127.0.0.1:${await freePort()}` })
  const error = { name: 'TypeError', message: /key/ }
  await t.rejects(keyless.introspect('x'), error)
  await t.rejects(keyless.create({ user: { id: 'x' } }), error)
  await t.rejects(keyless.removeUser('x'), error)
  await t.rejects(keyless.follow({ onRevoked() {} }), error)
})

t.test('a database outage is reported as such', async (t) => {
  await duringOutage(service, async () => {
    const error = await client.introspect('x').catch((error) => error)
    t.match(error, { status: 503, code: 'unavailable', retryAfterSeconds: 1 })
    t.ok(error instanceof ServiceError)
  })
})

t.test('a lost answer is requested again only where a repetition changes nothing', async (t) => {
  const proxy = await startTcpProxy(service.base)
  const client = createClient({ url: proxy.url, key })
  const { token } = await service.signIn(ada)
  proxy.reset(1)
  t.match(await client.introspect(token), { active: true })
  t.equal(proxy.counts.requests, 2)
  proxy.reset(1)
  const lost = client.create({ user: { id: ada } })
  await t.rejects(lost, { status: 503, code: 'no_answer', detail: /may have been executed/ })
  t.equal(proxy.counts.requests, 3)
})

t.test('creating a session that replaces another waits for the end of the other', async (t) => {
  const answer: typeof fetch = async (_url, init) => {
    await sleep(300, undefined, { signal: init?.signal as AbortSignal })
    const cookie = { name: 'session', attributes: {} }
    const made = { token: 'new', sessionId: 'f3b6', expiresAt: '2030-01-01T00:00:00.000Z', cookie }
    return Response.json(made, { status: 201 })
  }
  const client = createClient({ url: service.base, key, timeoutMs: 100, fetch: answer })
  await t.rejects(client.create({ user: { id: ada } }), { code: 'no_answer' })
  t.match(await client.create({ user: { id: ada }, replaces: 'old' }), { token: 'new' })
})

t.test('an answer of another server is refused', async (t) => {
  const body =
    (status: number, text: string, type = 'text/html') =>
    async () =>
      new Response(text, { status, headers: { 'content-type': type } })
  for (const answer of [
    body(200, '<h1>Welcome</h1>'),
    body(200, '{"active":"yes"}', 'application/json'),
    body(200, '{"active":true}', 'application/json'),
    body(200, 'null', 'application/json'),
    body(201, '{"token":""}', 'application/json'),
    body(201, '{"token":"a","sessionId":"b","expiresAt":"soon"}', 'application/json'),
    body(404, '{"code":"invalid_key","detail":"no"}', 'application/problem+json'),
    body(302, ''),
    body(404, 'Not Found'),
    body(404, '{', 'application/problem+json'),
    body(404, '{"code":7}', 'application/problem+json'),
  ]) {
    const client = createClient({ url: service.base, key, fetch: answer })
    await t.rejects(client.introspect('x'), { status: 503, code: 'no_answer' })
    await t.rejects(client.create({ user: { id: ada } }), { status: 503, code: 'no_answer' })
  }
})

function bearer(token: string) {
  return { headers: { authorization: `Bearer ${token}` } }
}
