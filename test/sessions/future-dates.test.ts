/**
 * No timestamp of an event may lie in the future, so a session cannot stay young or count as a recent sign-in
 * for ever.
 */
import t from 'tap'
import { updateLastSeen } from '../../src/sessions/queries.ts'
import { json, startService } from '../support/service.ts'

const service = await startService()
const { database, signIn, addUser } = service
const { psql } = database
const AHEAD = ['9000-01-01', 'infinity', '10000-01-01', '294276-12-31']

t.test('a session cannot be dated into the future, neither at its sign-in nor later', async (t) => {
  const user = await addUser()
  const { id } = await signIn(user)
  for (const column of ['createdAt', 'lastSeenAt']) {
    for (const at of [...AHEAD.map((at) => `'${at}'`), `now() + interval '2 minutes'`]) {
      const refusal = { code: '23514', column, message: `"${column}" of "session" lies in the future` }
      const insert = psql(
        `insert into session ("sessionToken", "userId", expires, "${column}") values (gen_random_uuid(), $1, 'infinity', ${at})`,
        [user],
      )
      await t.rejects(insert, refusal, at)
      await t.rejects(psql(`update session set "${column}" = ${at} where id = $1`, [id]), refusal, at)
    }
    await psql(`update session set "${column}" = now() + interval '30 seconds' where id = $1`, [id])
  }
})

t.test('other recorded events cannot be dated into the future either', async (t) => {
  const user = await addUser()
  const columns: Record<string, [columns: string[], insert: string]> = {
    replay: [['at'], `(session_id, user_id, %) values (gen_random_uuid(), '${user}', $1)`],
    service_key: [
      ['created_at', 'last_used_at', 'revoked_at'],
      `(name, key_hash, scopes, %) values ('x', gen_random_uuid(), '{}', $1)`,
    ],
    user_lock: [['locked_at'], `(user_id, reason, %) values ('${user}', 'x', $1)`],
    staff: [['granted_at'], `(user_id, role, %) values ('${user}', 'auditor', $1)`],
    incident: [
      ['planned_at', 'started_at', 'finished_at'],
      `(state, reason, selection, actor_kind, expires_at, planned_sessions, planned_users, staff_sessions, sample, %)
        values ('planned', 'x', '{}', 'staff', now(), 1, 1, 0, '[]', $1)`,
    ],
  }
  for (const [table, [named, insert]] of Object.entries(columns))
    for (const column of named)
      await t.rejects(
        psql(`insert into ${table} ${insert.replace('%', column)}`, ['9000-01-01']),
        { code: '23514', table, column },
        `${table}.${column}`,
      )
})

t.test('after a clock was set back, an older session can still be used, extended and ended', async (t) => {
  const { id, token } = await signIn(await addUser())
  await psql(`begin; alter table session disable trigger session_not_from_the_future;
    update session set "createdAt" = now() + interval '1 hour', "lastSeenAt" = now() - interval '1 hour' where id = '${id}';
    alter table session enable trigger session_not_from_the_future; commit`)
  await database.run((db) => updateLastSeen(db, [id]))
  await psql(
    `update session set expires = expires + interval '1 day', "createdAt" = "createdAt" where id = $1`,
    [id],
  )
  t.match(
    await psql(`select "lastSeenAt" > now() - interval '1 minute' as seen from session where id = $1`, [id]),
    [{ seen: true }],
  )
  t.equal((await service.as(token, '/api/logout', json({ scope: 'local' }))).status, 200)
  t.equal((await psql('select from revoked_session where session_id = $1', [id])).length, 1)
})

t.test('a sign-in dated ahead of the clock does not count as recent', async (t) => {
  const id = await addUser()
  await psql(`insert into staff (user_id, role) values ($1, 'security')`, [id])
  const { token, id: sessionId } = await signIn(id)
  const revoke = () => service.as(token, `/api/admin/users/${id}/revoke`, json({ reason: 'drill' }))
  const [row] = await psql(
    `update session set "createdAt" = now() + interval '50 seconds' where id = $1 returning "createdAt"`,
    [sessionId],
  )
  t.ok(row)
  t.match(await (await revoke()).json(), { code: 'sign_in_again' })
  await psql(`update session set "createdAt" = now() - interval '1 minute' where id = $1`, [sessionId])
  t.equal((await revoke()).status, 200)
})
