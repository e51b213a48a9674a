/** When the database is unavailable, the feed ends its streams and answers 503; afterwards it skips no event. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openTestDatabase } from '../support/database.ts'
import { type EventStream, openStream } from '../support/event-stream.ts'
import { ownServer } from '../support/own-server.ts'
import { json, startService } from '../support/service.ts'
import { demote } from '../support/standby.ts'
import { waitFor } from '../support/within.ts'

const server = await ownServer()
const database = openTestDatabase(server.url, { max: 6 })
const { psql } = database
const service = await startService({ database, patient: false })
const { headers } = await service.keyFor('events')
const ada = await service.addUser('ada')

interface Answer {
  events: { sessionId: string }[]
  cursor: string
}
const get = (query = '') => service.http(`/events${query}`, { headers })
const stream = (lastId = '') =>
  openStream((init) => service.http('/events', { ...init, headers: { ...init.headers, ...headers } }), lastId)

/** The answer of the feed once it can be read again. */
async function recovered(query: string): Promise<Response> {
  return await waitFor(`the feed to answer ${query || 'without a cursor'}`, async () => {
    const response = await get(query)
    if (response.status !== 503) return response
    t.equal(response.headers.get('retry-after'), '1')
    await response.arrayBuffer()
    await sleep(100)
    return null
  })
}

for (const [how, away, back] of [
  ['stopped', server.stop, server.start],
  ['frozen', server.freeze, server.thaw],
] as const) {
  t.test(
    `${how}: streams end, held requests get 503, and all resume at their cursor`,
    { skip: how === 'frozen' && process.platform !== 'linux' && 'needs SIGSTOP' },
    async (t) => {
      const [first, second, other] = [
        await service.signIn(ada),
        await service.signIn(ada),
        await service.signIn(await service.addUser('grace')),
      ]
      const { cursor } = (await (await get()).json()) as Answer
      const events = await stream()
      t.match(await events.next(), { event: 'ready' })
      const page = await openStream(({ signal }) =>
        service.as(other.token, '/api/session/events', { signal }),
      )
      await service.as(first.token, '/api/logout', { method: 'POST' })
      const message = await events.next()
      t.match(JSON.parse(message?.data ?? ''), { sessionId: first.id })
      const held = get(`?since=${message?.lastId}&wait=30`)
      await waitFor('three waiting followers', () => service.feed.waiting() >= 3)

      await away()
      t.equal((await held).status, 503, 'undecided whether there are events')
      t.equal(await events.next(), null)
      t.equal(await page.next(), null)
      t.equal((await get(`?since=${cursor}&wait=0`)).status, 503)

      await back()
      await recovered('')
      await waitFor(
        'the logout to be decided',
        async () => (await service.as(second.token, '/api/logout', json({}))).status !== 503,
      )
      const answer = (await (await recovered(`?since=${message?.lastId}`)).json()) as Answer
      t.match(answer.events, [{ sessionId: second.id }])
      t.same(answer.events.length, 1)
      const again = await openAgain(message?.lastId ?? '')
      t.match(JSON.parse((await again.next())?.data ?? ''), { sessionId: second.id })
      again.close()
    },
  )
}

t.test('after a failover, which may have lost commits, an earlier cursor is too old', async (t) => {
  const { cursor } = (await (await recovered('')).json()) as Answer
  const { token, id } = await service.signIn(ada)
  const events = await openAgain(cursor)

  await server.stop()
  t.equal(await events.next(), null)
  await demote(server.folder)
  await server.start()
  t.equal((await get(`?since=${cursor}`)).status, 503, 'a standby cannot answer')
  await psql('select pg_promote()')

  const response = await recovered(`?since=${cursor}`)
  t.equal(response.status, 410)
  t.match(await response.json(), { code: 'cursor_too_old' })
  const fresh = (await (await recovered('')).json()) as Answer
  await waitFor(
    'the logout to be decided',
    async () => (await service.as(token, '/api/logout', { method: 'POST' })).status !== 503,
  )
  const answer = (await (await recovered(`?since=${fresh.cursor}`)).json()) as Answer
  t.match(answer.events, [{ sessionId: id }])
})

/** Opens a stream once the feed can be read, and reads its `ready` event. */
async function openAgain(lastId: string): Promise<EventStream> {
  return await waitFor('a stream that begins', async () => {
    const events = await stream(lastId)
    if ((await events.next())?.event === 'ready') return events
    await sleep(100)
    return null
  })
}
