/**
 * `createDatabaseSessions` through a real PgBouncer in transaction mode that rotates its server connections.
 */
import { hash } from 'node:crypto'
import { ServiceError, UndecidedError } from '@global-logout/client'
import { createDatabaseSessions, type DatabaseSessionsOptions } from '@global-logout/postgres'
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres'
import { drizzle as postgresJs } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import { testDatabase } from '../support/database.ts'
import { noPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'
import { startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const cookie = (token: string) => ({ headers: { cookie: `authjs.session-token=${token}` } })

t.test('through PgBouncer', { skip: noPgbouncer }, async (t) => {
  const database = await testDatabase()
  const { url } = await startPgbouncer(database.url)
  const leased = await startService({ database, env: { CHECK_MODE: 'leased' } })
  await leased.answersFromMemory()
  const open = (options: pg.PoolConfig = {}) => {
    const pool = new pg.Pool({ connectionString: url, ...options })
    t.teardown(() => pool.end())
    return pool
  }
  const openJs = (options = {}) => {
    const client = postgres(url, { onnotice: () => {}, ...options })
    t.teardown(() => client.end())
    return client
  }

  const ways: Record<string, () => DatabaseSessionsOptions> = {
    'a connection string': () => ({ connectionString: url }),
    'a pool of node-postgres': () => ({ pool: open() }),
    'drizzle on node-postgres': () => ({ db: nodePostgres(open()) }),
    'drizzle on postgres-js with prepare: false': () => ({ db: postgresJs(openJs({ prepare: false })) }),
  }
  for (const [name, options] of Object.entries(ways))
    t.test(`a user signs in and out by ${name}`, async (t) => {
      const sessions = createDatabaseSessions(options())
      t.teardown(sessions.close)
      for (let round = 0; round < 2; round++) {
        const user = { id: `ada ${name} ${round}` }
        const all = await Promise.all([1, 2, 3].map(() => sessions.create({ user })))
        const [phone = '', laptop = '', tablet = ''] = all.map(({ token }) => token)
        t.same(
          (await Promise.all(all.map(({ token }) => sessions.check(cookie(token))))).map(
            (found) => found?.userId,
          ),
          [user.id, user.id, user.id],
        )
        t.equal(await leased.check(laptop), 200)
        t.equal((await sessions.logout(cookie(phone))).revoked.length, 1)
        t.equal(await sessions.check(cookie(phone)), null)
        t.equal((await sessions.logout(cookie(laptop), { scope: 'global' })).revoked.length, 2)
        for (const token of [laptop, tablet]) {
          t.equal(await sessions.check(cookie(token)), null)
          t.equal(await leased.check(token), 401)
        }
        await sessions.removeUser(user.id)
      }
    })

  const { token } = await createDatabaseSessions({ db: nodePostgres(open()) }).create({ user: { id: 'bea' } })
  /** Repeats until a check or a sign-in fails. @returns its error. */
  const failure = (options: DatabaseSessionsOptions, act: 'check' | 'create') => {
    const sessions = createDatabaseSessions(options)
    t.teardown(sessions.close)
    return waitFor('an error', () =>
      (act === 'check' ? sessions.check(cookie(token)) : sessions.create({ user: { id: 'bea' } })).then(
        () => null,
        (error: Error) => error,
      ),
    )
  }

  t.test('postgres-js without prepare: false gets an error that names the setting', async (t) => {
    const error = await failure({ db: postgresJs(openJs()) }, 'create')
    t.match(error, { status: 503, message: /pooler in transaction mode.*`prepare: false` for postgres-js/ })
    t.type(error, ServiceError)
  })

  t.test('node-postgres with statement names gets an error that says to omit them', async (t) => {
    const pool = open()
    const query = (query: { text: string }) => pool.query({ ...query, name: hash('md5', query.text) })
    const error = await failure({ pool: { query, connect: () => pool.connect() } }, 'check')
    t.match(error, { message: /pooler in transaction mode.*no `name` for node-postgres/ })
    t.type(error, UndecidedError)
  })

  const refused: Record<string, () => DatabaseSessionsOptions> = {
    'a connection string': () => ({ connectionString: `${url}?options=-c%20lock_timeout%3D1s` }),
    'a pool of node-postgres': () => ({ pool: open({ statement_timeout: 1_000 }) }),
    'postgres-js': () => ({
      db: postgresJs(openJs({ prepare: false, connection: { lock_timeout: 1_000 } })),
    }),
  }
  for (const [name, options] of Object.entries(refused))
    t.test(`a setting that PgBouncer refuses is named: ${name}`, async (t) => {
      for (const act of ['check', 'create'] as const)
        t.match(await failure(options(), act), {
          message: /refuses a setting.*(options|statement_timeout|lock_timeout)\)\. Remove it/,
        })
    })
})
