/**
 * A sign-out of Auth.js on every drizzle driver ends the session at the service in both modes, or the driver
 * is refused.
 */

import { Auth } from '@auth/core'
import type { Adapter } from '@auth/core/adapters'
import { GlobalLogoutAdapter } from '@global-logout/authjs/drizzle'
import { createDatabaseSessions } from '@global-logout/postgres'
import { neon } from '@neondatabase/serverless'
import { Cache } from 'drizzle-orm/cache/core'
import { drizzle as neonHttp } from 'drizzle-orm/neon-http'
import { drizzle as neonServerless } from 'drizzle-orm/neon-serverless'
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres'
import { PgDatabase, PgDialect, withReplicas } from 'drizzle-orm/pg-core'
import { drizzle as pgProxy } from 'drizzle-orm/pg-proxy'
import { drizzle as postgresJs } from 'drizzle-orm/postgres-js'
import { PrismaPgSession } from 'drizzle-orm/prisma/pg/session'
import { drizzle as xataHttp } from 'drizzle-orm/xata-http'
import pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import type { Executor } from '../../src/database/database.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { cell } from '../support/matrix.ts'
import { json, startService } from '../support/service.ts'
import { PATIENCE_MS } from '../support/within.ts'
import { DRIVERS } from './application.ts'
import { openBrowser } from './browser.ts'
import { adapterContract, inDays } from './contract-suite.ts'
import { startPglite } from './pglite.ts'
import { STOCK_TABLES_SQL } from './tables.ts'

const app = 'http://an-application.example'
const COOKIE = 'authjs.session-token'
/** For a loaded machine. */
const PATIENT = { timeoutMs: PATIENCE_MS }

/**
 * Answers a sign-out by Auth.js of the user with this token. @returns the answer to the browser, and the
 * errors logged.
 */
async function signOut(adapter: Adapter, token: string) {
  const errors: Error[] = []
  const browser = openBrowser({
    [app]: (request) =>
      Auth(request, {
        adapter,
        session: { strategy: 'database' },
        providers: [],
        secret: 'of-the-application',
        trustHost: true,
        basePath: '/auth',
        logger: { error: (error) => void errors.push(error), warn() {}, debug() {} },
      }),
  })
  browser.setCookie(app, COOKIE, token)
  const { csrfToken } = (await (await browser.request(`${app}/auth/csrf`)).json()) as { csrfToken: string }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  await browser.request(`${app}/auth/signout`, {
    method: 'POST',
    headers: form,
    body: `csrfToken=${csrfToken}`,
  })
  return { errors: errors.map(({ name }) => name), cookie: browser.cookie(app, COOKIE) }
}

/** Adds a user with a session, as Auth.js does. */
async function signIn(adapter: Adapter) {
  const email = `${crypto.randomUUID()}@example.com`
  const user = await adapter.createUser?.({ id: '', email, emailVerified: null })
  const asked = { sessionToken: crypto.randomUUID(), userId: user?.id ?? '', expires: inDays(7) }
  return (await adapter.createSession?.(asked))?.sessionToken ?? ''
}

const service = await startService()
const { database } = service
await database.psql(STOCK_TABLES_SQL)
const leased = await startService({ database, env: { CHECK_MODE: 'leased' } })
await leased.answersFromMemory()

for (const [name, open] of Object.entries(DRIVERS)) {
  t.test(
    cell('after a sign-out of Auth.js, no instance says valid', {
      layout: 'stock',
      driver: `drizzle on ${name}`,
      strategy: 'database',
    }),
    async (t) => {
      const db = open(database.url, '')
      const adapter = GlobalLogoutAdapter(db, undefined, PATIENT)
      const token = await signIn(adapter)
      const hits = leased.hits()
      for (let checks = 0; checks < 3; checks++) {
        t.equal(await service.check(token), 200)
        t.equal(await leased.check(token), 200)
      }
      t.ok(leased.hits() > hits, 'the leased instance answers from its cache')
      t.strictSame(await signOut(adapter, token), { errors: [], cookie: undefined })
      t.equal(await leased.check(token), 401)
      t.equal(await service.check(token), 401)
      t.match(await service.sessions.tokenStatus(token), {
        state: 'revoked',
        operation: { kind: 'logout', scope: 'local', actorKind: 'user' },
      })
    },
  )
}

t.test('on PGlite, which only its own process can reach', async (t) => {
  const { db, psql, exec, startCheckers } = await startPglite()
  await exec(STOCK_TABLES_SQL)
  const adapter = GlobalLogoutAdapter(db, undefined, PATIENT)
  await t.test(
    cell("Auth.js's contract", { layout: 'stock', driver: 'drizzle on PGlite', strategy: 'database' }),
    async (t) =>
      adapterContract(t, {
        adapter,
        userOf: async (token) => {
          const sql = 'select "userId" as id from global_logout.session where "sessionToken" = $1'
          return (await psql<{ id: string }>(sql, [hashToken(token)]))[0]?.id ?? null
        },
      }),
  )
  await t.test('after a sign-out of Auth.js, no checker says valid', async (t) => {
    const checkers = await startCheckers()
    const token = await signIn(adapter)
    for (const { checker } of checkers) t.match(await checker.check(token), { valid: true })
    const leased = checkers.find(({ leased }) => leased)?.leased
    await checkers[1]?.checker.check(token)
    t.equal(leased?.counts.hits, 1, 'one of them answers from its cache')
    t.strictSame(await signOut(adapter, token), { errors: [], cookie: undefined })
    for (const { checker } of checkers) t.match(await checker.check(token), { valid: false })
    t.match(await psql('select kind from global_logout.operation order by at desc limit 1'), [
      { kind: 'logout' },
    ])
  })
})

t.test('a driver without transactions is refused when the adapter is created', async (t) => {
  const dialect = new PgDialect()
  const drivers: Record<string, Executor> = {
    NeonHttpDatabase: neonHttp(neon('postgres://user:password@localhost/none')),
    PgRemoteDatabase: pgProxy(async () => ({ rows: [] })),
    XataHttpDatabase: xataHttp({} as never) as unknown as Executor,
    // drizzle-orm/prisma's database, without the client that it imports.
    PgDatabase: new PgDatabase(dialect, new PrismaPgSession(dialect, {} as never, {}), undefined),
  }
  for (const [name, db] of Object.entries(drivers)) {
    t.throws(() => GlobalLogoutAdapter(db), {
      message: new RegExp(
        `transactions, which drizzle's ${name} does not have.*Use drizzle-orm/node-postgres`,
      ),
    })
  }
  t.throws(() => GlobalLogoutAdapter({} as Executor), { message: /on PostgreSQL, not this driver/ })
})

t.test('a driver with transactions is accepted without a query', async (t) => {
  const silent = 'postgres://user:password@127.0.0.1:1/none'
  t.ok(GlobalLogoutAdapter(neonServerless(silent)))
  t.ok(GlobalLogoutAdapter(nodePostgres(silent)))
  const instrumented = nodePostgres(silent)
  const { session } = instrumented._
  const original = session.transaction.bind(session)
  session.transaction = (...args) => original(...args)
  t.ok(GlobalLogoutAdapter(instrumented), 'even wrapped by instrumentation')
})

t.test('a failed sign-out is logged by Auth.js, and the session stays valid', async (t) => {
  const [db] = Object.values(DRIVERS).map((open) => open(database.url, ''))
  const adapter = GlobalLogoutAdapter(db as Executor, undefined, PATIENT)
  const token = await signIn(adapter)
  await database.psql(`create function fail() returns trigger language plpgsql as
    $$ begin raise exception 'no'; end $$;
    create trigger fail before delete on session for each statement execute function fail()`)
  // Auth.js clears its cookie nevertheless: docs/adopt.md.
  t.strictSame(await signOut(adapter, token), {
    errors: ['AdapterError', 'SignOutError'],
    cookie: undefined,
  })
  await database.psql('drop function fail() cascade')
  t.equal(await service.check(token), 200)
})

t.test('a sign-out that other code rolls back on the same connection is an error', async (t) => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  t.teardown(() => client.end())
  let rollBack = false
  const logQuery = (query: string) => {
    if (rollBack && query === 'commit') void client.query('rollback')
  }
  const adapter = GlobalLogoutAdapter(nodePostgres(client, { logger: { logQuery } }), undefined, PATIENT)
  const token = await signIn(adapter)
  rollBack = true
  await t.rejects(async () => adapter.deleteSession?.(token), {
    code: 'outcome_unknown',
    cause: { cause: { message: 'the act was not committed' } },
  })
  t.equal(await service.check(token), 200)
})

t.test('concurrent sign-outs on one connection have an operation each', async (t) => {
  const adapter = GlobalLogoutAdapter(
    DRIVERS['one client of node-postgres'](database.url, ''),
    undefined,
    PATIENT,
  )
  const tokens = await Promise.all(Array.from({ length: 8 }, () => signIn(adapter)))
  await Promise.all(tokens.map((token) => adapter.deleteSession?.(token)))
  const rows = await database.psql(
    `select count(distinct operation_id)::int as operations from revoked_session join operation on operation.id = operation_id
      where session_token = any ($1)`,
    [tokens.map(hashToken)],
  )
  t.strictSame(rows, [{ operations: 8 }])
})

t.test('signing out works on postgres-js without arrays and with renamed columns', async (t) => {
  const client = postgres(database.url, { fetch_types: false, transform: postgres.toPascal })
  t.teardown(() => client.end())
  const sessions = createDatabaseSessions({ db: postgresJs(client), ...PATIENT })
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  const { token } = await sessions.create({ user: { id: 'ada' } })
  t.match(await sessions.check(bearer(token)), { userId: 'ada' })
  t.equal(await leased.check(token), 200)
  await sessions.logout(bearer(token))
  t.equal(await leased.check(token), 401)
})

t.test('a logout elsewhere takes effect at once, even with replicas and query caches', async (t) => {
  const open = () => DRIVERS['a pool of node-postgres'](database.url, '')
  const primary = open()
  // A replica that lags behind forever.
  const behind = nodePostgres('postgres://user:password@127.0.0.1:1/none')
  const kept = new Map<string, unknown[]>()
  class KeepsAll extends Cache {
    override strategy = () => 'all' as const
    override get = async (key: string) => kept.get(key)
    override put = async (key: string, rows: unknown) => void kept.set(key, rows as unknown[])
    override onMutate = async () => {}
  }
  const pool = new pg.Pool({ connectionString: database.url })
  t.teardown(() => pool.end())
  const applications: Record<string, Executor> = {
    replicas: withReplicas(primary as never, [behind as never]) as unknown as Executor,
    'a cache': nodePostgres(pool, { cache: new KeepsAll() }),
  }
  for (const [name, db] of Object.entries(applications)) {
    const adapter = GlobalLogoutAdapter(db, undefined, PATIENT)
    const token = await signIn(adapter)
    t.ok(await adapter.getSessionAndUser?.(token), name)
    await service.as(token, '/api/logout', json({ scope: 'global' }))
    t.equal(await adapter.getSessionAndUser?.(token), null, name)
  }
})
