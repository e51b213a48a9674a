/**
 * The service works next to any application: whatever tables a database has, nothing outside our schema
 * changes. Not a byte, not a lock on a row, from the first migration to `drop schema global_logout cascade`.
 */
import type { Adapter } from '@auth/core/adapters'
import { withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions, type DatabaseSessionsOptions } from '@global-logout/postgres'
import { drizzle as onNodePostgres } from 'drizzle-orm/node-postgres'
import { drizzle as onPostgresJs } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { importAll, prepareImport } from '../../src/adopt/import.ts'
import { cliActor } from '../../src/cli/common.ts'
import { readConfig } from '../../src/config.ts'
import { readRights } from '../../src/database/rights.ts'
import { silentLog } from '../../src/lib/log.ts'
import { prepare } from '../../src/prepare.ts'
import { sweep } from '../../src/sessions/sweeper.ts'
import { seal } from '../../src/staff/audit/chain.ts'
import { carryOut } from '../../src/staff/incidents/runner.ts'
import { LAYOUT_NAMES, LAYOUTS, type Layout, layoutSql } from '../layouts/layouts.ts'
import { testDatabase } from '../support/database.ts'
import { cell } from '../support/matrix.ts'
import { changes, outside } from '../support/outside.ts'
import { json, type Service, startService } from '../support/service.ts'

/** Auth.js's token in each layout that has one. */
const RAW_TOKEN = 'raw-token-1'

/** The ways for an application to reach our sessions in process. */
const DRIVERS: Record<string, (url: string) => DatabaseSessionsOptions> = {
  'a connection string': (connectionString) => ({ connectionString }),
  'node-postgres': (connectionString) => {
    const pool = new pg.Pool({ connectionString })
    t.teardown(() => pool.end())
    return { pool }
  },
  'drizzle on node-postgres': (url) => {
    const db = onNodePostgres(url)
    t.teardown(() => db.$client.end())
    return { db }
  },
  'drizzle on postgres-js': (url) => {
    const client = postgres(url, { max: 2, onnotice: () => {} })
    t.teardown(() => client.end())
    return { db: onPostgresJs(client) }
  },
}

for (const layout of LAYOUT_NAMES) {
  t.test(`next to ${layout}`, async (t) => {
    const about: Layout = LAYOUTS[layout]
    const database = await testDatabase({ dump: await layoutSql(layout) })
    const { url, psql } = database
    const before = await outside(url)
    t.ok(
      before.some((line) => line.includes('"ada@example.com"')),
      'the dump shows rows of the application',
    )

    await prepare(readConfig({ DATABASE_URL: url, SESSION_MAX_AGE: '60d' }), { url }, silentLog)
    const service = await startService({ database, except: ['sweeper', 'sealer'] })
    const ada = about.ada ?? (await psql<{ id: string }>('select id::text from public."user"'))[0]?.id ?? ''

    for (const [driver, options] of Object.entries(DRIVERS)) {
      const name = cell('signs in, checks, and signs out everywhere', {
        layout,
        driver,
        strategy: 'database',
      })
      await t.test(name, async (t) => {
        const sessions = createDatabaseSessions(options(url))
        t.teardown(sessions.close)
        const user = { id: ada, name: 'Ada', email: 'ada@example.com' }
        const users: Adapter = { getUser: async () => ({ ...user, emailVerified: null }) }
        const adapter = withGlobalLogout(users, sessions)
        const [phone, laptop] = [await sessions.create({ user }), await sessions.create({ user })]
        t.equal((await adapter.getSessionAndUser?.(phone.token))?.user.id, ada)
        t.same([await service.check(phone.token), await service.check(laptop.token)], [200, 200])
        const { revoked } = await sessions.logout(
          { headers: { authorization: `Bearer ${phone.token}` } },
          { scope: 'global' },
        )
        t.ok(revoked.length >= 2)
        t.same([await service.check(phone.token), await service.check(laptop.token)], [401, 401])
        t.equal(await adapter.getSessionAndUser?.(laptop.token), null)
      })
    }
    await t.test(
      cell('signs in, checks, and signs out everywhere', { layout, driver: 'HTTP', strategy: 'database' }),
      (t) => overHttp(t, service, ada),
    )
    await t.test('staff end sessions and run an incident; the background work runs', (t) =>
      staffWork(t, service),
    )
    if (about.import) {
      const { table, token = 'sessionToken', user = 'userId', expires = 'expires' } = about.import
      await t.test(
        cell('users from before stay signed in after the import', {
          layout,
          driver: 'import',
          strategy: 'database',
        }),
        async (t) => {
          // Ada has signed out everywhere above, so the import would skip her session.
          await psql(
            'truncate global_logout.operation cascade; truncate global_logout.revoked_session, global_logout.incident',
          )
          const prepared = await database.run((db) =>
            prepareImport(db, { table, token, user, expires, users: about.users.table, id: about.users.id }),
          )
          const signal = new AbortController().signal
          const { counts } = await importAll(database, prepared, {
            dryRun: false,
            onProgress: () => {},
            signal,
          })
          t.match(counts, { taken: 1, expired: 0 })
          t.equal(await service.check(RAW_TOKEN), 200)
        },
      )
    }

    t.same(changes(before, await outside(url)), [], 'nothing outside our schema changed')
    const rights = await database.run(readRights)
    t.same(
      rights.filter(({ stranger }) => stranger.length > 0),
      [],
      'no other login has rights on our tables',
    )
    await service.close()
    await psql('drop schema global_logout cascade')
    t.same(changes(before, await outside(url)), [], 'nothing of ours is left')
  })
}

async function overHttp(t: Test, service: Service, ada: string): Promise<void> {
  const { headers } = await service.keyFor('sessions:create')
  const signIn = async () => {
    const init = json({ user: { id: ada, name: 'Ada', email: 'ada@example.com' } })
    const made = await service.http('/api/sessions', { ...init, headers: { ...init.headers, ...headers } })
    t.equal(made.status, 201)
    return ((await made.json()) as { token: string }).token
  }
  const [phone, laptop] = [await signIn(), await signIn()]
  t.same([await service.check(phone), await service.check(laptop)], [200, 200])
  t.equal((await service.as(phone, '/api/logout', json({ scope: 'global' }))).status, 200)
  t.same([await service.check(phone), await service.check(laptop)], [401, 401])
  await service.replays.flush()
}

async function staffWork(t: Test, service: Service): Promise<void> {
  const { database, incidents, barrier } = service
  const actor = { ...cliActor(), actorId: 'test' }
  const eve = await service.addUser('eve')
  const { token } = await service.signIn(eve, 'Leaky/1.0')
  const other = await service.signIn(await service.addUser('mallory'), 'Leaky/1.0')
  await service.accounts.revoke(eve, { reason: 'stolen', lockSeconds: 60 }, actor)
  t.equal(await service.check(token), 401)
  const plan = await incidents.plan({ userAgent: 'Leaky' }, 'a leak', actor)
  await incidents.execute(plan.planId, actor)
  t.ok(await carryOut(database, barrier, plan.planId, { signal: AbortSignal.timeout(60_000) }))
  t.equal(await service.check(other.token), 401)
  await service.replays.flush()
  await service.lastSeen.flush()
  await sweep(database)
  t.ok((await seal(database)) > 0)
}
