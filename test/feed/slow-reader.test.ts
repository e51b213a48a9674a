/** Thousands of followers share one reader of the feed; a follower that does not read delays no other. */
import { get as httpGet } from 'node:http'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { startService } from '../support/service.ts'
import { untilDecided } from '../support/until-decided.ts'
import { nextEvent, waitFor, within } from '../support/within.ts'

let feedReads = 0
const service = await startService({
  wrapPool: (pool, name) => ({
    ...pool,
    query(prepared) {
      if (name === 'feed') feedReads++
      return pool.query(prepared)
    },
  }),
})
const { psql } = service.database
const { headers } = await service.keyFor('events')
/** Milliseconds for two thousand followers, or forty thousand events, on a loaded machine. */
const MANY_MS = 180_000

interface Follower {
  events(): number
  close(): void
}

/** Counts the revocations of a stream. Plain `http`, because two thousand `fetch` streams cost too much. */
const follow = (): Promise<Follower> => untilDecided(begin)

async function begin(): Promise<Follower> {
  let events = 0
  let unfinished = ''
  const request = httpGet(`${service.base}/events`, {
    agent: false,
    headers: { ...headers, accept: 'text/event-stream' },
  })
  const [response] = await nextEvent('the stream to begin', request, 'response', MANY_MS)
  if (response.statusCode !== 200)
    throw Object.assign(new Error('no stream'), { status: response.resume().statusCode })
  response.setEncoding('utf8').on('data', (text: string) => {
    const lines = (unfinished + text).split('\n')
    unfinished = lines.pop() ?? ''
    for (const line of lines) if (line === 'event: session.revoked') events++
  })
  response.on('error', () => {})
  return { events: () => events, close: () => request.destroy() }
}

async function signInOften(count: number): Promise<string> {
  const userId = await service.addUser()
  await psql(
    `insert into session ("sessionToken", "userId", expires)
     select gen_random_uuid(), $1, now() + interval '1 day' from generate_series(1, $2::int)`,
    [userId, count],
  )
  return userId
}

const end = (userId: string) => psql('delete from session where "userId" = $1', [userId])

t.test('two thousand followers share one listener, and none reads the database', async (t) => {
  const followers: Follower[] = []
  for (let n = 0; n < 40; n++) followers.push(...(await Promise.all(Array.from({ length: 50 }, follow))))
  t.equal(service.feed.waiting(), 2_000)
  for (const [round, count] of [1, 3, 500].entries()) {
    const before = followers.map((each) => each.events())
    const userId = await signInOften(count)
    await end(userId)
    await waitFor(
      `${count} events at each follower`,
      () => followers.every((each, n) => each.events() >= (before[n] ?? 0) + count),
      MANY_MS,
    )
    t.ok(
      followers.every((each, n) => each.events() === (before[n] ?? 0) + count),
      `each gets the event once, ${round}`,
    )
  }
  t.equal(feedReads, service.feed.counts.reads, 'every read was shared')
  t.equal(
    (
      await psql(`select from pg_stat_activity
        where application_name = 'global-logout listener' and datname = current_database()`)
    ).length,
    1,
  )
  for (const each of followers) each.close()
  await waitFor('all followers to be gone', () => service.feed.waiting() === 0)
})

t.test('a client that does not read is disconnected; others are not delayed', async (t) => {
  const { port } = new URL(service.base)
  const lazy = connect(Number(port), '127.0.0.1').on('error', () => {})
  lazy.pause()
  lazy.write(
    `GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: ${headers.authorization}\r\n\r\n`,
  )
  await waitFor('the lazy reader to follow', () => service.feed.waiting() >= 1)
  const { server } = service.app
  const connections = () => within('a count', promisify(server.getConnections.bind(server))())
  const eager = await follow()
  const open = await connections()

  // More than the buffers of both sides hold.
  const userId = await signInOften(40_000)
  await end(userId)
  await waitFor('40,000 events at the eager reader', () => eager.events() >= 40_000, MANY_MS)
  t.equal(eager.events(), 40_000)
  await waitFor('the connection of the lazy reader to be closed', async () => (await connections()) < open)
  t.equal(await connections(), open - 1, 'only that connection is closed')
  lazy.destroy()

  await end(await signInOften(1))
  await waitFor('the event after the 40,000', () => eager.events() >= 40_001)
  eager.close()
})
