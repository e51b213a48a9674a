/**
 * The feed loses no event. Many connections commit revocations and replays at once, in transactions of any length, out of order,
 * some rolled back. Readers by stream and by poll follow at two instances and are cut off at any moment, also within a page.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { testDatabase } from '../support/database.ts'
import { openStream } from '../support/event-stream.ts'
import { seed } from '../support/seed.ts'
import { SEARCH_PATH } from '../support/server.ts'
import { type Service, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'
import { createRandom } from '../system/prove/random.ts'

/** The test runs this long, and on a slow machine until `COMMITS` and `CUTS` are reached. */
const SECONDS = 12
const COMMITS = 3_000
const CUTS = 4
const WRITERS = 12
const SESSIONS = 30_000
/** The share of transactions that end more sessions than a page holds. */
const LARGE = { share: 0.02, sessions: 2_300 }

const database = await testDatabase({ max: 20 })
const [here, there] = [await startService({ database }), await startService({ database })]
const { headers } = await here.keyFor('events')
const userId = await here.addUser()
await database.psql(
  `insert into session ("sessionToken", "userId", expires)
   select gen_random_uuid(), $1, now() + interval '1 day' from generate_series(1, $2::int)`,
  [userId, SESSIONS],
)
const left = (await database.psql<{ id: string }>('select id from session')).map(({ id }) => id)

let allCommitted = false
const { chance, below } = createRandom(seed, 'gapless')

t.test('every committed revocation reaches every reader', async (t) => {
  const committed = new Set<string>()
  const rolledBack: string[] = []
  let stopped = false
  const begin = await startingPoint()
  const readers = [
    follow(bySse, begin, 400),
    follow(bySse, begin, 60),
    follow(bySse, begin, 2_000),
    follow(byPoll, begin, 0),
    follow(byPoll, begin, 300),
    follow(byPoll, begin, 1_500),
  ]

  /** Ends sessions in transactions that begin, wait and end at random. */
  async function write(): Promise<void> {
    const client = new pg.Client({ connectionString: database.url, options: SEARCH_PATH })
    await client.connect()
    while (!stopped && left.length > LARGE.sessions) {
      const ids = left.splice(-(chance(LARGE.share) ? LARGE.sessions : 1 + below(20)))
      await client.query('begin')
      // The transaction gets its id now, before others that commit first, or only when it deletes.
      if (chance(0.5)) await client.query('select pg_current_xact_id()')
      if (chance(0.5)) await sleep(below(chance(0.1) ? 1_500 : 40))
      const replay = 'insert into replay (session_id, user_id) select unnest($1::uuid[]), $2'
      const [before, after] = [chance(0.3), chance(0.2)]
      if (before) await client.query(replay, [ids, userId])
      await client.query('delete from session where id = any ($1)', [ids])
      if (after) await client.query(replay, [ids, userId])
      if (chance(0.3)) await sleep(below(30))
      const done = chance(0.8)
      await client.query(done ? 'commit' : 'rollback')
      const events = ids.flatMap((id) => [
        `session.revoked ${id}`,
        ...(before || after ? [`session.replayed ${id}`] : []),
      ])
      if (done) for (const event of events) committed.add(event)
      else rolledBack.push(...events)
      if (chance(0.5)) await sleep(below(20))
    }
    await client.end()
  }

  const writers = Array.from({ length: WRITERS }, write)
  await Promise.race([sleep(SECONDS * 1_000), Promise.all(writers)])
  await waitFor(
    `${COMMITS} commits, and each reader cut off ${CUTS} times`,
    () => committed.size >= COMMITS && readers.every(({ rounds }) => rounds >= CUTS),
    120_000,
  )
  stopped = true
  await Promise.all(writers)
  allCommitted = true
  const notCommitted = new Set(left.map((id) => `session.revoked ${id}`))
  for (const id of rolledBack) notCommitted.add(id)
  for (const reader of readers) {
    const missing = () => [...committed].filter((id) => !reader.seen.has(id))
    await waitFor(`every event at ${reader.kind}`, () => missing().length === 0).catch(() => {})
    t.same(
      missing(),
      [],
      `${reader.kind}: no event missing of ${reader.seen.size}, in ${reader.rounds} connections`,
    )
    t.notOk(
      [...reader.seen].some((id) => notCommitted.has(id)),
      'none that was rolled back',
    )
  }
  await Promise.all(readers.map((reader) => reader.stop()))
})

interface Reader {
  kind: string
  seen: Set<string>
  rounds: number
  stop(): Promise<void>
}

/** One connection of a reader: from a cursor, for `ms` milliseconds. @returns the next cursor. */
type Connection = (at: Service, cursor: string, ms: number, see: See) => Promise<string>
type See = (event: { type: string; sessionId: string }) => void

async function startingPoint(): Promise<string> {
  const response = await here.http('/events', { headers })
  return ((await response.json()) as { cursor: string }).cursor
}

/** Connects again and again, at a random instance, each time from the last cursor. */
function follow(connection: Connection, begin: string, longestMs: number): Reader {
  let stopped = false
  const reader: Reader = {
    kind: `${connection.name} ${longestMs} ms`,
    seen: new Set(),
    rounds: 0,
    stop: () => {
      stopped = true
      return following
    },
  }
  const following = (async () => {
    for (let cursor = begin; !stopped; reader.rounds++) {
      const at = chance(0.5) ? here : there
      // Once all is committed it may read on, because a short connection may deliver too little on a slow
      // machine.
      cursor = await connection(at, cursor, allCommitted ? 1_000 : below(longestMs), ({ type, sessionId }) =>
        reader.seen.add(`${type} ${sessionId}`),
      )
    }
  })()
  return reader
}

async function bySse(at: Service, cursor: string, ms: number, see: See): Promise<string> {
  const stream = await openStream(
    (init) => at.http('/events', { ...init, headers: { ...init.headers, ...headers } }),
    cursor,
  )
  // Cut off by time, or after a random number of events.
  const timer = setTimeout(stream.close, ms)
  const most = chance(0.5) ? below(3_000) : Number.POSITIVE_INFINITY
  let last = cursor
  for (let n = 0; n < most; n++) {
    const message = await stream.next()
    if (!message) break
    last = message.lastId
    if (message.event !== 'ready') see(JSON.parse(message.data))
  }
  clearTimeout(timer)
  stream.close()
  return last
}

async function byPoll(at: Service, cursor: string, ms: number, see: See): Promise<string> {
  const signal = chance(0.3) ? AbortSignal.timeout(1 + ms) : null
  const path = `/events?since=${cursor}&wait=${Math.round(ms / 500)}`
  try {
    const response = await at.http(path, { headers, signal })
    const text = await response.text()
    // Undecided: the next poll starts from the same cursor.
    if (response.status === 503) return cursor
    if (response.status !== 200) throw new Error(`${response.status}: ${text}`)
    const page = JSON.parse(text) as { events: Parameters<See>[0][]; cursor: string }
    for (const event of page.events) see(event)
    return page.cursor
  } catch (error) {
    if (signal?.aborted) return cursor
    throw error
  }
}
