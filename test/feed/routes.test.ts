/** `GET /events` as a service uses it to stop serving signed-out users. */
import t from 'tap'
import { openStream } from '../support/event-stream.ts'
import { json, NEVER_MS, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const service = await startService({ replayFlushMs: NEVER_MS })
const { http, as } = service
const { psql } = service.database
const { headers: auth } = await service.keyFor('events')

interface Answer {
  events: Record<string, unknown>[]
  cursor: string
}
const get = (query = '') => http(`/events${query}`, { headers: auth })
const ask = async (query = '') => (await (await get(query)).json()) as Answer
/** All events after a cursor, over all pages. */
const all = async (cursor: string) => {
  const events: Answer['events'] = []
  for (let page = await ask(`?since=${cursor}`); page.events.length > 0; ) {
    events.push(...page.events)
    page = await ask(`?since=${page.cursor}`)
  }
  return events
}
const stream = (query = '', lastId = '') =>
  openStream(
    ({ signal, headers }) => http(`/events${query}`, { signal, headers: { ...headers, ...auth } }),
    lastId,
  )

t.test('without a cursor a service gets the current cursor, and no earlier event', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  await as(token, '/api/logout', { method: 'POST' })
  const response = await get()
  t.equal(response.status, 200)
  t.equal(response.headers.get('cache-control'), 'no-store')
  const { events, cursor } = (await response.json()) as Answer
  t.same(events, [])
  const next = await ask(`?since=${cursor}`)
  t.same(next.events, [])
  // Not compared with the first: transactions of other test files move it, too.
  t.type(next.cursor, 'string')
})

t.test('an answered logout is in the next response, with user, operation and time', async (t) => {
  const { cursor } = await ask()
  const userId = await service.addUser()
  const [phone, laptop] = [await service.signIn(userId), await service.signIn(userId)]
  const { operationId } = (await (
    await as(phone.token, '/api/logout', json({ scope: 'global' }))
  ).json()) as {
    operationId: string
  }
  const { events, cursor: next } = await ask(`?since=${cursor}`)
  t.same(events.map(({ sessionId }) => sessionId).sort(), [phone.id, laptop.id].sort())
  for (const { sessionId, revokedAt, ...event } of events) {
    t.same(event, { type: 'session.revoked', userId, operationId, kind: 'logout', scope: 'global' })
    t.ok(Math.abs(Date.parse(String(revokedAt)) - Date.now()) < 60_000)
    t.equal(new Date(String(revokedAt)).toISOString(), revokedAt)
  }
  t.same((await ask(`?since=${next}`)).events, [], 'once only')
  t.same((await ask(`?since=${cursor}`)).events, events, 'an old cursor may be used again')
})

t.test('a session that ends outside the service is in the feed, without an operation', async (t) => {
  const { cursor } = await ask()
  const userId = await service.addUser()
  const { id: sessionId } = await service.signIn(userId)
  await psql('delete from session where id = $1', [sessionId])
  t.match((await ask(`?since=${cursor}`)).events, [
    { sessionId, userId, operationId: null, kind: null, scope: null },
  ])
})

t.test('the reuse of a revoked token is in the feed, once a minute, with its source', async (t) => {
  const { cursor } = await ask()
  const events = await stream()
  await events.next()
  const userId = await service.addUser()
  const { token, id: sessionId } = await service.signIn(userId)
  const { operationId } = (await (await as(token, '/api/logout', json({ scope: 'global' }))).json()) as {
    operationId: string
  }
  const thief = { headers: { authorization: `Bearer ${token}`, 'user-agent': 'thief <script>' } }
  for (let i = 0; i < 3; i++) t.equal((await http('/check', thief)).status, 401)
  await service.replays.flush()
  t.equal((await http('/check', thief)).status, 401)
  await service.replays.flush()

  const [revoked, replayed, ...rest] = await all(cursor)
  t.match(revoked, { type: 'session.revoked', sessionId })
  t.same(rest, [], 'the fourth use is part of the next record')
  const { at, ...event } = replayed ?? {}
  t.same(event, {
    type: 'session.replayed',
    ...{ sessionId, userId, operationId, count: 3 },
    ...{ ipAddress: '127.0.0.1', userAgent: 'thief <script>', sameAddress: false, sameProgram: false },
  })
  t.equal(new Date(String(at)).toISOString(), at)
  t.equal((await events.next())?.event, 'session.revoked')
  const message = await events.next()
  t.equal(message?.event, 'session.replayed', 'its type differs from that of a revocation')
  t.same(JSON.parse(message?.data ?? ''), replayed)
  events.close()

  const gone = await service.signIn(userId)
  await psql('delete from session where id = $1', [gone.id])
  await service.check(gone.token)
  await service.replays.flush()
  t.match(
    (await all(cursor)).at(-1),
    { type: 'session.replayed', sessionId: gone.id, operationId: null },
    'a session ended outside the service can be replayed, too',
  )
})

t.test('a long poll is held until there is an event', async (t) => {
  for (const how of ['API', 'SQL']) {
    const { token, id } = await service.signIn(await service.addUser())
    const { cursor } = await ask()
    const held = ask(`?since=${cursor}&wait=30`)
    await waitFor('a waiting follower', () => service.feed.waiting() > 0)
    if (how === 'API') await as(token, '/api/logout', { method: 'POST' })
    else await psql('delete from session where id = $1', [id])
    t.match((await held).events, [{ sessionId: id }], how)
  }
})

t.test('a long poll without events returns none, and a later cursor', async (t) => {
  const { cursor } = await ask()
  const over = await ask(`?since=${cursor}&wait=1`)
  t.same(over.events, [])
  const { token, id } = await service.signIn(await service.addUser())
  await as(token, '/api/logout', { method: 'POST' })
  t.match((await ask(`?since=${over.cursor}`)).events, [{ sessionId: id }])
})

t.test('a stream starts with its cursor, and resumes from the last one after a cut', async (t) => {
  const userId = await service.addUser()
  const [first, second, third] = [
    await service.signIn(userId),
    await service.signIn(userId),
    await service.signIn(userId),
  ]
  const events = await stream()
  t.equal(events.response.status, 200)
  t.match(Object.fromEntries(events.response.headers), {
    'content-type': /^text\/event-stream/,
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
    'x-request-id': /./,
    'content-security-policy': /./,
  })
  const ready = await events.next()
  t.match(ready, { event: 'ready', data: '{}', lastId: /./ })
  await as(first.token, '/api/logout', { method: 'POST' })
  const message = await events.next()
  t.equal(message?.event, 'session.revoked')
  t.match(JSON.parse(message?.data ?? ''), { type: 'session.revoked', sessionId: first.id, userId })
  events.close()

  await as(second.token, '/api/logout', { method: 'POST' })
  const again = await stream('', message?.lastId)
  t.equal((await again.next())?.lastId, message?.lastId, 'ready, with the cursor of the cut')
  t.match(JSON.parse((await again.next())?.data ?? ''), { sessionId: second.id })
  again.close()

  await as(third.token, '/api/logout', { method: 'POST' })
  const since = await stream(`?since=${ready?.lastId}`)
  await since.next()
  for (const { id } of [first, second, third])
    t.match(JSON.parse((await since.next())?.data ?? ''), { sessionId: id })
  since.close()
  const header = await stream(`?since=${ready?.lastId}`, message?.lastId)
  await header.next()
  t.match(
    JSON.parse((await header.next())?.data ?? ''),
    { sessionId: second.id },
    'the header takes precedence',
  )
  header.close()
})

t.test('only the last event of a page has an id: a client cut off before gets the page again', async (t) => {
  const userId = await service.addUser()
  for (let n = 0; n < 3; n++) await service.signIn(userId)
  const events = await stream()
  const from = (await events.next())?.lastId
  await psql('delete from session where "userId" = $1', [userId])
  const ids = [await events.next(), await events.next(), await events.next()].map(
    (message) => message?.lastId,
  )
  t.same(ids.slice(0, 2), [from, from])
  t.not(ids[2], from)
  events.close()
})

t.test('heartbeats arrive while there are no events', async (t) => {
  const events = await stream()
  const message = events.next().then(() => events.next())
  await waitFor('a heartbeat', () => events.comments.length > 0)
  t.equal(events.comments[0], 'heartbeat')
  events.close()
  t.equal(await message, null)
})

t.test('both forms need a key with the scope', async (t) => {
  const other = await service.keyFor('introspect', 'sessions:create', 'security')
  for (const accept of ['application/json', 'text/event-stream']) {
    for (const [authorization, status] of [
      [undefined, 401],
      ['Bearer glk_nonsense', 401],
      [other.headers.authorization, 403],
    ] as const) {
      const response = await http('/events', { headers: { accept, ...(authorization && { authorization }) } })
      t.equal(response.status, status)
      t.match(response.headers.get('content-type'), /problem/)
      await response.arrayBuffer()
    }
  }
})

t.test('a long poll whose key is revoked meanwhile gets no events', async (t) => {
  const { id, headers } = await service.keyFor('events')
  const { cursor } = await ask()
  const others = service.feed.waiting()
  const waiting = http(`/events?since=${cursor}&wait=30`, { headers })
  await waitFor('one more waiting follower', () => service.feed.waiting() !== others)
  await psql('update service_key set revoked_at = now() where id = $1', [id])
  const { token } = await service.signIn(await service.addUser())
  await as(token, '/api/logout', { method: 'POST' })
  const answer = await waiting
  t.equal(answer.status, 401)
  t.match(await answer.json(), { code: 'invalid_key' })
})

t.test('a stream ends when its key is revoked', async (t) => {
  const key = await service.keyFor('events')
  const open = (authorization: Record<string, string>) =>
    openStream(({ signal, headers }) =>
      http('/events', { signal, headers: { ...headers, ...authorization } }),
    )
  const [revoked, kept] = [await open(key.headers), await open(auth)]
  await revoked.next()
  await kept.next()
  await psql('update service_key set revoked_at = now() where id = $1', [key.id])
  t.equal(await revoked.next(), null)
  const { token } = await service.signIn(await service.addUser())
  await as(token, '/api/logout', { method: 'POST' })
  t.match(await kept.next(), { event: 'session.revoked' }, 'a stream of another key continues')
  kept.close()
})

t.test('waiting clients do not delay the shutdown', async (t) => {
  const closing = await startService({ replayFlushMs: NEVER_MS })
  const key = await closing.keyFor('events')
  const { token } = await closing.signIn(await closing.addUser())
  const open = () =>
    openStream(({ signal, headers }) =>
      closing.http('/events', { signal, headers: { ...headers, ...key.headers } }),
    )
  const [events, page] = [
    await open(),
    await openStream(({ signal }) => closing.as(token, '/api/session/events', { signal })),
  ]
  const { cursor } = (await (await closing.http('/events', { headers: key.headers })).json()) as Answer
  const held = closing.http(`/events?since=${cursor}&wait=30`, { headers: key.headers })
  await events.next()
  await waitFor('three waiting followers', () => closing.feed.waiting() >= 3)
  await closing.app.close()
  t.equal(await events.next(), null)
  t.equal(await page.next(), null)
  t.equal((await held).status, 200)
})
