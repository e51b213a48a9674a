/** Two instances that answer from memory, on one database: what is over is over at both, whoever ended it, and how. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { LEASE_MS } from '../../src/leases/lease.ts'
import { currentXid } from '../../src/sessions/queries.ts'
import { writePolicy } from '../../src/sessions/validity.ts'
import { testDatabase } from '../support/database.ts'
import { json, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const database = await testDatabase({ max: 20 })
const { psql } = database
const env = { CHECK_MODE: 'leased' }
// Dead instances are looked for here.
const except = ['reaper'] as const
const here = await startService({ database, env, except })
const there = await startService({ database, env, except })
const beside = await startService({ database, except })
await Promise.all([here.answersFromMemory(), there.answersFromMemory()])
const ada = await here.addUser('ada')

/** Signs in, and has both instances know the session by heart. */
async function knownSession() {
  const { token, id } = await here.signIn(ada)
  await learn(token)
  return { token, id }
}

/** Has both instances answer for it from memory. */
async function learn(token: string): Promise<void> {
  for (const instance of [here, there]) {
    const before = instance.hits()
    await waitFor('an answer from memory', async () => {
      await instance.check(token)
      return instance.hits() > before
    })
  }
}

/** Resolves with what the instance answers when it no longer says "valid". */
async function refusal(instance: typeof here, token: string): Promise<number> {
  return await waitFor('an answer other than "valid"', async () => {
    const status = await instance.check(token)
    return status !== 200 && status
  })
}

t.test('a second check does not read the database', async (t) => {
  const { token } = await knownSession()
  const hits = here.hits()
  for (let n = 0; n < 20; n++) t.equal(await here.check(token), 200)
  t.ok(here.hits() - hits > 0)
})

for (const [who, instance] of [
  ['the instance itself', here],
  ['the other one', there],
  ['one that answers from the database', beside],
] as const) {
  t.test(`after a logout at ${who}, no instance says "valid" any more`, async (t) => {
    for (const scope of ['local', 'others', 'global']) {
      const [phone, laptop] = [await knownSession(), await knownSession()]
      const response = await instance.as(phone.token, '/api/logout', json({ scope }))
      t.equal(response.status, 200)
      const over = { local: [phone], others: [laptop], global: [phone, laptop] }[scope] ?? []
      for (const { token } of over) {
        t.same(
          await Promise.all([here, there, beside].map((each) => each.check(token))),
          [401, 401, 401],
          scope,
        )
      }
    }
  })
}

t.test('operators see where answers come from, the lease, and how long revocations take', async (t) => {
  await here.answersFromMemory()
  const metrics = await (await here.http('/metrics')).text()
  t.match(metrics, /^global_logout_leases_held 1$/m)
  t.match(metrics, new RegExp(`source="memory"\\} ${here.hits()}$`, 'm'))
  t.match(metrics, /^global_logout_sessions_in_memory \d+$/m)
  t.match(metrics, /^global_logout_revocation_wait_seconds_count [1-9]/m)
  t.match(await (await beside.http('/metrics')).text(), /revocation_wait/, 'in database mode too')
})

t.test('the wait is part of the operation', async (t) => {
  const { token } = await knownSession()
  // One that hangs: the others may know at the first look, and then nobody waited.
  await psql('insert into instance (id, beat) values ($1, 7)', [crypto.randomUUID()])
  const response = await there.as(token, '/api/logout', json({ scope: 'local' }))
  await psql('delete from instance where beat = 7 and applied is null')
  const { operationId } = (await response.json()) as { operationId: string }
  const waited = async () =>
    (
      await psql<{ waited_ms: number | null }>('select waited_ms from operation where id = $1', [operationId])
    )[0]?.waited_ms
  await waitFor('the time it waited to be recorded', async () => (await waited()) !== null)
  const waitedMs = await waited()
  t.ok(typeof waitedMs === 'number' && waitedMs >= 0, String(waitedMs))
})

t.test('what ends outside the service ends from memory too, at the latest when the lease does', async (t) => {
  const ways: Record<string, (id: string) => Promise<unknown>> = {
    'a row deleted by SQL': (id) => psql('delete from session where id = $1', [id]),
    'expires moved into the past': (id) =>
      psql(`update session set expires = now() at time zone 'utc' - interval '1 s' where id = $1`, [id]),
    'expires shortened while it lives': (id) =>
      psql(`update session set expires = now() at time zone 'utc' + interval '1.5 s' where id = $1`, [id]),
    'the owner deleted': async (id) => {
      await psql(`insert into "user" (id) values ('guest') on conflict do nothing`)
      await psql(`update session set "userId" = 'guest' where id = $1`, [id])
    },
    'the table truncated': () => psql('truncate session'),
  }
  for (const [way, end] of Object.entries(ways)) {
    const { token, id } = await knownSession()
    await end(id)
    if (way === 'the owner deleted') {
      // It changed hands first: then the answer names the new owner, or nobody.
      await psql(`delete from "user" where id = 'guest'`)
    }
    for (const instance of [here, there]) t.equal(await refusal(instance, token), 401, way)
  }
})

t.test('a session that got another id is answered with it', async (t) => {
  const { token, id } = await knownSession()
  const fresh = crypto.randomUUID()
  await psql('update session set id = $2 where id = $1', [id, fresh])
  const idOf = async () => (await here.as(token, '/check')).headers.get('x-session-id')
  await waitFor('the answer to name the new id', async () => (await idOf()) === fresh)
  t.equal(await idOf(), fresh)
})

t.test('a use is recorded though the answer came from memory', async (t) => {
  const { token, id } = await here.signIn(ada)
  await psql(`update session set "lastSeenAt" = now() - interval '57 s' where id = $1`, [id])
  await sleep(LEASE_MS / 3 + 200)
  t.equal(await here.check(token), 200, 'read, before a use is due to be recorded')
  const hits = here.hits()
  for (let age = 60; age > 30; ) {
    t.equal(await here.check(token), 200)
    await here.lastSeen.flush()
    const [row] = await psql<{ age: number }>(
      'select extract(epoch from now() - "lastSeenAt")::float8 as age from session where id = $1',
      [id],
    )
    age = row?.age ?? 0
    await sleep(100)
  }
  t.ok(here.hits() > hits, 'and the answers came from memory')
})

t.test('a shorter lifetime holds at once for what is in memory', async (t) => {
  const { token, id } = await knownSession()
  const [aged] = await psql<{ xid: string }>(
    `update session set "createdAt" = now() - interval '2 days' where id = $1 returning pg_current_xact_id()::text as xid`,
    [id],
  )
  await here.barrier.wait(aged?.xid ?? '')
  await learn(token)
  const xid = await database.transaction(async (tx) => {
    await writePolicy(tx, { idleTimeoutSeconds: 3600, maxAgeSeconds: 86_400 })
    return currentXid(tx)
  })
  await here.barrier.wait(xid)
  t.same([await here.check(token), await there.check(token)], [401, 401])
  await database.transaction((tx) =>
    writePolicy(tx, { idleTimeoutSeconds: 7 * 86_400, maxAgeSeconds: 30 * 86_400 }),
  )
  await Promise.all([here.answersFromMemory(), there.answersFromMemory()])
})

t.test('when a life begins, checks no longer read from connections of the one before', async (t) => {
  const pid = async () =>
    (await database.query<[number]>({ name: 'pid', text: 'select pg_backend_pid()', values: [] }))[0]?.[0]
  const before = new Set(await Promise.all(Array.from({ length: 20 }, pid)))
  database.reconnect()
  for (const after of await Promise.all(Array.from({ length: 20 }, pid))) t.notOk(before.has(after))
})

t.test(
  'an instance whose row is gone, and one that hears nothing, go on without a stale answer',
  async (t) => {
    await psql('delete from instance')
    await psql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'global-logout listener'
    and datname = current_database()`)
    await waitFor(
      'both instances to join again',
      async () => (await psql('select from instance')).length >= 2,
    )
    await Promise.all([here.answersFromMemory(), there.answersFromMemory()])
    const { token } = await knownSession()
    t.equal((await there.as(token, '/api/logout', json({ scope: 'global' }))).status, 200)
    t.same([await here.check(token), await there.check(token)], [401, 401])
  },
)

t.test('an instance that hangs is waited for once, and buried', async (t) => {
  await psql('insert into instance (id, beat) values ($1, 7)', [crypto.randomUUID()])
  const first = await knownSession()
  const start = performance.now()
  t.equal((await here.as(first.token, '/api/logout', json({ scope: 'local' }))).status, 200)
  t.ok(performance.now() - start > LEASE_MS, 'as long as its lease may last')
  t.equal(await there.check(first.token), 401)
  // It is known to hang for as long as it was seen to, and the logout began a moment before it was first seen.
  await waitFor('the row of the instance that hangs to be gone', async () => {
    await here.barrier.reapDeadInstances()
    return (await psql('select from instance')).length <= 2
  })
  t.equal((await psql('select from instance')).length, 2, 'then its row is gone')
})

t.test('a repeated logout waits as well: its answer claims as much', async (t) => {
  const { token } = await knownSession()
  await psql('insert into instance (id, beat) values ($1, 7)', [crypto.randomUUID()])
  const unheard = there.as(token, '/api/logout', json({ scope: 'local' }))
  await waitFor('the session to end', async () => (await psql('select from session')).length === 0)
  const start = performance.now()
  t.equal((await beside.as(token, '/api/logout', json({ scope: 'local' }))).status, 200)
  t.ok(performance.now() - start > LEASE_MS / 2)
  t.equal((await unheard).status, 200)
  await beside.barrier.reapDeadInstances()
})
