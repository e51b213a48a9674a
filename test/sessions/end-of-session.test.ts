/**
 * Every API and page shows the same end of a session, even if the application wrote an `expires` that is no
 * date.
 */
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { readTokens } from '../../src/check/queries.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { applicationDatabase, DRIVERS } from '../authjs/application.ts'
import { startPglite } from '../authjs/pglite.ts'
import { runHere } from '../support/command.ts'
import { json, startService } from '../support/service.ts'

const BEYOND = ['infinity', '10000-01-01', '275760-09-14', '294276-12-31']
const LONG_OVER = ['-infinity', '0044-03-15 BC', '4714-11-24 BC', '2000-01-01']

const service = await startService()
const leased = await startService({ database: service.database, env: { CHECK_MODE: 'leased' } })
await leased.answersFromMemory()
const { as, http, keyFor, database } = service
const { psql } = database
const inProcess = createDatabaseSessions({ db: applicationDatabase(database) })
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

/** Creates a user with a session that has this `expires`, written as an application would. */
async function signIn(expires: string) {
  const userId = await service.addUser()
  const token = crypto.randomUUID()
  const [row] = await psql(
    `insert into session ("sessionToken", "userId", expires) values ($1, $2, $3) returning id`,
    [hashToken(token), userId, expires],
  )
  return { token, userId, id: row?.id as string }
}

/** The end of a session whose `expires` sets no bound: here the idle timeout of seven days comes first. */
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
      t.equal(signedOut.headers.get('location'), '/devices', 'a signed-in user sees no reason of an end')
      t.equal((await as(token, '/')).status, 200)

      const staff = (await keyFor('security')).headers
      const account = await http(`/api/admin/users/${userId}/sessions`, { headers: staff })
      t.match(await account.json(), { sessions: [{ id, expiresAt }] })
      const cli = runHere(['sessions', userId, '--json'], { env: { DATABASE_URL: database.url } })
      t.equal(await cli.ended, 0)
      t.match(JSON.parse(cli.stdout()), [{ id, expiresAt }])

      t.match(await inProcess.check(bearer(token)), { expiresAt: end }, 'an application gets a date')

      const [read] = await readTokens(database.query, [hashToken(token)])
      const left = (end.getTime() - Date.now()) / 1000
      t.ok(Math.abs((read?.lifeSeconds ?? 0) - left) < 60, 'no cache entry outlives it')

      await psql(`update session set "lastSeenAt" = now() - interval '168 hours' where id = $1`, [id])
      t.equal(await service.check(token), 401, 'it has ended')
      const page = await (await as(token, '/signed-out')).text()
      t.match(page, /Your session expired because it was not used for a long time/)
    },
  )
}

for (const expires of LONG_OVER) {
  t.test(`a session with expires ${expires} has ended, everywhere`, async (t) => {
    const { token } = await signIn(expires)
    for (const instance of [service, leased]) t.equal(await instance.check(token), 401)
    t.equal((await as(token, '/api/session')).status, 401)
    t.match(await (await as(token, '/signed-out')).text(), /Your session expired\./)
    t.equal(await inProcess.check(bearer(token)), null)
    t.match(await (await as(token, '/api/logout', json({ scope: 'local' }))).json(), { revoked: [] })
  })
}

t.test('a new session states when its cookie expires, to the second', async (t) => {
  const userId = await service.addUser()
  const { headers } = await keyFor('sessions:create')
  const request = json({ user: { id: userId } })
  const made = await http('/api/sessions', { ...request, headers: { ...request.headers, ...headers } })
  const { sessionId, expiresAt } = (await made.json()) as { sessionId: string; expiresAt: string }
  const [row] = await psql(`select expires at time zone 'utc' as expires from session where id = $1`, [
    sessionId,
  ])
  t.equal(expiresAt, row?.expires.toISOString())
})

t.test(
  'an application gets the same dates from every driver, whatever DateStyle its connection has',
  async (t) => {
    const pglite = await startPglite()
    const databases = {
      ...Object.fromEntries(
        Object.entries(DRIVERS).map(([name, open]) => [name, open(database.url, '-c datestyle=SQL,DMY')]),
      ),
      PGlite: pglite.db,
    }
    await pglite.db.execute(`set datestyle to 'SQL, DMY'`)
    for (const [name, db] of Object.entries(databases)) {
      const sessions = createDatabaseSessions({ db })
      const { token, sessionId, expiresAt } = await sessions.create({ user: { id: 'ada' } })
      const on = name === 'PGlite' ? pglite.psql : psql
      // The third of April: a wrong DateStyle would silently swap the day and the month.
      await on(`update global_logout.session set "createdAt" = '2020-03-04T05:06:07.890Z' where id = $1`, [
        sessionId,
      ])
      const rest = { userId: 'ada', sessionId }
      t.equal(await sessions.check(bearer(token)), null, `${name}: too old`)
      const [row] = await on('select max_age_seconds as age from global_logout.session_policy')
      t.equal(Math.round((expiresAt.getTime() - Date.now()) / 86_400_000), Number(row?.age) / 86_400, name)
      const another = await sessions.create({ user: { id: 'ada' } })
      const seen = await sessions.check(bearer(another.token))
      t.match(seen, { ...rest, sessionId: another.sessionId })
      for (const at of [seen?.createdAt, seen?.authTime])
        t.ok(Math.abs(Date.now() - (at?.getTime() ?? 0)) < 3_600_000, `${name}: begun now`)
      t.equal(Math.round(((seen?.expiresAt.getTime() ?? 0) - Date.now()) / 86_400_000), 7, name)
    }
  },
)
