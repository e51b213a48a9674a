/** `GET /api/session/events`: an open page learns when its session ends, or another session of its user. */
import t from 'tap'
import { openStream } from '../support/event-stream.ts'
import { json, startService } from '../support/service.ts'
import { waitFor, within } from '../support/within.ts'

const service = await startService()
const { as, http } = service
const { psql } = service.database
const PATH = '/api/session/events'

const follow = (token: string, query = '') =>
  openStream(({ signal, headers }) => as(token, PATH + query, { signal, headers }))
const logout = (token: string, scope: string) => as(token, '/api/logout', json({ scope }))

/** Signs a new user in on `count` devices. */
async function devices(count: number) {
  const userId = await service.addUser()
  return Promise.all(Array.from({ length: count }, () => service.signIn(userId)))
}

t.test('a page is notified that its session has ended, and the stream ends', async (t) => {
  const [phone, laptop] = await devices(2)
  if (!phone || !laptop) throw new Error('no devices')
  const page = await follow(laptop.token)
  t.equal(page.response.status, 200)
  t.match(Object.fromEntries(page.response.headers), {
    'content-type': /^text\/event-stream/,
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  await logout(phone.token, 'global')
  t.match(await page.next(), { event: 'ended', data: '{}' })
  t.equal(await page.next(), null)
  t.equal((await as(laptop.token, PATH)).status, 401)
})

t.test('a page is notified when another session of its user ends, in any way', async (t) => {
  const [phone, laptop, tablet] = await devices(3)
  if (!phone || !laptop || !tablet) throw new Error('no devices')
  const page = await follow(laptop.token)
  await logout(phone.token, 'local')
  t.match(await page.next(), { event: 'changed', data: '{}' })
  await psql('delete from session where id = $1', [tablet.id])
  t.match(await page.next(), { event: 'changed', data: '{}' })
  await psql('delete from session where id = $1', [laptop.id])
  t.match(await page.next(), { event: 'ended', data: '{}' })
})

t.test('a page with an outdated list is notified first; one with a current list is not', async (t) => {
  const [phone, laptop, tablet] = await devices(3)
  if (!phone || !laptop || !tablet) throw new Error('no devices')
  const shown = async (path: string) => {
    const page = await (await as(laptop.token, path)).text()
    return `?shown=${/data-shown="([\w-]+)"/.exec(page)?.[1]}`
  }
  const before = await shown('/')
  t.equal(await shown('/logout'), before)
  await logout(phone.token, 'local')
  t.match(await (await follow(laptop.token, before)).next(), { event: 'changed' })
  const page = await follow(laptop.token, await shown('/'))
  await logout(tablet.token, 'global')
  t.match(await page.next(), { event: 'ended' }, 'no event before')
})

t.test('a page gets no events of other users', async (t) => {
  const [[ada, phone], [grace]] = [await devices(2), await devices(1)]
  if (!ada || !phone || !grace) throw new Error('no devices')
  const page = await follow(ada.token)
  const other = await follow(grace.token)
  await logout(grace.token, 'global')
  t.match(await other.next(), { event: 'ended' })
  await logout(phone.token, 'local')
  t.match(await page.next(), { event: 'changed' })
  await logout(ada.token, 'local')
  t.match(await page.next(), { event: 'ended' }, 'no event between')
})

t.test('without a valid session there is no stream', async (t) => {
  const [gone] = await devices(1)
  if (!gone) throw new Error('no device')
  await logout(gone.token, 'local')
  for (const response of [await http(PATH), await as('unknown', PATH), await as(gone.token, PATH)]) {
    t.equal(response.status, 401)
    t.match(response.headers.get('content-type'), /^application\/problem/)
  }
})

t.test('when a logout and the opening of a page race, the page is refused or notified', async (t) => {
  const rounds = 150
  const seen = { refused: 0, notified: 0 }
  // On a slow machine every page may be refused; then there are more rounds, up to a limit.
  let round = 0
  for (; round < rounds || (seen.notified === 0 && round < 10 * rounds); round++) {
    const [phone, laptop] = await devices(2)
    if (!phone || !laptop) throw new Error('no devices')
    const opening = follow(laptop.token)
    const [page] = await Promise.all([opening, logout(phone.token, 'global')])
    if (page.response.status === 401) seen.refused++
    else if ((await page.next())?.event === 'ended') seen.notified++
    page.close()
  }
  t.equal(seen.refused + seen.notified, round)
  t.ok(seen.notified > 0, JSON.stringify(seen))
})

t.test('a session that ends between its check and the stream is notified', async (t) => {
  const sessionRead = Promise.withResolvers<void>()
  const resume = Promise.withResolvers<void>()
  let slow = false
  const service = await startService({
    wrapPool: (pool, name) => ({
      ...pool,
      async run(...args) {
        const result = await pool.run(...args)
        if (slow && name === 'requests') {
          sessionRead.resolve()
          await resume.promise
        }
        return result
      },
    }),
  })
  const { token, id } = await service.signIn(await service.addUser())
  slow = true
  const opening = openStream(({ signal, headers }) => service.as(token, PATH, { signal, headers }))
  await within('the session to be read', sessionRead.promise)
  await service.database.psql('delete from session where id = $1', [id])
  await waitFor('the feed to read the revocation', () => service.feed.counts.events > 0)
  resume.resolve()
  const page = await opening
  t.equal(page.response.status, 200)
  t.match(await page.next(), { event: 'ended' })
})

t.test('an open page does not extend its session', async (t) => {
  const [device] = await devices(1)
  if (!device) throw new Error('no device')
  await psql(`update session set "lastSeenAt" = now() - interval '1 hour' where id = $1`, [device.id])
  const seen = async () => {
    await service.lastSeen.flush()
    const [row] = await psql<{ at: Date }>(`select "lastSeenAt" as at from session where id = $1`, [
      device.id,
    ])
    return row?.at.getTime() ?? 0
  }
  const before = await seen()
  for (let n = 0; n < 3; n++) (await follow(device.token)).close()
  t.equal(await seen(), before)
  await as(device.token, '/api/session')
  t.ok((await seen()) > before, 'a request does')
})

t.test('a stream ends when its session expires', async (t) => {
  const [device] = await devices(1)
  if (!device) throw new Error('no device')
  await psql(`update session set expires = now() at time zone 'utc' + interval '1 second' where id = $1`, [
    device.id,
  ])
  const page = await follow(device.token)
  t.equal(page.response.status, 200)
  t.equal(await page.next(), null)
  t.equal((await as(device.token, PATH)).status, 401)
})

t.test('the 21st stream of a user ends the oldest', async (t) => {
  const [first, phone] = await devices(2)
  if (!first || !phone) throw new Error('no devices')
  const pages = []
  for (let n = 0; n < 21; n++) pages.push(await follow(first.token))
  t.equal(await pages[0]?.next(), null)
  await logout(phone.token, 'global')
  for (const page of pages.slice(1)) t.match(await page.next(), { event: 'ended' })
})
