/**
 * `migrate` upgrades a database of an earlier version: no row is lost, its shape equals that of a new one, and the service works.
 * `make-baseline.ts` creates the dump.
 */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { migrate, pendingMigrations } from '../../src/database/migrate.ts'
import { readRights } from '../../src/database/rights.ts'
import { seal, verify } from '../../src/staff/audit/chain.ts'
import { testDatabase } from '../support/database.ts'
import { json, startService } from '../support/service.ts'
import { shapeOf } from '../support/shape.ts'

/** The state of caching instances: a new server starts without it. */
const OF_INSTANCES = ['instance', 'session_change']
/** Transaction ids belong to a server; `migrate` settles those of a dump. */
const OF_THE_SERVER = ['xid', 'sealed']

const dump = await readFile(new URL('baseline.sql', import.meta.url), 'utf8')
const database = await testDatabase({ dump })
const { psql } = database

/** The rows of every table as JSON, without what belongs to the server. */
async function contents() {
  const tables = await psql<{ name: string }>(
    `select relname::text as name from pg_class where relnamespace = 'global_logout'::regnamespace and relkind = 'r' order by 1`,
  )
  const rows: Record<string, string[]> = {}
  for (const { name } of tables)
    rows[name] = (
      await psql<{ row: string }>(
        `select (to_jsonb(each) - $1::text[])::text as row from global_logout."${name}" as each order by 1`,
        [OF_THE_SERVER],
      )
    ).map(({ row }) => row)
  return rows
}

t.test('no row is lost or changed by an upgrade', async (t) => {
  const before = await contents()
  for (const [table, rows] of Object.entries(before)) t.not(rows.length, 0, `the dump has rows of ${table}`)
  await migrate(database.url)
  t.equal(await database.run(pendingMigrations), 0)
  t.equal(await migrate(database.url), 0)
  const after = await contents()
  for (const [table, rows] of Object.entries(before))
    if (table === 'migration')
      t.strictSame(
        after[table]?.filter((row) => rows.includes(row)),
        rows,
        'migrations from before',
      )
    else if (!OF_INSTANCES.includes(table)) t.strictSame(after[table], rows, table)
})

t.test('an upgraded database equals a new one', async (t) => {
  const created = await testDatabase()
  t.strictSame(await shapeOf(psql), await shapeOf(created.psql))
  t.strictSame(await database.run(readRights), await created.run(readRights))
})

t.test('the service works on an upgraded database', async (t) => {
  const service = await startService({ database })
  t.match(await verify(database), { operations: 12, links: 12, findings: [] }, 'the audit log is unchanged')

  for (const token of ['ada-phone', 'ada-laptop', 'grace-desk'])
    t.equal(await service.check(token), 200, `${token} is still signed in`)
  for (const token of ['ada-expired', 'ada-signed-out', 'ada-deleted', 'ada-ended', 'eve-phone'])
    t.equal(await service.check(token), 401, `${token} is still signed out`)
  await t.rejects(service.sessions.create({ userId: 'eve', userAgent: null, ipAddress: null }), {
    code: 'user_locked',
  })
  const introspected = await service.http('/introspect', {
    method: 'POST',
    headers: { authorization: 'Bearer glk_upgraded-upgraded-upgraded-upgraded-upgrade' },
    body: new URLSearchParams({ token: 'ada-phone' }),
  })
  t.match(await introspected.json(), { active: true, sub: 'ada' })
  t.equal((await service.as('grace-desk', '/api/admin/audit')).status, 200, 'staff have their role')

  const logout = await service.as('ada-laptop', '/api/logout', json({ scope: 'global' }))
  t.match(await logout.json(), { revoked: { length: 2 } })
  for (const token of ['ada-phone', 'ada-laptop']) t.equal(await service.check(token), 401)
  await seal(database)
  t.match(await verify(database), { operations: 13, links: 13, findings: [] }, 'the chain continues')
})
