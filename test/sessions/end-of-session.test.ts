/** When a session ends, wherever it is told: also of one whose `expires` is no date, which an application may have written. */
import type { Adapter } from '@auth/core/adapters'
import { GlobalLogoutAdapter } from '@global-logout/authjs/drizzle'
import t from 'tap'
import { readTokens } from '../../src/check/queries.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { applicationDatabase, DRIVERS } from '../authjs/application.ts'
import { startPglite } from '../authjs/pglite.ts'
import { run } from '../support/command.ts'
import { json, startService } from '../support/service.ts'

const BEYOND = ['infinity', '10000-01-01', '275760-09-14', '294276-12-31']
const LONG_OVER = ['-infinity', '0044-03-15 BC', '4714-11-24 BC', '2000-01-01']

const service = await startService()
const leased = await startService({ database: service.database, env: { CHECK_MODE: 'leased' } })
await leased.answersFromMemory()
const { as, http, keyFor, database } = service
const { psql } = database

/** A user with a session that has this `expires`, which an application wrote. */
async function signIn(expires: string) {
  const userId = await service.addUser()
  const token = crypto.randomUUID()
  const [row] = await psql(
    `insert into session ("sessionToken", "userId", expires) values ($1, $2, $3) returning id`,
    [hashToken(token), userId, expires],
  )
  return { token, userId, id: row?.id as string }
}

/** The end that the rule gives a session without a bound of its own: here the idle timeout of seven days comes first. */
async function endOf(id: string): Promise<Date> {
  const [row] = await psql<{ end: Date }>(
    `select date_trunc('milliseconds', "lastSeenAt" + interval '168 hours') as end from session where id = $1`,
    [id],
  )
  return row?.end as Date
}

for (const expires of BEYOND) {
  t.test(
    `a session with expires ${expires} has no bound of its own, and is shown with its end`,
    async (t) => {
      const { token, id, userId } = await signIn(expires)
      const end = await endOf(id)
      const expiresAt = end.toISOString()
      for (const instance of [service, leased]) t.equal(await instance.check(token), 200)
      t.match(await (await as(token, '/api/session')).json(), { session: { id, expiresAt } })
      t.match(await (await as(token, '/api/sessions')).json(), { sessions: [{ id, expiresAt }] })
      const introspected = await http('/introspect', {
        method: 'POST',
        headers: (await keyFor('introspect')).headers,
        body: new URLSearchParams({ token }),
      })
      t.match(await introspected.json(), { active: true, exp: Math.floor(end.getTime() / 1000) })
      const signedOut = await as(token, '/signed-out')
      t.equal(signedOut.headers.get('location'), '/', 'who is signed in is not told of an end')
      t.equal((await as(token, '/')).status, 200)

      const staff = (await keyFor('security')).headers
      const account = await http(`/api/admin/users/${userId}/sessions`, { headers: staff })
      t.match(await account.json(), { sessions: [{ id, expiresAt }] })
      const cli = run(['sessions', userId, '--json'], { env: { DATABASE_URL: database.url } })
      t.equal(await cli.ended, 0)
      t.match(JSON.parse(cli.stdout()), [{ id, expiresAt }])

      const adapter = GlobalLogoutAdapter(applicationDatabase(database))
      t.same((await adapter.getSessionAndUser?.(token))?.session.expires, end, 'Auth.js gets a date')

      const [read] = await readTokens(database.query, [hashToken(token)])
      const left = (end.getTime() - Date.now()) / 1000
      t.ok(Math.abs((read?.lifeSeconds ?? 0) - left) < 60, 'no memory outlives it')

      await psql(`update session set "lastSeenAt" = now() - interval '168 hours' where id = $1`, [id])
      t.equal(await service.check(token), 401, 'it does end')
      const page = await (await as(token, '/signed-out')).text()
      t.match(page, /Your session expired because it was not used for a long time/)
    },
  )
}

for (const expires of LONG_OVER) {
  t.test(`a session with expires ${expires} is over, everywhere`, async (t) => {
    const { token } = await signIn(expires)
    for (const instance of [service, leased]) t.equal(await instance.check(token), 401)
    t.equal((await as(token, '/api/session')).status, 401)
    t.match(await (await as(token, '/signed-out')).text(), /Your session expired\./)
    const adapter = GlobalLogoutAdapter(applicationDatabase(database))
    t.equal(await adapter.getSessionAndUser?.(token), null)
    t.match(await (await as(token, '/api/logout', json({ scope: 'local' }))).json(), { revoked: [] })
  })
}

t.test('a new session tells the end of its cookie to the second', async (t) => {
  const userId = await service.addUser()
  const { headers } = await keyFor('sessions:create')
  const request = json({ user: { id: userId } })
  const made = await http('/api/sessions', { ...request, headers: { ...request.headers, ...headers } })
  const { sessionId, expires } = (await made.json()) as { sessionId: string; expires: string }
  const [row] = await psql(`select expires at time zone 'utc' as expires from session where id = $1`, [
    sessionId,
  ])
  t.equal(expires, row?.expires.toISOString())
})

t.test('Auth.js gets the same date from every driver, whatever DateStyle its connection has', async (t) => {
  const token = crypto.randomUUID()
  const userId = await service.addUser()
  const pglite = await startPglite()
  const databases = {
    ...Object.fromEntries(
      Object.entries(DRIVERS).map(([name, open]) => [name, open(database.url, '-c datestyle=SQL,DMY')]),
    ),
    PGlite: pglite.db,
  }
  await pglite.db.execute(`set datestyle to 'SQL, DMY'`)
  await pglite.psql('insert into "user" (id) values ($1)', [userId])
  for (const [name, db] of Object.entries(databases)) {
    const adapter = GlobalLogoutAdapter(db) as Required<Adapter>
    // The third of a month, which is also a month: the two change places without a sound.
    const expires = new Date('2097-03-04T05:06:07.890Z')
    const session = { sessionToken: `${token} ${name}`, userId, expires }
    t.strictSame(await adapter.createSession(session), session, name)
    t.strictSame((await adapter.getSessionAndUser(session.sessionToken))?.session, session, name)
  }
  const endless = { sessionToken: `${token} endless`, userId }
  await pglite.psql(`insert into session ("sessionToken", "userId", expires) values ($1, $2, 'infinity')`, [
    hashToken(endless.sessionToken),
    userId,
  ])
  await psql(`insert into session ("sessionToken", "userId", expires) values ($1, $2, 'infinity')`, [
    hashToken(endless.sessionToken),
    userId,
  ])
  for (const [name, db] of Object.entries(databases)) {
    const found = await GlobalLogoutAdapter(db).getSessionAndUser?.(endless.sessionToken)
    const left = (found?.session.expires.getTime() ?? 0) - Date.now()
    t.equal(Math.round(left / 86_400_000), 7, name)
  }
})
