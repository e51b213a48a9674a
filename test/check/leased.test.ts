/** Two caching instances on one database: a session that ends is refused at both, however it ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openDatabase } from '../../src/database/database.ts'
import { GATHER_MS, LEASE_MS, RENEW_MS } from '../../src/leases/lease.ts'
import { digestOf, parseNotice, REVOKED } from '../../src/leases/notice.ts'
import { barrierStore, type Carried, instanceStore } from '../../src/leases/queries.ts'
import { currentXid } from '../../src/sessions/queries.ts'
import { writePolicy } from '../../src/sessions/validity.ts'
import { testDatabase } from '../support/database.ts'
import { admin } from '../support/server.ts'
import { json, type ServiceOptions, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const database = await testDatabase({ max: 20 })
const { psql } = database
const env = { CHECK_MODE: 'leased' }
// The test reaps dead instances itself.
const except = ['reaper'] as const
const here = await startService({ database, env, except })
const there = await startService({ database, env, except })
const beside = await startService({ database, except })
await Promise.all([here.answersFromMemory(), there.answersFromMemory()])
const ada = await here.addUser('ada')
/** The least time between two activity updates of a session. In seconds. */
const UPDATE_S = 60

/** A `wrapPool` that tells the name of each statement on the connection of the lease. */
const noteLease =
  (note: (name: string) => unknown): NonNullable<ServiceOptions['wrapPool']> =>
  (pool, pooled) => {
    if (pooled !== 'lease') return pool
    const query: typeof pool.query = (prepared) => {
      note(prepared.name)
      return pool.query(prepared)
    }
    return { ...pool, query }
  }

/** Signs in, and waits until both instances have cached the session. */
async function cachedSession() {
  const { token, id } = await here.signIn(ada)
  await fillCaches(token)
  return { token, id }
}

/** Checks the token until both instances answer from their caches. */
async function fillCaches(token: string): Promise<void> {
  for (const instance of [here, there]) {
    const before = instance.hits()
    await waitFor('an answer from the cache', async () => {
      await instance.check(token)
      return instance.hits() > before
    })
  }
}

/** Resolves with the first answer that is not "valid". */
async function refusal(instance: typeof here, token: string): Promise<number> {
  return await waitFor('an answer other than "valid"', async () => {
    const status = await instance.check(token)
    return status !== 200 && status
  })
}

t.test('a second check does not read the database', async (t) => {
  const { token } = await cachedSession()
  const hits = here.hits()
  for (let n = 0; n < 20; n++) t.equal(await here.check(token), 200)
  t.ok(here.hits() - hits > 0)
})

for (const [who, instance] of [
  ['the same instance', here],
  ['the other instance', there],
  ['an instance in database mode', beside],
] as const) {
  t.test(`after a logout at ${who}, no instance says "valid"`, async (t) => {
    for (const scope of ['local', 'others', 'global']) {
      const [phone, laptop] = [await cachedSession(), await cachedSession()]
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

t.test('metrics show the source of answers, the lease, and how long revocations wait', async (t) => {
  await here.answersFromMemory()
  const metrics = await (await here.http('/metrics')).text()
  t.match(metrics, /^global_logout_leases_held 1$/m)
  t.match(metrics, new RegExp(`source="memory"\\} ${here.hits()}$`, 'm'))
  t.match(metrics, /^global_logout_sessions_in_memory \d+$/m)
  t.match(metrics, /^global_logout_revocation_wait_seconds_count [1-9]/m)
  t.match(await (await beside.http('/metrics')).text(), /revocation_wait/, 'in database mode too')
})

t.test('the operation records how long the logout waited', async (t) => {
  const { token } = await cachedSession()
  // A hanging instance: the others may have acknowledged by the first poll, and then the logout does not wait.
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

t.test(
  'a session that ends outside the service leaves the caches too, at the latest when the lease ends',
  async (t) => {
    const ways: Record<string, (id: string) => Promise<unknown>> = {
      'a row deleted by SQL': (id) => psql('delete from session where id = $1', [id]),
      'expires moved into the past': (id) =>
        psql(`update session set expires = now() at time zone 'utc' - interval '1 s' where id = $1`, [id]),
      'expires shortened, still in the future': (id) =>
        psql(`update session set expires = now() at time zone 'utc' + interval '1.5 s' where id = $1`, [id]),
      'the owner deleted': async (id) => {
        await psql(`insert into "user" (id) values ('guest') on conflict do nothing`)
        await psql(`update session set "userId" = 'guest' where id = $1`, [id])
      },
      'the table truncated': () => psql('truncate session'),
    }
    for (const [way, end] of Object.entries(ways)) {
      const { token, id } = await cachedSession()
      await end(id)
      if (way === 'the owner deleted') {
        // The session changed its owner first, so an answer could still name the new owner.
        await psql(`delete from "user" where id = 'guest'`)
      }
      for (const instance of [here, there]) t.equal(await refusal(instance, token), 401, way)
    }
  },
)

t.test('after a session got another id, answers have the new id', async (t) => {
  const { token, id } = await cachedSession()
  const fresh = crypto.randomUUID()
  await psql('update session set id = $2 where id = $1', [id, fresh])
  const idOf = async () => (await here.as(token, '/check')).headers.get('x-session-id')
  await waitFor('the answer to name the new id', async () => (await idOf()) === fresh)
  t.equal(await idOf(), fresh)
})

t.test('activity is recorded although the answer came from the cache', async (t) => {
  const secondsSinceLastSeen = async (id: string) => {
    const age = 'select extract(epoch from now() - "lastSeenAt")::float8 as age from session where id = $1'
    return (await psql<{ age: number }>(age, [id]))[0]?.age ?? 0
  }
  // A slow machine may read the session when the update is due already, or lose its lease. Then another session is tried.
  await waitFor('activity that is recorded by a check from the cache', async () => {
    const { token, id } = await here.signIn(ada)
    await psql(`update session set "lastSeenAt" = now() - interval '57 s' where id = $1`, [id])
    await sleep(LEASE_MS / 3 + 200)
    t.equal(await here.check(token), 200)
    const readBeforeDue = (await secondsSinceLastSeen(id)) < UPDATE_S
    let fromCache = false
    while ((await secondsSinceLastSeen(id)) > UPDATE_S / 2) {
      const hits = here.hits()
      t.equal(await here.check(token), 200)
      fromCache = here.hits() > hits
      await here.lastSeen.flush()
      await sleep(100)
    }
    return readBeforeDue && fromCache
  })
})

t.test('a shorter lifetime applies to cached sessions at once', async (t) => {
  const { token, id } = await cachedSession()
  const [aged] = await psql<{ xid: string }>(
    `update session set "createdAt" = now() - interval '2 days' where id = $1 returning pg_current_xact_id()::text as xid`,
    [id],
  )
  await here.barrier.wait(aged?.xid ?? '')
  await fillCaches(token)
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

t.test('an instance without its row, or without its listener, gives no stale answer', async (t) => {
  await psql('delete from instance')
  await psql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'global-logout listener'
    and datname = current_database()`)
  await waitFor('both instances to join again', async () => (await psql('select from instance')).length >= 2)
  await Promise.all([here.answersFromMemory(), there.answersFromMemory()])
  const { token } = await cachedSession()
  t.equal((await there.as(token, '/api/logout', json({ scope: 'global' }))).status, 200)
  t.same([await here.check(token), await there.check(token)], [401, 401])
})

t.test('a hanging instance is waited for once, then removed', async (t) => {
  await psql('insert into instance (id, beat) values ($1, 7)', [crypto.randomUUID()])
  const first = await cachedSession()
  const start = performance.now()
  t.equal((await here.as(first.token, '/api/logout', json({ scope: 'local' }))).status, 200)
  t.ok(performance.now() - start > LEASE_MS, 'as long as its lease could last')
  t.equal(await there.check(first.token), 401)
  // The reaper counts from when it first saw the row, a moment after the logout began.
  await waitFor('the row of the hanging instance to be removed', async () => {
    await here.barrier.reapDeadInstances()
    return (await psql('select from instance')).length <= 2
  })
  t.equal((await psql('select from instance')).length, 2, 'its row is removed')
})

t.test('a repeated logout waits too, because its answer makes the same promise', async (t) => {
  const { token } = await cachedSession()
  await psql('insert into instance (id, beat) values ($1, 7)', [crypto.randomUUID()])
  const first = there.as(token, '/api/logout', json({ scope: 'local' }))
  await waitFor('the session to end', async () => (await psql('select from session')).length === 0)
  const start = performance.now()
  t.equal((await beside.as(token, '/api/logout', json({ scope: 'local' }))).status, 200)
  t.ok(performance.now() - start > LEASE_MS / 2)
  t.equal((await first).status, 200)
  await beside.barrier.reapDeadInstances()
})

t.test(
  'joins and heartbeats wait for the disk, whatever the default; acknowledgements never do',
  async (t) => {
    const { url, psql } = await testDatabase()
    // A deferred trigger runs at commit, and sees the effective setting.
    await psql(`create table waits (act text, synchronous_commit text);
    create function note() returns trigger language plpgsql as $$ begin
      insert into global_logout.waits values (case when tg_op = 'INSERT' then 'join' when old.beat < new.beat then 'heartbeat' else 'applied' end,
        current_setting('synchronous_commit'));
      return null; end $$;
    create constraint trigger note after insert or update on instance deferrable initially deferred for each row execute function note()`)
    const defaults = { off: 'on', remote_write: 'on', on: 'on', remote_apply: 'remote_apply' }
    for (const [given, durable] of Object.entries(defaults)) {
      await psql(
        `do $$ begin execute format('alter database %I set synchronous_commit = ${given}', current_database()); end $$`,
      )
      const lease = openDatabase(url, { max: 1 })
      const store = instanceStore(lease)
      const id = crypto.randomUUID()
      await store.add(id)
      const applied = { last: await store.begin(), notices: [] }
      t.equal(await store.heartbeat(id, applied), true)
      t.equal(await store.acknowledge(id, applied), true)
      t.equal(await store.heartbeat(id, applied), true)
      const elsewhere = { last: { ...applied.last, connectionId: 'another' }, notices: [] }
      t.equal(await store.heartbeat(id, elsewhere), false, 'another connection may lead to another server')
      t.equal(await store.acknowledge(id, elsewhere), false, 'another connection may lead to another server')
      await store.remove(id)
      t.equal(await store.heartbeat(id, applied), false, 'without its row, an instance has no heartbeat')
      await lease.close()
      const acts = { join: durable, heartbeat: durable, applied: 'off' }
      const noted = await psql<{ act: string; synchronous_commit: string }>('delete from waits returning *')
      t.equal(noted.length, 4)
      for (const { act, synchronous_commit } of noted)
        t.equal(synchronous_commit, acts[act as keyof typeof acts], `${act}, by default ${given}`)
    }
  },
)

t.test('an instance writes one row a second, and once more for a revocation', async (t) => {
  const counted = await testDatabase()
  const writes: string[] = []
  const service = await startService({
    database: counted,
    env,
    wrapPool: noteLease((name) => writes.push(name)),
  })
  await service.answersFromMemory()
  const heartbeats = () => writes.filter((name) => name === 'heartbeat').length
  // It reads once more when it starts to listen.
  await waitFor('a quiet second', async () => {
    writes.length = 0
    await waitFor('two renewals', () => heartbeats() >= 2)
    return !writes.includes('acknowledge')
  })
  const { token } = await service.signIn(await service.addUser())
  t.equal((await service.as(token, '/api/logout', json({ scope: 'local' }))).status, 200)
  t.ok(writes.includes('acknowledge'), 'a revocation is acknowledged at once')
})

t.test(
  'a notice carries what was revoked since the oldest applied snapshot, if it is not too much',
  async (t) => {
    const { url, psql } = await testDatabase()
    const [pool, lease] = [openDatabase(url), openDatabase(url, { max: 1 })]
    const [store, barrier] = [instanceStore(lease), barrierStore(pool.run)]
    t.teardown(() => Promise.all([pool.close(), lease.close()]))
    await psql(`insert into "user" (id) values ('ada')`)
    const signIn = (token: string) =>
      psql(`insert into session ("sessionToken", "userId", expires) values ($1, 'ada', now() + '1 day')`, [
        token,
      ])
    const revoke = async (where: string) => {
      const [row] = await psql<{ xid: string }>(
        `with ended as (delete from session where ${where}) select pg_current_xact_id()::text as xid`,
      )
      return row?.xid ?? ''
    }
    const join = async () => {
      const id = crypto.randomUUID()
      await store.add(id)
      const applied = { last: await store.begin(), notices: [] as string[] }
      await store.heartbeat(id, applied)
      return { id, applied }
    }
    const heard: string[] = []
    const isLagging = async (id: string, xid: string, carried: Carried | null) =>
      (await barrier.laggingInstances([{ xid, carried }]))[0]?.some((row) => row.id === id)

    await admin(url, async (client) => {
      client.on('notification', ({ payload = '' }) => heard.push(payload))
      await client.query(`listen ${REVOKED}`)
      const notify = async (...xids: string[]) => {
        const carried = await barrier.notify(xids)
        await client.query('select 1')
        return { carried, text: heard.pop() ?? '' }
      }

      await signIn('unknown to all')
      const before = await revoke('true')
      t.same(await notify(before), { carried: null, text: '' }, 'without instances there is none to tell')

      const { id, applied } = await join()
      for (const token of ['first', 'second', 'third']) await signIn(token)
      const first = await revoke(`"sessionToken" = 'first'`)
      await psql(`update session set expires = expires - interval '1 hour' where "sessionToken" = 'third'`)
      const second = await revoke(`"sessionToken" = 'second'`)
      const { carried, text } = await notify(second)
      const notice = parseNotice(text)
      t.equal(notice?.policy, applied.last.policy)
      // A transaction of another test may hold back from where it lists.
      t.same(notice?.tokens.slice(-3), ['first', 'second', 'third'])
      t.same(carried?.digest, digestOf(text))
      t.not((await notify(second)).text, text, 'no notice is like another')

      const status = () => Promise.all([first, second].map((xid) => isLagging(id, xid, carried)))
      t.same(await status(), [true, true])
      await store.acknowledge(id, { ...applied, notices: [digestOf('another')] })
      t.same(await status(), [true, true], 'another notice')
      await store.acknowledge(id, { ...applied, notices: [digestOf('another'), digestOf(text)] })
      t.same(await status(), [false, false])
      t.same(await isLagging(id, second, null), true, 'one that waits for another notice')
      await psql('update instance set applied = $1', ['1:1:'])
      t.same(await status(), [true, true], 'an instance that has not applied what came before the notice')

      await store.heartbeat(id, { ...applied, notices: [digestOf(text)] })
      t.same(await status(), [false, false], 'a heartbeat keeps it')
      await store.heartbeat(id, { last: await store.begin(), notices: [] })
      t.same(await status(), [false, false], 'a snapshot takes its place')
      await waitFor('a notice after all have applied it', async () => {
        await store.heartbeat(id, { last: await store.begin(), notices: [] })
        return parseNotice((await notify(second)).text)?.tokens.length === 0
      })

      await admin(url, async (other) => {
        await other.query('begin')
        const { rows } = await other.query('select pg_current_xact_id()::text as xid')
        t.same(
          await notify(rows[0].xid),
          { carried: null, text: '' },
          'of what is not committed it does not speak',
        )
        await other.query('rollback')
      })
      await psql(`insert into session ("sessionToken", "userId", expires)
      select 'one of many ' || n, 'ada', now() + '1 day' from generate_series(1, 181) n`)
      t.same(await notify(await revoke('true')), { carried: null, text: '' }, 'too many')
    })
  },
)

t.test('an instance that a notice reaches evicts and acknowledges without a read', async (t) => {
  const quiet = await testDatabase()
  const names: string[] = []
  const service = await startService({
    database: quiet,
    env,
    wrapPool: noteLease((name) => names.push(name)),
  })
  await service.answersFromMemory()
  const user = await service.addUser()
  await waitFor('a logout between two renewals', async () => {
    const { token } = await service.signIn(user)
    await service.check(token)
    names.length = 0
    t.equal((await service.as(token, '/api/logout', json({ scope: 'local' }))).status, 200)
    t.equal(await service.check(token), 401)
    return names.length === 1 && names[0] === 'acknowledge'
  })
})

t.test('revocations in quick succession share notifications, and an instance shares its wakes', async (t) => {
  const gathered = await testDatabase()
  let wakes = 0
  const service = await startService({
    database: gathered,
    env,
    wrapPool: noteLease((name) => {
      if (name === 'acknowledge') wakes++
    }),
  })
  await service.answersFromMemory()
  let notifications = 0
  await admin(gathered.url, async (client) => {
    client.on('notification', () => notifications++)
    await client.query(`listen ${REVOKED}`)
    const [ended] = await gathered.psql<{ xid: string }>('select pg_current_xact_id()::text as xid')
    wakes = 0
    const start = performance.now()
    const waits: Promise<unknown>[] = []
    for (; waits.length < 200; await sleep(1)) waits.push(service.barrier.wait(ended?.xid ?? ''))
    await Promise.all(waits)
    await sleep(2 * GATHER_MS)
    const elapsed = performance.now() - start
    t.ok(notifications >= 2, `${notifications} notifications in ${elapsed} ms`)
    t.ok(notifications <= elapsed / GATHER_MS + 1, `${notifications} notifications in ${elapsed} ms`)
    const renewals = elapsed / RENEW_MS + 1
    t.ok(wakes >= 1 && wakes <= elapsed / GATHER_MS + 1 + renewals, `${wakes} wakes in ${elapsed} ms`)
  })
})
