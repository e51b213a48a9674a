/**
 * A dump restored into another server contains ids of transactions that this server has not run. Readers that
 * find new rows by transaction id would silently find none for a long time, or the same rows forever.
 */
import t from 'tap'
import { migrate } from '../../src/database/migrate.ts'
import { readFeed } from '../../src/feed/queries.ts'
import { instanceStore } from '../../src/leases/queries.ts'
import { seal, verify } from '../../src/staff/audit/chain.ts'
import { carryOut } from '../../src/staff/incidents/runner.ts'
import { addSessions, addsUp, begin } from '../support/incidents.ts'
import { startService } from '../support/service.ts'

// The test runs sealing and incidents step by step.
const service = await startService({ except: ['sealer', 'incidents'] })
const { database, barrier } = service
const { psql } = database
const ahead = (by: number) => `(pg_snapshot_xmax(pg_current_snapshot())::text::bigint + ${by})::text::xid8`

/** Makes the data look as if it came from a server with `by` more transactions. */
async function comeFromElsewhere(by: number) {
  await psql(`update revoked_session set xid = ${ahead(by)}`)
  await psql(`update operation set xid = ${ahead(by)}`)
  await psql(`insert into replay (session_id, user_id, xid) values (gen_random_uuid(), 'ada', ${ahead(by)})`)
  await psql(`insert into session_change (session_token, xid) values ('x', ${ahead(by)})`)
  await psql(`insert into instance (id, applied)
    select gen_random_uuid(), (x || ':' || x || ':')::pg_snapshot from (select ${ahead(by)}::text as x) as far`)
  await psql(
    `update audit_head set sealed = (x || ':' || x || ':')::pg_snapshot from (select ${ahead(by)}::text as x) as far`,
  )
  await psql(`update feed_horizon set xid = ${ahead(by)}`)
}
async function end(userId: string) {
  await service.addUser(userId)
  await service.signIn(userId)
  return service.accounts.revoke(userId, { reason: 'a test' }, { actorKind: 'staff', actorId: 'eve' })
}
/** Starts as the service does, with its role. @returns whether anything had to be settled. */
async function start(): Promise<boolean> {
  const url = new URL(database.url)
  url.searchParams.set('options', '-c role=global_logout_service')
  let settled = false
  t.equal(
    await migrate(url.href, () => {
      settled = true
    }),
    0,
  )
  return settled
}

t.test('a database that was not restored is left unchanged', async (t) => {
  await end('ada')
  await seal(database)
  const rows = () => psql('select xmin::text from operation union all select xmin::text from audit_head')
  const before = await rows()
  t.notOk(await start())
  t.same(await rows(), before)
})

t.test('after a restore nothing is sealed until a start settles it, and then everything is', async (t) => {
  const { operationId: unsealed } = await end('bob')
  await comeFromElsewhere(1_000_000_000)
  const { operationId: since } = await end('cleo')
  await t.rejects(seal(database), /restored from another server.*global-logout migrate/)
  await t.rejects(verify(database), /restored from another server/)
  t.ok(await start())
  t.notOk(await start(), 'once')
  t.match(await verify(database), { findings: [], operations: 3, links: 3 })
  const links = await psql<{ id: string }>('select operation_id as id from audit_link order by seq')
  t.same(
    links.slice(1).map(({ id }) => id),
    [unsealed, since],
  )
})

t.test('the feed has the events after the restore, and none from before', async (t) => {
  await comeFromElsewhere(1_000_000_000)
  const blind = await readFeed(database.query, null)
  const databaseId = { databaseId: blind.databaseId, last: blind.upper }
  t.ok((await readFeed(database.query, databaseId)).tooOld, 'before a start, the feed cannot be followed')
  t.ok(await start())
  const now = await readFeed(database.query, null)
  await end('dora')
  const { rows, tooOld } = await readFeed(database.query, { databaseId: now.databaseId, last: now.upper })
  t.notOk(tooOld)
  t.match(rows, [{ type: 'session.revoked', userId: 'dora' }])
  t.equal(rows.length, 1)
})

t.test('a caching instance does not read old revocations forever', async (t) => {
  await comeFromElsewhere(1_000_000_000)
  const news = async () => {
    const { snapshot } = await instanceStore(database).begin()
    return (await instanceStore(database).changes(snapshot)).tokens
  }
  t.ok(((await news()) ?? []).length > 0, 'before a start it does')
  t.ok(await start())
  t.same(await news(), [])
  t.same(await psql('select from session_change'), [])
  t.same(await psql('select from instance'), [], 'no revocation waits for an instance of another server')
})

t.test('an incident counts what it ended, not rows of a restored transaction with the same id', async (t) => {
  await addSessions(service, 'old', { users: 1, each: 300 })
  await psql('delete from session')
  // One row for each of the next transaction ids.
  await psql(`update revoked_session r set xid = (${ahead(0)}::text::bigint + n.n)::text::xid8
    from (select id, row_number() over () as n from revoked_session) n where n.id = r.id`)
  t.ok(await start())
  await addSessions(service, 'hit', { users: 2, each: 30 })
  const id = await begin(service, { userAgent: 'hit' })
  t.ok(await carryOut(database, barrier, id, { batch: 1 }))
  await addsUp(t, service, id, { endedPlanned: 60, users: 2 })
})
