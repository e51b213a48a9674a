/** A lock and a role belong to a user id: deleting, recreating or renaming the user removes neither. */
import pg from 'pg'
import t from 'tap'
import type { Actor } from '../../../src/operations/record.ts'
import { runHere } from '../../support/command.ts'
import { SEARCH_PATH } from '../../support/server.ts'
import { json, startService } from '../../support/service.ts'
import { waitFor } from '../../support/within.ts'

const service = await startService()
const { database, accounts, addUser, signIn } = service
const { psql } = database
const by: Actor = { actorKind: 'system', actorId: 'cli:eve' }
const insertSession = (userId: string) =>
  psql(
    `insert into session ("sessionToken", "userId", expires) values (gen_random_uuid()::text, $1, now() + interval '1 day')`,
    [userId],
  )
const { headers } = await service.keyFor('security')
async function lockedUser(name: string) {
  const id = await addUser(`${name}-${crypto.randomUUID()}`)
  await accounts.revoke(id, { reason: 'stolen', lockSeconds: null }, by)
  return id
}

t.test('a locked user who is deleted and created again still cannot sign in', async (t) => {
  const ada = await lockedUser('ada')
  await psql('delete from "user" where id = $1', [ada])
  await addUser(ada)
  await t.rejects(insertSession(ada), { code: 'GL001' })
  await t.rejects(signIn(ada), { code: 'user_locked' })
  t.match(await accounts.show(ada), { user: { lock: { reason: 'stolen' }, deleted: false } })
})

t.test('staff who are deleted and created again keep their role until it is removed on record', async (t) => {
  const grace = await addUser()
  await accounts.setRole(grace, 'security', 'on call', by)
  await psql('delete from "user" where id = $1', [grace])
  t.match((await accounts.show(grace)).user, { role: 'security', deleted: true })
  await addUser(grace)
  const { token } = await signIn(grace)
  t.equal((await service.as(token, '/api/admin/users?q=x')).status, 200)
  await psql('delete from "user" where id = $1', [grace])
  const { operationId, before } = await accounts.setRole(grace, null, 'left', by)
  t.equal(before, 'security')
  t.match(await psql('select kind, user_id from operation where id = $1', [operationId]), [
    { kind: 'user.role', user_id: grace },
  ])
  await t.rejects(accounts.show(grace), { code: 'user_not_found' }, 'the id is unknown now')
})

t.test('truncating the table of users with cascade keeps locks and roles', async (t) => {
  const [ada, grace] = [await lockedUser('ada'), await addUser()]
  await accounts.setRole(grace, 'auditor', 'new', by)
  await psql('truncate "user" cascade')
  await addUser(ada)
  await t.rejects(insertSession(ada), { code: 'GL001' })
  t.equal((await accounts.show(grace)).user.role, 'auditor')
})

t.test('the id of a user with a lock or a role cannot change; any other id can', async (t) => {
  const [ada, grace, bob] = [await lockedUser('ada'), await addUser(), await addUser()]
  await accounts.setRole(grace, 'auditor', 'new', by)
  for (const id of [ada, grace])
    await t.rejects(psql(`update "user" set id = id || '2' where id = $1`, [id]), { code: '23001' })
  await psql(`update "user" set id = id || '2' where id = $1`, [bob])
  await accounts.unlock(ada, null, by)
  await psql(`update "user" set id = id || '2' where id = $1`, [ada])
})

t.test('staff can unlock a deleted user by API, command line and console', async (t) => {
  const path = (id: string, rest: string) => `/api/admin/users/${encodeURIComponent(id)}/${rest}`
  const deleted = async () => {
    const id = await lockedUser('gone')
    await psql('delete from "user" where id = $1', [id])
    return id
  }
  const lockOf = (id: string) => psql('select from user_lock where user_id = $1', [id])

  const first = await deleted()
  const found = await (await service.http(`/api/admin/users?q=${first}`, { headers })).json()
  t.match(found, { users: [{ id: first, deleted: true, lock: { reason: 'stolen' } }] })
  t.equal((await service.http(path(first, 'sessions'), { headers })).status, 200)
  const longer = json({ reason: 'again', lockFor: 'forever' })
  t.equal(
    (await service.http(path(first, 'revoke'), { ...longer, headers: { ...headers, ...longer.headers } }))
      .status,
    200,
  )
  t.equal((await service.http(path(first, 'lock'), { method: 'DELETE', headers })).status, 200)
  t.same(await lockOf(first), [])
  t.equal((await service.http(path(first, 'lock'), { method: 'DELETE', headers })).status, 404)

  const second = await deleted()
  const command = async (...args: string[]) => {
    const started = runHere(args, { env: { DATABASE_URL: database.url } })
    return { code: await started.ended, output: started.output() }
  }
  t.match(await command('user', 'find', second), { code: 0, output: /\(deleted\)/ })
  t.match(await command('user', 'show', second), {
    code: 0,
    output: /deleted; lock and role are kept by id/,
  })
  t.match(await command('unlock', second, '--yes'), { code: 0 })
  t.same(await lockOf(second), [])

  const third = await deleted()
  const grace = await addUser()
  await accounts.setRole(grace, 'security', 'on call', by)
  const { token } = await signIn(grace)
  const query = new URLSearchParams({ id: third })
  t.match(await (await service.as(token, `/admin/users?q=${third}`)).text(), /deleted/)
  t.match(await (await service.as(token, `/admin/user?${query}`)).text(), /deleted/)
  const form = {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'reason=mistake',
  }
  t.equal((await service.as(token, `/admin/user/unlock?${query}`, form)).status, 303)
  t.same(await lockOf(third), [])
})

t.test('a deleted user who is created and signed in while being locked is ended or refused', async (t) => {
  for (const first of ['sign-in', 'lock'] as const) {
    const grace = await addUser()
    await accounts.setRole(grace, 'auditor', 'new', by)
    await psql('delete from "user" where id = $1', [grace])
    const client = new pg.Client({ connectionString: database.url, options: SEARCH_PATH })
    await client.connect()
    try {
      await client.query('begin')
      if (first === 'sign-in') {
        await client.query('insert into "user" (id) values ($1)', [grace])
        await client.query(
          `insert into session ("sessionToken", "userId", expires) values ($1, $1, now() + interval '1 day')`,
          [grace],
        )
      }
      let over = false
      const locking = accounts.revoke(grace, { reason: 'stolen', lockSeconds: null }, by).finally(() => {
        over = true
      })
      const waits = () =>
        psql(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
      await waitFor('the lock to wait or end', async () => over || (await waits()).length > 0)
      if (first === 'lock') {
        await client.query('insert into "user" (id) values ($1)', [grace])
        const insert = client.query(
          `insert into session ("sessionToken", "userId", expires) values ($1, $1, now() + interval '1 day')`,
          [grace],
        )
        await t.rejects(insert, { code: 'GL001' })
        await client.query('rollback')
      } else await client.query('commit')
      t.equal((await locking).revoked.length, first === 'sign-in' ? 1 : 0)
    } finally {
      await client.end()
    }
    t.same(await psql('select from session where "userId" = $1', [grace]), [], first)
  }
})

t.test('many deleted users can be locked at once', async (t) => {
  const ids = await Promise.all(Array.from({ length: 8 }, () => lockedUser('many')))
  for (const id of ids) await psql('delete from "user" where id = $1', [id])
  const again = ids.map((id) => accounts.revoke(id, { reason: 'left', lockSeconds: 3600 }, by))
  t.equal((await Promise.all(again)).length, 8)
  await psql('delete from user_lock where user_id = any ($1)', [ids])
  const lock = (id: string) => psql(`insert into user_lock (user_id, reason) values ($1, 'left')`, [id])
  await Promise.all(ids.map(lock))
})
