/** The feed in one process: pages, what it remembers and what it forgets, and when it reads. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createSharedListener } from '../../src/database/listener.ts'
import { parseCursor } from '../../src/feed/cursor.ts'
import { createFeed } from '../../src/feed/feed.ts'
import { PAGE, readFeed } from '../../src/feed/queries.ts'
import type { ReaderOptions } from '../../src/feed/reader.ts'
import { createUserFeed } from '../../src/feed/user-feed.ts'
import { REVOKED } from '../../src/leases/queries.ts'
import { deleteOldRevocations } from '../../src/sessions/sweeper.ts'
import { testDatabase } from '../support/database.ts'
import { openStream } from '../support/event-stream.ts'
import { hold } from '../support/hold.ts'
import { json, startService } from '../support/service.ts'
import { waitFor, within } from '../support/within.ts'

const database = await testDatabase({ max: 20 })
const service = await startService({ database })
const { psql } = database
const { headers } = await service.keyFor('events')
const NOW = AbortSignal.abort()

interface Answer {
  events: { type: string; sessionId: string }[]
  cursor: string
}
const get = (query = '', at = service) => at.http(`/events${query}`, { headers })
const ask = async (query = '', at = service) => (await (await get(query, at)).json()) as Answer

/** A feed of its own, beside the service's. */
function openFeed(options: ReaderOptions) {
  const reads = { all: 0 }
  const store = {
    read: (...args: [from: never, upper: never]) => {
      reads.all++
      return readFeed(database.query, ...args)
    },
  }
  const feed = createFeed(store, createSharedListener(database.url, REVOKED), options)
  t.teardown(() => feed.close())
  return { feed, own: () => reads.all - feed.counts.reads }
}

/** Signs a user in on so many devices, at once. */
async function crowd(count: number): Promise<string> {
  const userId = await service.addUser()
  await psql(
    `insert into session ("sessionToken", "userId", expires)
     select gen_random_uuid(), $1, now() + interval '1 day' from generate_series(1, $2::int)`,
    [userId, count],
  )
  return userId
}
const endOneByOne = (userId: string) =>
  psql(`do $$ declare s record; begin
    for s in select id from session where "userId" = '${userId}' loop
      delete from session where id = s.id; commit;
    end loop; end $$`)
const listeners = async () =>
  (
    await psql(`select from pg_stat_activity
      where application_name = 'global-logout listener' and datname = current_database()`)
  ).length

t.test('a logout of 5,001 sessions comes in pages, all of it', async (t) => {
  const userId = await crowd(5_000)
  const { token } = await service.signIn(userId)
  const stream = await openStream((init) =>
    service.http('/events', { ...init, headers: { ...init.headers, ...headers } }),
  )
  let { cursor } = await ask()
  const begin = cursor
  t.equal((await service.as(token, '/api/logout', json({ scope: 'global' }))).status, 200)

  const seen = new Set<string>()
  const sizes: number[] = []
  for (
    let page = await ask(`?since=${cursor}`);
    page.events.length > 0;
    page = await ask(`?since=${cursor}`)
  ) {
    for (const { sessionId } of page.events) seen.add(sessionId)
    sizes.push(page.events.length)
    cursor = page.cursor
  }
  t.equal(seen.size, 5_001)
  t.same(sizes, [PAGE, PAGE, PAGE, PAGE, PAGE, 1])

  t.match(await stream.next(), { event: 'ready' })
  const ids = new Set<string>()
  for (let n = 0; n < 5_001; n++) {
    const message = await stream.next()
    seen.delete(JSON.parse(message?.data ?? '{}').sessionId)
    ids.add(message?.lastId ?? '')
  }
  t.equal(seen.size, 0, 'a stream brings the same')
  t.equal(ids.size, sizes.length + 1, 'with an id at the end of each page')
  stream.close()

  const other = await startService({ database })
  const again = new Set<string>()
  for (let page = await ask(`?since=${begin}`, other); page.events.length > 0; ) {
    for (const { sessionId } of page.events) again.add(sessionId)
    page = await ask(`?since=${page.cursor}`, again.size > 2_000 ? other : service)
  }
  t.equal(again.size, 5_001, 'an instance goes on within a page of another')
})

t.test(
  'revocations and replays of one transaction come in one order, across pages, each of them',
  async (t) => {
    const userId = await crowd(2_500)
    const sessions = await psql<{ id: string }>('select id from session where "userId" = $1', [userId])
    const { cursor: begin } = await ask()
    // In turns, so that no page holds one kind only.
    await psql(`do $$ declare s record; begin
    for s in select id from session where "userId" = '${userId}' loop
      delete from session where id = s.id;
      insert into replay (session_id, user_id) values (s.id, '${userId}');
    end loop; end $$`)
    const expected = sessions.flatMap(({ id }) => [`session.revoked ${id}`, `session.replayed ${id}`])
    for (const at of [service, await startService({ database })]) {
      const seen: string[] = []
      for (let page = await ask(`?since=${begin}`, at); page.events.length > 0; ) {
        seen.push(...page.events.map(({ type, sessionId }) => `${type} ${sessionId}`))
        page = await ask(`?since=${page.cursor}`, at)
      }
      t.same(seen, expected)
    }
  },
)

t.test('a token that comes again tells no open page that something changed', async (t) => {
  const { feed } = openFeed({})
  const userId = await service.addUser()
  const told: string[] = []
  const users = createUserFeed(feed)
  const from = await users.here()
  const leave = users.join(from, {
    ...{ userId, sessionId: crypto.randomUUID() },
    tell: (what) => told.push(what),
    end: () => told.push('end'),
  })
  await psql('insert into replay (session_id, user_id) values (gen_random_uuid(), $1)', [userId])
  await feed.look()
  t.match((await feed.next(from, NOW)).events, [{ type: 'session.replayed', userId }])
  t.same(told, [])
  leave()
})

t.test(
  'who is further behind than memory reaches reads the rest, and follows from memory again',
  async (t) => {
    const { feed, own } = openFeed({ windowEvents: 50 })
    const begin = await feed.here()
    const late = feed.next(begin, new AbortController().signal)
    for (let n = 0; n < 10; n++) {
      await endOneByOne(await crowd(30))
      await feed.look()
    }
    t.ok((await late).events.length > 0)
    t.equal(own(), 0)
    t.equal(feed.recent(begin), undefined, 'forgotten')

    let cursor = begin
    let count = 0
    for (;;) {
      const page = await feed.next(cursor, NOW)
      if (page.events.length === 0) break
      count += page.events.length
      cursor = page.cursor
    }
    t.equal(count, 300)
    const before = own()
    t.ok(before > 0)
    const next = feed.next(cursor, new AbortController().signal)
    await endOneByOne(await crowd(1))
    t.equal((await next).events.length, 1)
    t.equal(own(), before)

    let ended = false
    const leave = createUserFeed(feed).join(begin, {
      userId: 'ada',
      sessionId: '',
      tell: () => {},
      end: () => {
        ended = true
      },
    })
    t.ok(ended, 'a page whose beginning is forgotten has to come again')
    leave()
  },
)

t.test('it reads and listens only while somebody follows', async (t) => {
  const before = await listeners()
  const { feed } = openFeed({ lingerMs: 300 })
  await sleep(50)
  t.same([feed.counts.reads, await listeners()], [0, before])
  const begin = await feed.here()
  await waitFor('the feed to listen', async () => (await listeners()) === before + 1)
  await waitFor('the feed to stop listening', async () => (await listeners()) === before)
  const { reads } = feed.counts
  const userId = await crowd(3)
  await endOneByOne(userId)
  await sleep(700)
  t.equal(feed.counts.reads, reads, 'not once')
  t.equal((await feed.next(begin, NOW)).events.length, 3, 'and goes on where somebody was')
})

t.test('an instance that answers from memory, and has followers, has one listener', async (t) => {
  const database = await testDatabase()
  const leased = await startService({ database, env: { CHECK_MODE: 'leased' } })
  const key = await leased.keyFor('events')
  await leased.answersFromMemory()
  const stream = await openStream((init) =>
    leased.http('/events', { ...init, headers: { ...init.headers, ...key.headers } }),
  )
  await stream.next()
  const count = `select from pg_stat_activity where application_name = 'global-logout listener' and datname = current_database()`
  t.equal((await database.psql(count)).length, 1)
  const { token } = await leased.signIn(await leased.addUser())
  await leased.as(token, '/api/logout', { method: 'POST' })
  t.match(await stream.next(), { event: 'session.revoked' })
  stream.close()
})

t.test('whoever revokes tells those who follow, also when no instance has to know', async (t) => {
  const told = Promise.withResolvers<void>()
  let hints = 0
  const subscription = createSharedListener(database.url, REVOKED).subscribe(() => {
    // The first says that it listens.
    if (++hints > 1) told.resolve()
  })
  await waitFor('the word that it listens', () => hints > 0)
  const { token } = await service.signIn(await service.addUser())
  await service.as(token, '/api/logout', { method: 'POST' })
  await t.resolves(within('a notification of the logout', told.promise))
  await subscription.close()
})

t.test('a cursor from before what was deleted is too old; a later one is not', async (t) => {
  const year = 365 * 86_400
  const count = async () => Number((await psql(`select count(*) as n from revoked_session`))[0]?.n)
  const before = (await ask()).cursor
  await endOneByOne(await crowd(2_500))
  let after = (await ask()).cursor
  // Something in the background may be older than what is deleted below, by a moment here, by a year elsewhere.
  await waitFor('a cursor without older transactions', async () => {
    after = (await ask()).cursor
    return parseCursor(after)?.last.open.length === 0
  })
  await endOneByOne(await crowd(5))
  await psql('insert into replay (session_id, user_id) values (gen_random_uuid(), $1)', ['ada'])
  t.equal(await deleteOldRevocations(database, year), 0, 'all of them are young')
  t.equal((await get(`?since=${before}`)).status, 200)
  const old = await count()
  await psql(`update revoked_session set revoked_at = now() - interval '2 years'
    where id <= (select max(id) - 5 from revoked_session)`)
  t.equal(await forgetAll(year, old - 5), old - 5)
  t.equal(await count(), 5)
  const fresh = await startService({ database })
  t.equal((await get(`?since=${before}`, fresh)).status, 410)
  t.match(await (await get(`?since=${before}`, fresh)).json(), { code: 'cursor_too_old' })
  t.equal((await ask(`?since=${after}`, fresh)).events.length, 6)

  const { cursor } = await ask('', fresh)
  await psql('insert into replay (session_id, user_id) values (gen_random_uuid(), $1)', ['bob'])
  const replays = await psql(`update replay set at = now() - interval '2 years' returning id`)
  await forgetAll(year, replays.length)
  t.same(await psql('select from replay where user_id in ($1, $2)', ['ada', 'bob']), [])
  t.equal((await get(`?since=${cursor}`, await startService({ database }))).status, 410, 'replays as well')
})

t.test('what a transaction older than a deletion may still precede is kept', async (t) => {
  const holder = await hold(database, 'select pg_current_xact_id()')
  const { cursor } = await ask()
  await endOneByOne(await crowd(3))
  await psql('insert into replay (session_id, user_id) values (gen_random_uuid(), $1)', ['ada'])
  for (const [table, column] of [
    ['revoked_session', 'revoked_at'],
    ['replay', 'at'],
  ])
    await psql(`update ${table} set ${column} = now() - interval '2 years'`)
  await deleteOldRevocations(database, 86_400)
  t.equal((await ask(`?since=${cursor}`, await startService({ database }))).events.length, 4)
  await holder.end()
  t.ok((await forgetAll(86_400, 4)) >= 4, 'and goes once that is over')
})

/** Sweeps until so many went: what other transactions of the server, which tests share, hold back goes a moment later. */
async function forgetAll(retentionSeconds: number, atLeast: number): Promise<number> {
  let gone = 0
  await waitFor(`${atLeast} revocations to be forgotten`, async () => {
    gone += (await deleteOldRevocations(database, retentionSeconds)) ?? 0
    return gone >= atLeast
  })
  return gone
}
