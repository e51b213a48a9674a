/** Following the feed delivers every revocation through any disconnect, or a reset if some may be missed. */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type Replay, type Revocation } from '@global-logout/client'
import t from 'tap'
import { createExchange } from '../../packages/client/src/exchange.ts'
import { createFollow, type FollowOptions } from '../../packages/client/src/follow.ts'
import { type Cursor, formatCursor } from '../../src/feed/cursor.ts'
import { revokeKey } from '../../src/service-api/queries.ts'
import { duringOutage } from '../support/database-outage.ts'
import { listen } from '../support/ports.ts'
import { seed } from '../support/seed.ts'
import { startService } from '../support/service.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitFor, within } from '../support/within.ts'
import { createRandom } from '../system/prove/random.ts'

const service = await startService()
const { key } = await service.keyFor('events')
const NOBODY = { userAgent: null, ipAddress: null }

/** A follower, and what it received. */
function start(follow: (options: FollowOptions) => Promise<void>, options: Partial<FollowOptions> = {}) {
  const stop = new AbortController()
  const told: (Revocation | 'reset')[] = []
  const cursors: string[] = []
  const lost: unknown[] = []
  let news = Promise.withResolvers<void>()
  const tell = (what: Revocation | 'reset') => {
    told.push(what)
    news.resolve()
    news = Promise.withResolvers()
  }
  const ended = follow({
    onRevoked: tell,
    onReset: () => tell('reset'),
    onCursor: (cursor) => cursors.push(cursor),
    onLost: (error) => lost.push(error),
    signal: stop.signal,
    ...options,
  })
  // A failure is asserted below; this only prevents an unhandled rejection.
  ended.catch(() => {})
  t.teardown(() => stop.abort())
  return {
    told,
    cursors,
    lost,
    end: () => within('the end of following', ended),
    stop: () => stop.abort(),
    sessions: () => told.flatMap((what) => (what === 'reset' ? [] : what.sessionId)),
    resets: () => told.filter((what) => what === 'reset').length,
    async until(isSo: () => boolean): Promise<void> {
      const comes = async () => {
        while (!isSo())
          await Promise.race([news.promise, ended.then(() => Promise.reject(new Error('it ended')))])
      }
      await within(`the follower to see ${isSo}`, comes())
    },
  }
}

/** Signs a user in and out again. @returns the session's id. */
async function revoke(): Promise<string> {
  const { token, id } = await service.signIn(await service.addUser())
  await service.sessions.logout(token, 'global', NOBODY)
  return id
}

const { follow } = createClient({ url: service.base, key })

t.test('a follower receives every session that ends from then on', async (t) => {
  const before = await revoke()
  const feed = start(follow)
  await feed.until(() => feed.resets() === 1)
  const userId = await service.addUser()
  const { token, id: sessionId } = await service.signIn(userId)
  const { operationId } = await service.sessions.logout(token, 'global', NOBODY)
  await feed.until(() => feed.told.length > 1)
  const event = { type: 'session.revoked', sessionId, userId, operationId, kind: 'logout', scope: 'global' }
  t.match(feed.told, ['reset', { ...event, revokedAt: /^\d{4}-.*Z$/ }])
  t.notOk(feed.sessions().includes(before), 'earlier revocations are not delivered: the reset covers them')
  feed.stop()
  await t.resolves(feed.end(), 'it ends on abort')
})

t.test('the reuse of a revoked token is delivered to onReplayed only, never as a revocation', async (t) => {
  const replays: Replay[] = []
  const feed = start(follow, { onReplayed: (event) => replays.push(event) })
  const deaf = start(follow)
  await feed.until(() => feed.resets() === 1)
  await deaf.until(() => deaf.resets() === 1)
  const userId = await service.addUser()
  const { token, id: sessionId } = await service.signIn(userId)
  await service.sessions.logout(token, 'global', NOBODY)
  await service.check(token)
  await service.replays.flush()
  const last = await revoke()
  for (const each of [feed, deaf]) {
    await each.until(() => each.sessions().includes(last))
    t.same(each.sessions(), [sessionId, last])
  }
  const [event, ...rest] = replays
  t.match(event, {
    type: 'session.replayed',
    sessionId,
    userId,
    count: 1,
    ipAddress: '127.0.0.1',
    at: /^\d{4}-.*Z$/,
  })
  t.same(rest, [])
})

t.test('with a cursor, a follower receives what it missed, without a reset', async (t) => {
  const first = start(follow)
  await first.until(() => first.resets() === 1)
  await revoke()
  await first.until(() => first.cursors.length > 1)
  first.stop()
  const missed = [await revoke(), await revoke()]
  const second = start(follow, { since: first.cursors.at(-1) })
  await second.until(() => second.sessions().length === 2)
  t.same(second.sessions(), missed)
  t.equal(second.resets(), 0)
})

t.test('no revocation is lost over many disconnects', async (t) => {
  const proxy = await startTcpProxy(service.base)
  const feed = start(createClient({ url: proxy.url, key }).follow)
  await feed.until(() => feed.resets() === 1)
  const { chance, between } = createRandom(seed, 'cuts')
  const revoked: string[] = []
  while (revoked.length < 60 || feed.lost.length < 5) {
    if (chance(0.3)) proxy.cut()
    if (chance(0.2)) proxy.reset(1)
    revoked.push(await revoke())
    await sleep(between(0, 40))
  }
  await feed.until(() => revoked.every((id) => feed.sessions().includes(id)))
  t.equal(feed.resets(), 1, `no reset was needed after ${feed.lost.length} disconnects`)
})

t.test('a connection without data is given up', async (t) => {
  const proxy = await startTcpProxy(service.base)
  const feed = start(createFollow(createExchange({ url: proxy.url }), key, 500))
  await feed.until(() => feed.resets() === 1)
  proxy.hold(true)
  const unheard = await revoke()
  await waitFor('the feed to be lost', () => feed.lost.length > 0)
  proxy.hold(false)
  await feed.until(() => feed.sessions().includes(unheard))
  t.match(feed.lost[0], { message: /no data for/ })
  t.equal(feed.resets(), 1)
})

t.test('a cursor older than the feed causes a reset, once the feed is followed again', async (t) => {
  const snapshot = { xmin: 1n, xmax: 1n, open: [] }
  const elsewhere: Cursor = { databaseId: 'x'.repeat(11), last: snapshot }
  const feed = start(follow, { since: formatCursor(elsewhere) })
  const nobody = follow({ since: formatCursor(elsewhere), onRevoked() {} })
  await t.rejects(
    within('a refusal of the cursor', nobody),
    { code: 'cursor_too_old' },
    'without an onReset, it ends rather than skip events',
  )
  await feed.until(() => feed.resets() === 1)
  t.match(feed.lost, [{ status: 410, code: 'cursor_too_old' }])
  const id = await revoke()
  await feed.until(() => feed.sessions().includes(id))
  t.equal(feed.told.indexOf('reset'), 0)
})

t.test('the feed is followed again after an outage of the service', async (t) => {
  const feed = start(follow)
  await feed.until(() => feed.resets() === 1)
  await duringOutage(service, async () => {
    await waitFor('the feed to be lost', () => feed.lost.length > 0)
  })
  const id = await revoke()
  await feed.until(() => feed.sessions().includes(id))
  t.equal(feed.resets(), 1)
})

t.test('a refusal ends the follower, because a retry would not help', async (t) => {
  const wrong = await service.keyFor('introspect')
  for (const [key, refusal] of [
    [wrong.key, { status: 403, code: 'insufficient_scope' }],
    ['glk_wrong', { status: 401, code: 'invalid_key' }],
  ] as const)
    await t.rejects(start(createClient({ url: service.base, key }).follow).end(), refusal)
  await t.rejects(start(follow, { since: 'nonsense' }).end(), { status: 400, code: 'invalid_request' })
})

t.test('a revoked key ends the follower', async (t) => {
  const { id, key } = await service.keyFor('events')
  const proxy = await startTcpProxy(service.base)
  const feed = start(createClient({ url: proxy.url, key }).follow)
  await feed.until(() => feed.resets() === 1)
  await service.database.run((db) => revokeKey(db, id))
  proxy.cut()
  await t.rejects(feed.end(), { status: 401, code: 'invalid_key' })
})

t.test('an error in a callback ends the follower, and events are handled one at a time', async (t) => {
  const feed = start(follow, {
    async onRevoked() {
      throw new Error('could not be stored')
    },
  })
  await feed.until(() => feed.resets() === 1)
  await revoke()
  await t.rejects(feed.end(), { message: 'could not be stored' })
  t.equal(feed.cursors.length, 1, 'the cursor stays before the failed event')

  const order: string[] = []
  const slow = start(follow, {
    async onRevoked({ sessionId }) {
      order.push(`${sessionId} begins`)
      await sleep(30)
      order.push(`${sessionId} ends`)
    },
  })
  await slow.until(() => slow.resets() === 1)
  const ids = [await revoke(), await revoke(), await revoke()]
  await waitFor('three handlers to end', () => order.length >= 6)
  t.same(
    order,
    ids.flatMap((id) => [`${id} begins`, `${id} ends`]),
  )
})

t.test('an unreadable event causes a reset', async (t) => {
  let connections = 0
  const url = await standIn((write) => {
    connections++
    write('event: ready\nid: a\ndata: {}\n\n')
    if (connections === 1) write('id: b\nevent: session.revoked\ndata: {"sessionId":7}\n\n')
  })
  const feed = start(createClient({ url, key }).follow)
  await feed.until(() => feed.resets() === 2)
  t.same(feed.told, ['reset', 'reset'])
  t.same(feed.cursors, ['a', 'a'])
})

t.test('only data of the feed itself counts as heard', async (t) => {
  let heard = 0
  const silent = await standIn((write) => write(': heartbeat\n\n'))
  const feed = start(createFollow(createExchange({ url: silent }), key, 100), { onHeard: () => heard++ })
  await waitFor('the feed to be lost twice', () => feed.lost.length >= 2)
  t.equal(heard, 0, 'a stream without the ready event does not count')

  const page = start(
    createClient({ url: service.base, key, fetch: async () => new Response('<h1>Hi</h1>') }).follow,
  )
  await waitFor('the page to be refused as a feed', () => page.lost.length > 0)
  t.match(page.lost, [{ code: 'no_answer' }])

  start(follow, { onHeard: () => heard++ })
  await waitFor('the feed to be heard', () => heard > 0)
})

t.test('abort ends the follower, before it starts and while it waits to retry', async (t) => {
  await t.resolves(within('the end', follow({ onRevoked() {}, signal: AbortSignal.abort() })))
  const stop = new AbortController()
  const nowhere = createClient({
    url: service.base,
    key,
    fetch: async () => Promise.reject(new Error('away')),
  })
  const stopped = nowhere.follow({ onRevoked() {}, onLost: () => stop.abort(), signal: stop.signal })
  await t.resolves(within('the end', stopped))
})

/** A stream in place of the service's, for events that the service never sends. @returns its address. */
async function standIn(speak: (write: (text: string) => void) => void): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    speak((text) => void response.write(text))
  })
  const port = await listen(server)
  t.teardown(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${port}`
}
