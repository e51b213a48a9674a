/** While the database is stopped or frozen every answer is 503 and keeps the cookie; afterwards the service recovers by itself. */
import type pg from 'pg'
import t from 'tap'
import { withDeadline } from '../../src/database/database.ts'
import { openTestDatabase } from '../support/database.ts'
import { hold } from '../support/hold.ts'
import { ownServer } from '../support/own-server.ts'
import { json, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const server = await ownServer()
const database = openTestDatabase(server.url, { max: 4 })
const service = await startService({ database, patient: false })
const { as, http, check, cookieName } = service
const ada = await service.addUser('ada')

/** Every route answers 503 and keeps the cookie. */
async function everythingIsUndecided(t: Tap, token: string) {
  const asked: Record<string, Promise<Response>> = {
    'GET /check': as(token, '/check'),
    'POST /check/x': as(token, '/check/x', { method: 'POST', body: 'x' }),
    'GET /api/session': as(token, '/api/session'),
    'GET /api/sessions': as(token, '/api/sessions'),
    'GET /api/session/events': as(token, '/api/session/events'),
    'POST /api/logout': as(token, '/api/logout', json({ scope: 'global' })),
    'POST /logout': as(token, '/logout', { method: 'POST' }),
    'DELETE /api/sessions/:id': as(token, `/api/sessions/${crypto.randomUUID()}`, { method: 'DELETE' }),
    'GET /': as(token, '/'),
    'GET /signed-out': as(token, '/signed-out'),
    'GET /readyz': http('/readyz'),
  }
  for (const [what, answer] of Object.entries(asked)) {
    const response = await answer
    const body = await response.text()
    t.equal(response.status, 503, what)
    t.equal(response.headers.get('retry-after'), '1', what)
    t.equal(response.headers.get('cache-control'), 'no-store', what)
    t.equal(response.headers.get('set-cookie'), null, `${what} keeps the cookie`)
    t.notMatch(body, /ECONN|postgres|select|127\.0\.0\.1:/i, `${what} shows no internals`)
  }
  t.equal((await http('/healthz')).status, 200, 'the process itself is healthy')
  t.equal((await http('/check')).status, 401, 'a request without a token is refused without the database')
}
type Tap = Pick<typeof t, 'equal' | 'notMatch'>

t.test(
  'an outage of the database signs no user out, and ends without a restart of the service',
  async (t) => {
    const { token } = await service.signIn(ada)
    t.equal(await check(token), 200)
    await server.stop()
    await everythingIsUndecided(t, token)
    await server.start()
    await recovered(token)
    t.equal(await check(token), 200, 'the session survived the outage')
    t.equal((await http('/readyz')).status, 200)
    t.equal((await as(token, '/api/logout', json({ scope: 'global' }))).status, 200)
    t.equal(await check(token), 401)
  },
)

t.test(
  'a database that hangs signs no user out',
  { skip: process.platform !== 'linux' && 'needs SIGSTOP' },
  async (t) => {
    const { token } = await service.signIn(ada)
    t.equal(await check(token), 200)
    await server.freeze()
    try {
      await everythingIsUndecided(t, token)
    } finally {
      await server.thaw()
    }
    await recovered(token)
    t.equal(await check(token), 200)
  },
)

t.test(
  'while the pool is exhausted a check is answered 503, and afterwards it is decided again',
  async (t) => {
    const { token } = await service.signIn(ada)
    const { requests, checks } = service.pools
    const all = [requests, checks].flatMap(({ pool }) => Array<pg.Pool>(pool.options.max ?? 0).fill(pool))
    const holders = await Promise.all(all.map((pool) => pool.connect()))
    t.equal(await check(token), 503)
    t.equal((await as(token, '/api/logout', json({ scope: 'global' }))).status, 503)
    for (const holder of holders) holder.release()
    t.equal(await check(token), 200)
  },
)

t.test(
  'a sign-out that waits too long for a lock is answered 503, and the user stays signed in',
  async (t) => {
    const { token } = await service.signIn(ada)
    const holder = await hold(server, `select from "user" where id = 'ada' for update`)
    const response = await as(token, '/api/logout', json({ scope: 'global' }))
    t.equal(response.status, 503)
    t.equal(response.headers.get('set-cookie'), null)
    t.equal(await check(token), 200)
    await holder.end()
    t.equal((await as(token, '/api/logout', json({ scope: 'global' }))).status, 200)
  },
)

t.test('a sign-out whose wait for a synchronous standby is cancelled is not answered as done', async (t) => {
  const { token } = await service.signIn(ada)
  const standbys = async (names: string) => {
    await database.psql(`alter system set synchronous_standby_names = '${names}'`)
    await database.psql('select pg_reload_conf()')
    await waitFor('the server to read its settings', async () => {
      const [set] = await database.psql<{ names: string }>(
        `select current_setting('synchronous_standby_names') as names`,
      )
      return set?.names === names
    })
  }
  await standbys('missing')
  try {
    const answer = as(token, '/api/logout', json({ scope: 'global' }))
    const cancelled = `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep' and query like '%log_out%'`
    await waitFor('the commit to wait', async () => (await database.psql(cancelled)).length > 0)
    const response = await answer
    t.equal(response.status, 503)
    t.match(await response.json(), { code: 'outcome_unknown' })
    t.equal(response.headers.get('set-cookie'), null)
  } finally {
    await standbys('')
  }
})

t.test(
  'a sign-out whose commit is not confirmed gets "outcome_unknown", and repeating it succeeds',
  async (t) => {
    const { token } = await service.signIn(ada)
    // A deferred trigger runs inside COMMIT: it cuts the connection of the backend that commits.
    const admin = await database.pool.connect()
    await admin.query(`create function global_logout.cut() returns trigger language plpgsql as $$ begin
    perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); return null; end $$`)
    await admin.query(
      'create constraint trigger cut after insert on global_logout.operation deferrable initially deferred for each row execute function global_logout.cut()',
    )
    const response = await as(token, '/api/logout', json({ scope: 'global' }))
    t.equal(response.status, 503)
    t.match(await response.json(), { code: 'outcome_unknown' })
    t.equal(response.headers.get('set-cookie'), null)
    await admin.query('drop trigger cut on global_logout.operation')
    admin.release()
    const again = await as(token, '/api/logout', json({ scope: 'global' }))
    t.equal(again.status, 200)
    t.match(again.headers.get('set-cookie'), `${cookieName}=;`)
    t.equal(await check(token), 401)
  },
)

t.test('a sign-out whose commit the server refuses is answered 503, and ends no session', async (t) => {
  const { token } = await service.signIn(ada)
  const admin = await database.pool.connect()
  await admin.query(
    `create function global_logout.refuse() returns trigger language plpgsql as $$ begin raise exception 'disk full' using errcode = '53100'; end $$`,
  )
  await admin.query(
    'create constraint trigger refuse after insert on global_logout.operation deferrable initially deferred for each row execute function global_logout.refuse()',
  )
  const response = await as(token, '/api/logout', json({ scope: 'global' }))
  t.equal(response.status, 503)
  t.match(await response.json(), { code: 'unavailable' })
  t.equal(await check(token), 200)
  await admin.query('drop trigger refuse on global_logout.operation')
  admin.release()
})

t.test('while the database is read-only every answer is 503', async (t) => {
  const { token } = await service.signIn(ada)
  const admin = await database.pool.connect()
  const setReadOnly = async (what: string) => {
    await admin.query(`do $$ begin execute format('alter database %I ${what}', current_database()); end $$`)
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`)
  }
  await setReadOnly('set default_transaction_read_only = on')
  await everythingIsUndecided(t, token)
  t.match(await (await http('/readyz')).json(), { detail: /^The database is read-only/ })
  await admin.query('set default_transaction_read_only = off')
  await setReadOnly('reset default_transaction_read_only')
  admin.release(true)
  await recovered(token)
  t.equal(await check(token), 200)
})

t.test('two slow queries of one request share its deadline', async (t) => {
  const began = performance.now()
  const slow = () => database.run((db) => db.execute('select pg_sleep(1)'))
  await t.rejects(
    withDeadline(async () => [await slow(), await slow()]),
    { code: 'unavailable' },
  )
  t.ok(performance.now() - began >= 1000, 'the first query succeeded, the second was cut off')
  await t.resolves(slow(), 'the next request has its own deadline')
})

/** Waits until the service decides checks again. */
async function recovered(token: string): Promise<void> {
  await waitFor('a check that is decided', async () => (await check(token)) !== 503)
}
