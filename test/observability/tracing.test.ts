/**
 * Traces show where the time of a request went; they contain no secrets, and failing exports delay no answer.
 */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { createKey } from '../../src/service-api/keys.ts'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { collector, type Span } from '../support/collector.ts'
import { run } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { noPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'
import { freePort } from '../support/ports.ts'
import { json, servicesOn } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const database = await testDatabase()
const { sessions } = servicesOn(database.url)
const canary = 'canary5d21'
const ada = `${canary}-ada`
await database.psql('insert into "user" (id, name, email) values ($1, $2, $3)', [
  ada,
  `${canary} Ada`,
  `${canary}@example.com`,
])
const signIn = async () =>
  (await sessions.create({ userId: ada, userAgent: `${canary}/1.0`, ipAddress: null })).token

/** The service as its own process, with an endpoint for its traces. */
async function start(env: Record<string, string>) {
  const port = await freePort()
  const service = run(['start'], {
    env: {
      DATABASE_URL: database.url,
      PORT: String(port),
      LOG_LEVEL: 'trace',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      ...env,
    },
  })
  await service.ready(port)
  const ask = (path: string, init: RequestInit = {}) =>
    boundedFetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual', ...init })
  // Not spread: that would start the limited wait of `ended`.
  return Object.assign(service, { ask })
}

/** The header of a caller that traces. */
function caller(sampled = true) {
  const traceId = crypto.randomUUID().replaceAll('-', '')
  return { traceId, traceparent: `00-${traceId}-00f067aa0ba902b7-0${sampled ? 1 : 0}` }
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const named = (spans: Span[], name: string) => spans.find((span) => span.name === name)

/** The texts of the queries among the spans, in a fixed order, without what a `begin` adds. */
const queriesOf = (spans: Span[]) => {
  const texts = spans.map(({ attributes }) => String(attributes['db.query.text'] ?? '').trim())
  return (
    texts
      .map((text) => text.replace(/^begin .*/, 'begin'))
      // A logout that waited for a lease records for how long.
      .filter((text) => text && !text.includes('waited_ms'))
      .sort()
  )
}
/** Of a logout without a pooler. */
let directQueries: string[] = []

t.test('a logout is in the trace of its caller: the request, and each of its queries', async (t) => {
  const receiver = await collector()
  const service = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint })
  const { traceId, traceparent } = caller()
  const token = await signIn()
  const answer = await service.ask('/api/logout', {
    ...json({ scope: 'global' }),
    headers: { ...json({}).headers, ...bearer(token), traceparent },
  })
  t.equal(answer.status, 200)

  const spans = await receiver.trace(traceId, 'POST /api/logout')
  const request = named(spans, 'POST /api/logout')
  t.match(request, {
    parentId: '00f067aa0ba902b7',
    kind: 2,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/api/logout',
      'http.response.status_code': 200,
      'global_logout.request_id': answer.headers.get('x-request-id'),
    },
    resource: { 'service.name': 'global-logout', 'service.version': /^\d/, 'service.instance.id': /-/ },
  })
  const queries = spans.filter((span) => span.attributes['db.query.text'])
  directQueries = queriesOf(queries)
  t.ok(queries.length >= 1, `${queries.length} queries`)
  t.ok(queries.every(({ kind, parentId }) => kind === 3 && parentId === request?.id))
  t.ok(queries.some((span) => /log_out/.test(String(span.attributes['db.query.text']))))

  await service.printed('request completed')
  const line =
    service
      .output()
      .split('\n')
      .find((line) => line.includes('request completed')) ?? '{}'
  t.match(
    JSON.parse(line),
    { trace_id: traceId, span_id: request?.id },
    'the log line has the ids of the trace',
  )
})

t.test('through a pooler a logout has the same queries, each once', { skip: noPgbouncer }, async (t) => {
  const { url } = await startPgbouncer(database.url)
  const receiver = await collector()
  const service = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    DATABASE_URL: url,
    DATABASE_DIRECT_URL: database.url,
  })
  const { traceId, traceparent } = caller()
  const token = await signIn()
  const headers = { ...json({}).headers, ...bearer(token), traceparent }
  const answer = await service.ask('/api/logout', { ...json({ scope: 'global' }), headers })
  t.equal(answer.status, 200)
  // Its `begin` also sets the durability.
  const expected = directQueries.filter((text) => !text.includes('synchronous_commit'))
  t.same(queriesOf(await receiver.trace(traceId, 'POST /api/logout')), expected)
  for (const secret of [token, hashToken(token)]) t.notOk(receiver.bytes().includes(secret))
})

t.test('a check is traced only if its caller traces it', async (t) => {
  const receiver = await collector()
  const service = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_TRACES_SAMPLER: 'always_on',
  })
  const token = await signIn()
  const [unsampled, sampled] = [caller(false), caller()]
  for (const headers of [{}, { traceparent: unsampled.traceparent }, { traceparent: 'nonsense' }])
    t.equal((await service.ask('/check', { headers: { ...headers, ...bearer(token) } })).status, 200)
  const { traceparent } = sampled
  await service.ask('/check/x', { headers: { traceparent, ...bearer('unknown') } })
  await service.ask('/check/x', { headers: { traceparent, ...bearer(token) } })
  const spans = await waitFor('both spans of the trace', async () => {
    const found = await receiver.trace(sampled.traceId, 'check')
    return found.length >= 2 && found
  })
  t.match(
    spans.map(({ attributes }) => attributes),
    [401, 200].map((status) => ({ 'http.route': '/check', 'http.response.status_code': status })),
  )
  t.equal(receiver.spans().length, 2)
})

t.test('a trace ends with its request: the shared reads of the feed are in no trace', async (t) => {
  const receiver = await collector()
  const service = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint })
  const { traceId, traceparent } = caller()
  const headers = { ...bearer('unknown'), traceparent }
  t.equal((await service.ask('/api/session/events', { headers })).status, 401)
  const reads = async () => {
    const text = await (await service.ask('/metrics')).text()
    return Number(/^global_logout_feed_reads_total\{.*outcome="done".*\} (\d+)/m.exec(text)?.[1] ?? 0)
  }
  await waitFor('three reads of the feed', async () => (await reads()) >= 3)
  service.child.kill('SIGTERM')
  t.equal(await service.ended, 0)

  const spans = receiver.spans().filter((span) => span.traceId === traceId)
  t.ok(named(spans, 'GET /api/session/events'))
  const end = Math.max(...spans.filter(({ kind }) => kind === 2).map((span) => span.end))
  t.same(
    spans.filter(
      (span) => span.begun > end || /revoked_session/.test(String(span.attributes['db.query.text'])),
    ),
    [],
  )
})

t.test('no trace contains a token, cookie, query string, parameter or personal data', async (t) => {
  const receiver = await collector()
  const service = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint })
  const [one, two] = [await signIn(), await signIn()]
  const { key } = await database.transaction((tx) =>
    createKey(
      tx,
      { name: canary, scopes: ['introspect', 'sessions:create'], lifetimeSeconds: null },
      { actorKind: 'system', actorId: 'test' },
    ),
  )
  const { traceparent, traceId } = caller()
  const mark = {
    'user-agent': canary,
    tracestate: `${canary}=${canary}`,
    referer: `https://${canary}.example/`,
    origin: `https://${canary}.example`,
  }
  const ask = async (path: string, headers: Record<string, string>, init: RequestInit = {}) =>
    (await service.ask(path, { ...init, headers: { ...init.headers, ...mark, traceparent, ...headers } }))
      .status
  const cookie = { cookie: `authjs.session-token=${one}; ${canary}=${canary}` }

  t.equal(await ask(`/api/session?${canary}=${two}`, cookie), 200)
  t.equal(await ask('/api/sessions', bearer(two)), 200)
  t.equal(await ask(`/check/${canary}?${two}`, bearer(two)), 200)
  t.equal(await ask(`/${canary}/${two}?${canary}`, cookie), 404)
  t.equal(await ask(`/api/sessions/${canary}`, bearer(two), { method: 'DELETE' }), 400)
  t.equal(await ask('/introspect', bearer(key), json({ token: two })), 200)
  t.equal(await ask('/introspect', bearer(`${key}x`), json({ token: two })), 401)
  t.equal(
    await ask('/api/sessions', bearer(key), json({ user: { id: `${canary}-nobody`, [canary]: 1 } })),
    400,
    'an error that quotes its input',
  )
  t.equal(await ask('/api/sessions', bearer(key), json({ user: { id: ada }, replaces: two })), 201)
  // Errors of the database quote rows and values; drizzle's quote parameters.
  await database.psql('alter table operation add constraint refuse check (request_id is null) not valid')
  t.equal(await ask('/api/logout', bearer(one), json({ scope: 'global' })), 500)
  await database.psql('alter table operation drop constraint refuse')
  t.equal(
    await ask(
      '/api/logout',
      bearer(one),
      json({ scope: 'global', callbackUrl: `https://${canary}.example` }),
    ),
    200,
  )
  service.child.kill('SIGTERM')
  t.equal(await service.ended, 0)

  const spans = receiver.spans().filter((span) => span.traceId === traceId)
  t.equal(spans.filter(({ kind }) => kind === 2).length, 11, 'all spans are there')
  t.ok(
    spans.some(({ status }) => status.code === 2),
    'including errors',
  )
  t.ok(
    spans.every(({ events, status }) => events === 0 && status.message === ''),
    'without their messages',
  )
  const bytes = receiver.bytes()
  t.ok(bytes.includes('/api/sessions/:id'), 'the search can find text')
  for (const secret of [one, two, key, canary]) t.notOk(bytes.includes(secret), secret.slice(0, 12))
})

t.test('pending traces are sent on stop, and each worker sends its own', async (t) => {
  const receiver = await collector()
  const service = await start({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/v1/traces`,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
    OTEL_SERVICE_NAME: 'edge',
    WORKERS: '2',
  })
  await waitFor('both workers to listen', () => service.output().split('Server listening').length >= 3)
  for (let n = 0; n < 20; n++) await service.ask('/signed-out', { headers: { connection: 'close' } })
  t.same(receiver.spans(), [])
  service.child.kill('SIGTERM')
  t.equal(await service.ended, 0)
  const spans = receiver.spans().filter(({ name }) => name === 'GET /signed-out')
  t.equal(spans.length, 20)
  t.ok(spans.every(({ resource }) => resource['service.name'] === 'edge'))
  t.equal(new Set(spans.map(({ resource }) => resource['service.instance.id'])).size, 2)
})

const silent = createServer(() => {}).listen(0, '127.0.0.1')
t.teardown(() => silent.close().closeAllConnections())

for (const [what, endpoint, told] of [
  ['unreachable', `http://127.0.0.1:${await freePort()}`, 'trace export failed'],
  ['an invalid URL', 'nonsense', 'traces: '],
  ['silent', `http://127.0.0.1:${(silent.address() as { port: number }).port}`, 'Server listening'],
] as const)
  t.test(`a collector that is ${what} affects no request`, async (t) => {
    const service = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    const token = await signIn()
    for (let n = 0; n < 20; n++) {
      const { traceparent } = caller()
      t.equal((await service.ask('/api/session', { headers: { ...bearer(token), traceparent } })).status, 200)
      t.equal((await service.ask('/check', { headers: { ...bearer(token), traceparent } })).status, 200)
    }
    await service.printed(told)
    await sleep(500)
    const complaints = service.output().match(/trace export failed/g) ?? []
    t.ok(complaints.length <= 1, 'reported once')
    service.child.kill('SIGTERM')
    t.equal(await service.ended, 0, 'it stops normally')
  })

t.test('with tracing disabled by the standard variables, nothing is sent', async (t) => {
  const receiver = await collector()
  for (const off of [{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }]) {
    const service = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...off })
    t.equal((await service.ask('/signed-out')).status, 200)
    service.child.kill('SIGTERM')
    t.equal(await service.ended, 0)
  }
  t.equal(receiver.bytes().length, 0)
})
