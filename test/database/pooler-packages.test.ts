/** `createDatabaseSessions` through a real PgBouncer in transaction mode, whose server connections take turns. */
import { hash } from 'node:crypto'
import { NotSignedOutError, UndecidedError } from '@global-logout/client'
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
  const open = () => {
    const pool = new pg.Pool({ connectionString: url })
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
      for (let round = 0; round < 4; round++) {
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

  t.test('a driver that names its statements is undecided, and told what to do', async (t) => {
    const pool = open()
    const named = (query: { text: string; values?: unknown[] }) =>
      query.values ? { ...query, name: hash('md5', query.text) } : query
    const sessions = createDatabaseSessions({
      pool: {
        query: (query) => pool.query(named(query)),
        connect: async () => {
          const client = await pool.connect()
          return {
            query: (query) => client.query(named(query)),
            release: (error) => client.release(error),
          }
        },
      },
    })
    const direct = createDatabaseSessions({ connectionString: database.url })
    t.teardown(direct.close)
    const { token } = await direct.create({ user: { id: 'bea' } })
    const [undecided, kept]: [unknown[], unknown[]] = [[], []]
    await waitFor('statements to meet', async () => {
      await sessions.check(cookie(token)).catch((error) => undecided.push(error))
      await sessions.logout(cookie(token)).catch((error) => kept.push(error))
      return undecided.length > 0 && kept.length > 0
    })
    t.type(undecided[0], UndecidedError)
    t.match(undecided[0], { message: /pooler in transaction mode.*`prepare: false`/ })
    t.type(kept[0], NotSignedOutError)
    t.match(kept[0], { status: 503, message: /pooler in transaction mode.*`prepare: false`/ })
  })
})
