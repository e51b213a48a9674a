/** The feed in one process: pages, the window and what it drops, when it reads, and what retention deletes. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createSharedListener } from '../../src/database/listener.ts'
import { parseCursor } from '../../src/feed/cursor.ts'
import { createFeed } from '../../src/feed/feed.ts'
import { PAGE, readFeed } from '../../src/feed/queries.ts'
import type { ReaderOptions } from '../../src/feed/reader.ts'
import { createUserFeed } from '../../src/feed/user-feed.ts'
import { REVOKED } from '../../src/leases/notice.ts'
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

/** A second feed, next to the service's. `own`: its reads for single followers. */
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

/** Signs a new user in on `count` devices. @returns the user's id. */
async function userWithDevices(count: number): Promise<string> {
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

t.test('a logout of 5,001 sessions is delivered whole, in pages', async (t) => {
  const userId = await userWithDevices(5_000)
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
  t.equal(seen.size, 0, 'a stream delivers the same events')
  t.equal(ids.size, sizes.length + 1, 'an id at the end of each page')
  stream.close()

  const other = await startService({ database })
  const again = new Set<string>()
  for (let page = await ask(`?since=${begin}`, other); page.events.length > 0; ) {
    for (const { sessionId } of page.events) again.add(sessionId)
    page = await ask(`?since=${page.cursor}`, again.size > 2_000 ? other : service)
  }
  t.equal(again.size, 5_001, 'another instance resumes within a page')
})

t.test('revocations and replays of one transaction are delivered in order, across pages', async (t) => {
  const userId = await userWithDevices(2_500)
  const sessions = await psql<{ id: string }>('select id from session where "userId" = $1', [userId])
  const { cursor: begin } = await ask()
  // Alternating, so that each page holds both kinds.
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
})

t.test('a reused revoked token notifies no open page', async (t) => {
  const { feed } = openFeed({})
  const userId = await service.addUser()
  const notified: string[] = []
  const users = createUserFeed(feed)
  const from = await users.headCursor()
  const unsubscribe = users.subscribe(from, {
    ...{ userId, sessionId: crypto.randomUUID() },
    notify: (what) => notified.push(what),
    end: () => notified.push('end'),
  })
  await psql('insert into replay (session_id, user_id) values (gen_random_uuid(), $1)', [userId])
  await feed.refresh()
  t.match((await feed.next(from, NOW)).events, [{ type: 'session.replayed', userId }])
  t.same(notified, [])
  unsubscribe()
})

t.test(
  'a follower behind the window reads the database, and then follows from the window again',
  async (t) => {
    const { feed, own } = openFeed({ windowEvents: 50 })
    const begin = await feed.headCursor()
    const late = feed.next(begin, new AbortController().signal)
    for (let n = 0; n < 10; n++) {
      await endOneByOne(await userWithDevices(30))
      await feed.refresh()
    }
    t.ok((await late).events.length > 0)
    t.equal(own(), 0)
    t.equal(feed.pagesAfter(begin), undefined, 'the window has dropped the cursor')

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
    await endOneByOne(await userWithDevices(1))
    t.equal((await next).events.length, 1)
    t.equal(own(), before)

    let ended = false
    const unsubscribe = createUserFeed(feed).subscribe(begin, {
      userId: 'ada',
      sessionId: '',
      notify: () => {},
      end: () => {
        ended = true
      },
    })
    t.ok(ended, 'a subscription from a dropped cursor ends at once')
    unsubscribe()
  },
)

t.test('the feed reads and listens only while there are followers', async (t) => {
  const before = await listeners()
  const { feed } = openFeed({ lingerMs: 300 })
  await sleep(50)
  t.same([feed.counts.reads, await listeners()], [0, before])
  const begin = await feed.headCursor()
  await waitFor('the feed to listen', async () => (await listeners()) === before + 1)
  await waitFor('the feed to stop listening', async () => (await listeners()) === before)
  const { reads } = feed.counts
  const userId = await userWithDevices(3)
  await endOneByOne(userId)
  await sleep(700)
  t.equal(feed.counts.reads, reads, 'no read without followers')
  t.equal((await feed.next(begin, NOW)).events.length, 3, 'a later follower resumes from its cursor')
})

t.test('an instance with a cache and followers has one LISTEN connection', async (t) => {
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

t.test('a logout notifies followers, also when no instance caches sessions', async (t) => {
  const notified = Promise.withResolvers<void>()
  let calls = 0
  const subscription = createSharedListener(database.url, REVOKED).subscribe(() => {
    // The first call means that it is connected.
    if (++calls > 1) notified.resolve()
  })
  await waitFor('the listener to connect', () => calls > 0)
  const { token } = await service.signIn(await service.addUser())
  await service.as(token, '/api/logout', { method: 'POST' })
  await t.resolves(within('a notification of the logout', notified.promise))
  await subscription.close()
})

t.test('a cursor from before a deletion is too old; a later one is not', async (t) => {
  const year = 365 * 86_400
  const count = async () => Number((await psql(`select count(*) as n from revoked_session`))[0]?.n)
  const before = (await ask()).cursor
  await endOneByOne(await userWithDevices(2_500))
  let after = (await ask()).cursor
  // A background transaction may be older than the rows deleted below.
  await waitFor('a cursor without older transactions', async () => {
    after = (await ask()).cursor
    return parseCursor(after)?.last.open.length === 0
  })
  await endOneByOne(await userWithDevices(5))
  await psql('insert into replay (session_id, user_id) values (gen_random_uuid(), $1)', ['ada'])
  t.equal(await deleteOldRevocations(database, year), 0, 'all rows are recent')
  t.equal((await get(`?since=${before}`)).status, 200)
  const old = await count()
  await psql(`update revoked_session set revoked_at = now() - interval '2 years'
    where id <= (select max(id) - 5 from revoked_session)`)
  t.equal(await deleteOld(year, old - 5), old - 5)
  t.equal(await count(), 5)
  const fresh = await startService({ database })
  t.equal((await get(`?since=${before}`, fresh)).status, 410)
  t.match(await (await get(`?since=${before}`, fresh)).json(), { code: 'cursor_too_old' })
  t.equal((await ask(`?since=${after}`, fresh)).events.length, 6)

  const { cursor } = await ask('', fresh)
  await psql('insert into replay (session_id, user_id) values (gen_random_uuid(), $1)', ['bob'])
  const replays = await psql(`update replay set at = now() - interval '2 years' returning id`)
  await deleteOld(year, replays.length)
  t.same(await psql('select from replay where user_id in ($1, $2)', ['ada', 'bob']), [])
  t.equal((await get(`?since=${cursor}`, await startService({ database }))).status, 410, 'replays as well')
})

t.test('retention keeps what an open older transaction may precede', async (t) => {
  const holder = await hold(database, 'select pg_current_xact_id()')
  const { cursor } = await ask()
  await endOneByOne(await userWithDevices(3))
  await psql('insert into replay (session_id, user_id) values (gen_random_uuid(), $1)', ['ada'])
  for (const [table, column] of [
    ['revoked_session', 'revoked_at'],
    ['replay', 'at'],
  ])
    await psql(`update ${table} set ${column} = now() - interval '2 years'`)
  await deleteOldRevocations(database, 86_400)
  t.equal((await ask(`?since=${cursor}`, await startService({ database }))).events.length, 4)
  await holder.end()
  t.ok((await deleteOld(86_400, 4)) >= 4, 'and deletes it once that has ended')
})

/** Sweeps until `atLeast` rows are deleted: transactions of other tests on the same server may delay it. */
async function deleteOld(retentionSeconds: number, atLeast: number): Promise<number> {
  let deleted = 0
  await waitFor(`${atLeast} revocations to be deleted`, async () => {
    deleted += (await deleteOldRevocations(database, retentionSeconds)) ?? 0
    return deleted >= atLeast
  })
  return deleted
}
