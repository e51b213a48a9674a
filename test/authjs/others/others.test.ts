/** Prisma, `pg`, next-auth 4 and Express: Auth.js's contract, and no user signed out by an outage. */

import type { Adapter } from '@auth/core/adapters'
import { withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions } from '@global-logout/postgres'
import pg from 'pg'
import t from 'tap'
import { hashToken } from '../../../src/database/token-hash.ts'
import { testDatabase } from '../../support/database.ts'
import { cell } from '../../support/matrix.ts'
import { PATIENCE_MS } from '../../support/within.ts'
import { adapterContract, inDays } from '../contract-suite.ts'
import { OWN_COLUMNS } from '../tables.ts'
import { generatedClient, load, skip } from './load.ts'
import { PG_SQL, PRISMA_SQL } from './tables.ts'

const database = await testDatabase()
await database.psql(PRISMA_SQL)
await database.psql(PG_SQL)
const sessions = createDatabaseSessions({ connectionString: database.url, timeoutMs: PATIENCE_MS })
t.teardown(sessions.close)

async function userOf(token: string): Promise<string | null> {
  const sql = 'select "userId" as id from session where "sessionToken" = $1'
  const [row] = await database.psql<{ id: string }>(sql, [hashToken(token)])
  return row?.id ?? null
}

async function prismaAdapter(): Promise<Adapter> {
  const { PrismaPg } = await load<{ PrismaPg: new (options: object) => unknown }>('@prisma/adapter-pg')
  const { PrismaAdapter } = await load<{ PrismaAdapter: (client: unknown) => Adapter }>(
    '@auth/prisma-adapter',
  )
  type PrismaClient = new (options: object) => { $disconnect(): Promise<void> }
  const { PrismaClient } = await generatedClient<{ PrismaClient: PrismaClient }>()
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.url }) })
  t.teardown(() => prisma.$disconnect())
  return PrismaAdapter(prisma)
}

async function pgAdapter(url = database.url): Promise<Adapter> {
  const { default: PostgresAdapter } = await load<{ default: (pool: pg.Pool) => Adapter }>('@auth/pg-adapter')
  const pool = new pg.Pool({ connectionString: url, options: '-c search_path=plain' })
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  return PostgresAdapter(pool)
}

const prisma = skip ? {} : await prismaAdapter()
const plain = skip ? {} : await pgAdapter()

t.test(
  cell("Auth.js's contract", { layout: 'prisma-mapped', driver: 'Prisma', strategy: 'database' }),
  { skip },
  async (t) => {
    const adapter = withGlobalLogout(prisma, sessions)
    adapterContract(t, { adapter, userOf, columns: OWN_COLUMNS })
  },
)

t.test(
  cell("Auth.js's contract", { layout: 'pg-adapter', driver: '@auth/pg-adapter', strategy: 'database' }),
  { skip },
  async (t) => {
    const adapter = withGlobalLogout(plain, sessions)
    adapterContract(t, { adapter, userOf, columns: OWN_COLUMNS, nobody: '0' })
  },
)

t.test('existing sessions are taken over, once, even by many concurrent first uses', { skip }, async (t) => {
  for (const [name, held] of Object.entries({ prisma, plain })) {
    const adapter = withGlobalLogout(held, sessions) as Required<Adapter>
    const email = `${crypto.randomUUID()}@example.com`
    const user = await adapter.createUser({ id: '', email, emailVerified: null })
    const [token, other] = [crypto.randomUUID(), crypto.randomUUID()]
    for (const sessionToken of [token, other])
      await held.createSession?.({ sessionToken, userId: user.id, expires: inDays(3) })
    const found = await Promise.all(Array.from({ length: 8 }, () => adapter.getSessionAndUser(token)))
    t.ok(
      found.every((each) => each?.user.id === user.id),
      name,
    )
    t.strictSame(await held.getSessionAndUser?.(token), null)
    await adapter.deleteSession(other)
    t.equal(await adapter.getSessionAndUser(other), null)
    t.strictSame(await held.getSessionAndUser?.(other), null)
  }
})

t.test('an adapter that returns null instead of an error signs no user out', { skip }, async (t) => {
  const adapter = withGlobalLogout(plain, sessions) as Required<Adapter>
  const email = `${crypto.randomUUID()}@example.com`
  const user = await adapter.createUser({ id: '', email, emailVerified: null })
  const { sessionToken } = await adapter.createSession({
    sessionToken: '',
    userId: user.id,
    expires: inDays(3),
  })
  const away = withGlobalLogout(
    await pgAdapter('postgres://nobody@127.0.0.1:1/none'),
    sessions,
  ) as Required<Adapter>
  t.equal(await away.getUser(user.id), null, 'the adapter does return null')
  await t.rejects(async () => away.getSessionAndUser(sessionToken), /there is no user/)
  t.ok(await adapter.getSessionAndUser(sessionToken))
})
