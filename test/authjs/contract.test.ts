/**
 * Auth.js's contract through adapters, drivers and ids of many kinds; the reference is the stock adapter on
 * our sessions.
 */

import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { withGlobalLogout } from '@global-logout/authjs'
import { createClient } from '@global-logout/client'
import { createDatabaseSessions } from '@global-logout/postgres'
import { pgSchema, text, timestamp } from 'drizzle-orm/pg-core'
import { drizzle as postgresJs } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import t from 'tap'
import { hashedToken } from '../../src/database/columns.ts'
import type { Executor } from '../../src/database/database.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { testDatabase } from '../support/database.ts'
import { cell } from '../support/matrix.ts'
import { noPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'
import { startService } from '../support/service.ts'
import { PATIENCE_MS } from '../support/within.ts'
import { DRIVERS } from './application.ts'
import { adapterContract, type Implementation, inDays } from './contract-suite.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { type IdType, OWN_COLUMNS, ownTables, ownTablesSql } from './tables.ts'

const database = await testDatabase()
const UNKNOWN: Record<IdType, string> = {
  uuid: '00000000-0000-0000-0000-000000000000',
  integer: '0',
  text: 'nobody',
}
for (const idType of ['uuid', 'integer', 'text'] as const) await database.psql(ownTablesSql(idType))
const inProcess = createDatabaseSessions({ connectionString: database.url, timeoutMs: PATIENCE_MS })
t.teardown(inProcess.close)

/** An application with drizzle, its own tables, and our sessions on the same connections. */
function onDrizzle(db: Executor, idType: IdType): Implementation {
  return {
    adapter: withGlobalLogout(
      DrizzleAdapter(db, ownTables(idType)),
      createDatabaseSessions({ db, timeoutMs: PATIENCE_MS }),
    ),
    userOf,
    columns: OWN_COLUMNS,
    nobody: UNKNOWN[idType],
  }
}

t.test('the reference: the stock adapter with our table of sessions', async (t) =>
  adapterContract(t, reference()),
)

t.test(
  cell("Auth.js's contract", { layout: 'no tables', driver: 'an adapter in memory', strategy: 'database' }),
  async (t) => {
    const { adapter } = memoryAdapter({ columns: OWN_COLUMNS })
    adapterContract(t, { adapter: withGlobalLogout(adapter, inProcess), userOf, columns: OWN_COLUMNS })
  },
)

t.test('an adapter in memory whose ids are numbers', async (t) => {
  let last = 0
  const { adapter } = memoryAdapter({ newId: () => ++last })
  const ours = withGlobalLogout(adapter, inProcess, { readUserId: Number })
  adapterContract(t, { adapter: ours, userOf })
})

t.test('an adapter in memory, with sessions over HTTP', async (t) => {
  const service = await startService({ database })
  const { key } = await service.keyFor('sessions:create', 'users:delete')
  const overHttp = createClient({ url: service.base, key, timeoutMs: PATIENCE_MS })
  const { adapter, sessions } = memoryAdapter({ columns: OWN_COLUMNS })
  const ours = withGlobalLogout(adapter, overHttp)
  t.test('the contract', async (t) => adapterContract(t, { adapter: ours, userOf, columns: OWN_COLUMNS }))
  t.test('a session from before the adoption is taken over, but not after a sign-out', async (t) => {
    const email = `${crypto.randomUUID()}@example.com`
    const user = await ours.createUser({ id: '', email, emailVerified: null })
    const [token, other]: [string, string] = [crypto.randomUUID(), crypto.randomUUID()]
    for (const sessionToken of [token, other])
      sessions.set(sessionToken, { sessionToken, userId: user.id, expires: inDays(3) })
    t.strictSame((await ours.getSessionAndUser(token))?.user, user)
    t.equal(await service.check(token), 200)
    await overHttp.logout({ headers: { authorization: `Bearer ${token}` } }, { scope: 'global' })
    t.equal(await ours.getSessionAndUser(token), null)
    t.equal(await ours.getSessionAndUser(other), null)
    t.strictSame(
      [...sessions.keys()].filter((each) => each === token || each === other),
      [],
    )
  })
})

for (const [name, open] of Object.entries(DRIVERS))
  t.test(
    cell("Auth.js's contract", {
      layout: 'own tables, uuids',
      driver: `drizzle on ${name}`,
      strategy: 'database',
    }),
    async (t) => adapterContract(t, onDrizzle(open(database.url, ''), 'uuid')),
  )

t.test(
  cell("Auth.js's contract", {
    layout: 'own tables, numbers',
    driver: 'drizzle on a pool of node-postgres',
    strategy: 'database',
  }),
  async (t) => adapterContract(t, onDrizzle(DRIVERS['a pool of node-postgres'](database.url, ''), 'integer')),
)

t.test('through PgBouncer in transaction mode', { skip: noPgbouncer }, async (t) => {
  const { url } = await startPgbouncer(database.url)
  const client = postgres(url, { prepare: false })
  t.teardown(() => client.end())
  const drivers: Record<string, Executor> = {
    'a pool of node-postgres': DRIVERS['a pool of node-postgres'](url, ''),
    'postgres-js': postgresJs(client),
  }
  for (const [name, db] of Object.entries(drivers))
    t.test(
      cell("Auth.js's contract, through PgBouncer", {
        layout: 'own tables, uuids',
        driver: `drizzle on ${name}`,
        strategy: 'database',
      }),
      async (t) => adapterContract(t, onDrizzle(db, 'uuid')),
    )
})

/** The stock adapter makes the tokens; the column hashes them, and the adapter returns them raw. */
function reference(): Implementation {
  const db = DRIVERS['a pool of node-postgres'](database.url, '')
  const sessionsTable = pgSchema('global_logout').table('session', {
    sessionToken: hashedToken('sessionToken').primaryKey(),
    userId: text('userId').notNull(),
    expires: timestamp('expires', { mode: 'date' }).notNull(),
  })
  const tables = { ...(ownTables('text') as object), sessionsTable }
  const stock = DrizzleAdapter(db, tables as never)
  const withToken = <S extends object>(sessionToken: string, session: S) => ({ ...session, sessionToken })
  return {
    userOf,
    columns: OWN_COLUMNS,
    isReference: true,
    adapter: {
      ...stock,
      createSession: async (session) => {
        // Our table contains its own users only.
        if (!(await stock.getUser?.(session.userId))) throw new Error('no such user')
        const made = await stock.createSession?.(session)
        return withToken(session.sessionToken, made as NonNullable<typeof made>)
      },
      getSessionAndUser: async (token) => {
        const found = await stock.getSessionAndUser?.(token)
        return found ? { ...found, session: withToken(token, found.session) } : null
      },
      deleteUser: async (id) => {
        await database.psql('delete from global_logout."user" where id = $1', [id])
        await stock.deleteUser?.(id)
      },
    },
  }
}

async function userOf(token: string): Promise<string | null> {
  const sql = 'select "userId" as id from session where "sessionToken" = $1'
  const [row] = await database.psql<{ id: string }>(sql, [hashToken(token)])
  return row?.id ?? null
}
