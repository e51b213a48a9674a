/** A reused revoked token is refused and recorded as a replay; expired and unknown tokens are not. */

import { connect } from 'node:net'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { claimJob } from '../../../src/database/jobs.ts'
import { generateSessionToken } from '../../../src/sessions/tokens.ts'
import { createReplays } from '../../../src/staff/replays/replays.ts'
import { addUse, type Sender } from '../../../src/staff/replays/token-uses.ts'
import { runHere } from '../../support/command.ts'
import { hold } from '../../support/hold.ts'
import { strictLog } from '../../support/log.ts'
import { json, NEVER_MS, startService } from '../../support/service.ts'
import { waitFor, within } from '../../support/within.ts'

const service = await startService({ env: { TRUST_PROXY: '127.0.0.1' }, replayFlushMs: NEVER_MS })
const { database, addUser, signIn, http, as } = service
const THIEF = { 'x-forwarded-for': '198.51.100.66', 'user-agent': 'thief <script>' }

/** A token whose owner has signed out. */
async function revoked(userId: string) {
  const session = await signIn(userId)
  await as(session.token, '/api/logout', json({ scope: 'local' }))
  return session
}
const alarms = (userId: string) =>
  database.psql(
    `select session_id, count, ip_address, user_agent, same_address, same_program from replay
      where user_id = $1 order by id`,
    [userId],
  )

t.test('replays of a revoked token are recorded once a minute, with the count and the source', async (t) => {
  for (const env of [{ TRUST_PROXY: '127.0.0.1' }, { TRUST_PROXY: '127.0.0.1', CHECK_MODE: 'leased' }]) {
    const log: string[] = []
    const service = await startService({ database, env, replayFlushMs: NEVER_MS, log })
    if (env.CHECK_MODE) await service.answersFromMemory()
    const ada = await addUser()
    const { token, id } = await revoked(ada)
    const headers = { ...THIEF, authorization: `Bearer ${token}` }
    const check = async () => {
      const answer = await service.http('/check', { headers })
      return answer.status !== 503 && answer
    }
    const asked = Array.from({ length: 5 }, () => waitFor('a check that is decided', check))
    for (const response of await Promise.all(asked)) {
      t.equal(response.status, 401)
      t.equal(response.headers.get('www-authenticate'), 'Bearer error="invalid_token"')
    }
    await service.replays.flush()
    t.equal((await service.http('/check', { headers })).status, 401)
    await service.replays.flush()
    const alarm = {
      ...{ session_id: id, count: 5, ip_address: '198.51.100.66', user_agent: 'thief <script>' },
      ...{ same_address: false, same_program: false },
    }
    t.same(await alarms(ada), [alarm], 'the sixth waits for the next record')
    const told = log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'revoked token used again')
    t.match(told, [{ level: 40, sessionId: id, uses: 5, sameAddress: false, sameProgram: false }])
    t.equal(told.length, 1)
    t.notMatch(JSON.stringify(told), /198\.51|thief/)
    t.same(service.replays.counts, { same_device: 0, other_device: 5 })
  }
})

t.test('every route that refuses the token records the replay, with the client address', async (t) => {
  const routes: [string, RequestInit, number][] = [
    ['/check/orders?x=1', {}, 401],
    ['/api/session', {}, 401],
    ['/api/sessions', {}, 401],
    [`/api/sessions/${crypto.randomUUID()}`, { method: 'DELETE' }, 401],
    ['/api/logout', json({ scope: 'global' }), 401],
    ['/', {}, 303],
    ['/logout', {}, 303],
    ['/api/admin/users?q=x', {}, 401],
    ['/api/admin/users/x/revoke', json({ reason: 'x' }), 401],
  ]
  for (const [path, init, status] of routes) {
    const ada = await addUser()
    const { token } = await revoked(ada)
    const response = await as(token, path, {
      ...init,
      headers: {
        'sec-fetch-site': 'same-origin',
        ...init.headers,
        ...THIEF,
        cookie: `${service.cookieName}=${token}`,
      },
    })
    t.equal(response.status, status, path)
    await service.replays.flush()
    t.match(
      await alarms(ada),
      [{ count: 1, ip_address: '198.51.100.66', user_agent: 'thief <script>' }],
      path,
    )
  }
})

t.test('X-Forwarded-For is used from trusted proxies only, at /check as elsewhere', async (t) => {
  const direct = await startService({ database, replayFlushMs: NEVER_MS })
  const ada = await addUser()
  for (const path of ['/check', '/api/session']) {
    const { token } = await revoked(ada)
    await direct.http(path, { headers: { ...THIEF, authorization: `Bearer ${token}` } })
  }
  await direct.replays.flush()
  t.match(await alarms(ada), [{ ip_address: '127.0.0.1' }, { ip_address: '127.0.0.1' }])
  const odd = await revoked(ada)
  const forwarded = '203.0.113.1, nonsense'
  await http('/check', { headers: { 'x-forwarded-for': forwarded, authorization: `Bearer ${odd.token}` } })
  await service.replays.flush()
  t.match(
    (await alarms(ada)).at(-1),
    { session_id: odd.id, ip_address: null },
    'an invalid address is recorded as null',
  )
})

t.test('unknown and expired tokens, and tokens last used for their own logout, are no replays', async (t) => {
  const ada = await addUser()
  const expired = await signIn(ada)
  await database.psql(`update session set "lastSeenAt" = now() - interval '30 days' where id = $1`, [
    expired.id,
  ])
  await database.psql('delete from revoked_session where session_id = $1', [expired.id])
  const { token } = await revoked(ada)
  await as(token, '/api/logout', json({ scope: 'local' }))
  for (const wrong of [expired.token, 'unknown', generateSessionToken()])
    t.equal(await service.check(wrong), 401)
  await service.replays.flush()
  t.same(await alarms(ada), [])
})

t.test('later replays are counted in the next record, which also has a second address', async (t) => {
  const ada = await addUser()
  const { token, id } = await revoked(ada)
  let now = 0
  const replays = createReplays(database, strictLog(t, 'revoked token used again'), () => now)
  const from = (ipAddress: string) => replays.refused(token, { ipAddress, userAgent: ipAddress })
  const aMinuteLater = async () => {
    now += 60_001
    await database.psql(`update replay set at = at - interval '61 seconds' where session_id = $1`, [id])
  }
  from('192.0.2.1')
  await replays.flush()
  for (const address of ['192.0.2.1', '192.0.2.66', '192.0.2.1']) from(address)
  await replays.flush()
  t.equal((await alarms(ada)).length, 1, 'not within the minute')
  await aMinuteLater()
  await replays.flush()
  t.match(await alarms(ada), [
    { count: 1, ip_address: '192.0.2.1', user_agent: '192.0.2.1' },
    { count: 3, ip_address: '192.0.2.66', user_agent: '192.0.2.66' },
  ])
  await aMinuteLater()
  await replays.flush()
  t.equal((await alarms(ada)).length, 2, 'without further replays there is no new record')
  await replays.close()
})

t.test('instances that see replays together share one record a minute, and lose no count', async (t) => {
  const ada = await addUser()
  const { token, id } = await revoked(ada)
  let now = 0
  const instances = Array.from({ length: 4 }, () =>
    createReplays(database, strictLog(t, 'revoked token used again'), () => now),
  )
  for (const instance of instances) instance.refused(token, { ipAddress: '192.0.2.1' })
  await Promise.all(instances.map((instance) => instance.flush()))
  t.match(await alarms(ada), [{ count: 1 }])
  for (let records = 2; records <= 4; records++) {
    now += 60_001
    await database.psql(`update replay set at = at - interval '61 seconds' where session_id = $1`, [id])
    for (const instance of instances) await instance.flush()
    t.same(
      (await alarms(ada)).map(({ count }) => count),
      new Array(records).fill(1),
    )
  }
  await Promise.all(instances.map((instance) => instance.close()))
})

t.test('a flood of random tokens runs one bounded query at a time, and fills no table', async (t) => {
  const sizes: number[] = []
  const counting = {
    transaction: (work: Parameters<typeof database.transaction>[0]) =>
      database.transaction((tx) =>
        work(
          Object.assign(Object.create(tx), {
            execute: (query: Parameters<typeof tx.execute>[0]) => {
              sizes.push(1)
              return tx.execute(query)
            },
          }),
        ),
      ),
  } as typeof database
  const before = await database.psql('select from replay')
  const replays = createReplays(counting, strictLog(t, 'revoked token used again'))
  for (let i = 0; i < 50_000; i++)
    replays.refused(`guess ${i}`, { ipAddress: '192.0.2.9', userAgent: 'x'.repeat(9000) })
  await replays.flush()
  t.ok(sizes.length <= 2, `${sizes.length} statements`)
  const ada = await addUser()
  const { token } = await revoked(ada)
  replays.refused(token, {})
  for (let i = 0; i < 6 && (await alarms(ada)).length === 0; i++) await replays.flush()
  t.match(
    await alarms(ada),
    [{ count: 1, ip_address: null, user_agent: null }],
    'after the flood, replays are recorded again',
  )
  await replays.close()
  t.equal((await database.psql('select from replay')).length, before.length + 1)
})

/** The device that `signIn` records. */
const OWN = { ipAddress: '203.0.113.7', userAgent: 'test' }

/** Replays with a simulated clock; `later` advances it, and moves the end of the session back by as much. */
function withClock(t: Test, sessionId: string) {
  let now = 0
  const replays = createReplays(database, strictLog(t, 'revoked token used again'), () => now, 3_600_000)
  t.teardown(() => replays.close())
  return {
    ...replays,
    later: async (seconds: number) => {
      now += seconds * 1000
      const back = `- interval '${seconds} seconds'`
      await database.psql(
        `update revoked_session set revoked_at = revoked_at ${back} where session_id = $1`,
        [sessionId],
      )
      await database.psql(`update replay set at = at ${back} where session_id = $1`, [sessionId])
    },
  }
}

t.test("the owner's device, asking twice within seconds of a logout elsewhere, is no replay", async (t) => {
  for (const between of [true, false]) {
    const ada = await addUser()
    const { token, id } = await revoked(ada)
    const replays = withClock(t, id)
    replays.refused(token, OWN)
    if (between) await replays.flush()
    await replays.later(3)
    replays.refused(token, OWN)
    for (let minutes = 0; minutes < 3; minutes++) {
      await replays.later(61)
      await replays.flush()
    }
    t.same(await alarms(ada), [], between ? 'one query for each request' : 'one query for both requests')
  }
})

t.test("requests of the owner's device count only after the first minute", async (t) => {
  const ada = await addUser()
  const { token, id } = await revoked(ada)
  const replays = withClock(t, id)
  for (const seconds of [0, 3, 30, 20, 5, 5, 30]) {
    await replays.later(seconds)
    replays.refused(token, OWN)
  }
  await replays.flush()
  const own = { ip_address: OWN.ipAddress, user_agent: OWN.userAgent, same_address: true, same_program: true }
  t.same(await alarms(ada), [{ session_id: id, count: 2, ...own }], 'after 63 and 93 seconds')
})

t.test("a thief within the first minute is recorded at once, without the owner's device", async (t) => {
  const ada = await addUser()
  const { token, id } = await revoked(ada)
  const replays = withClock(t, id)
  replays.refused(token, OWN)
  await replays.flush()
  for (const from of [OWN, { ...OWN, ipAddress: '192.0.2.66' }, OWN]) replays.refused(token, from)
  await replays.flush()
  t.match(await alarms(ada), [
    { count: 1, ip_address: '192.0.2.66', same_address: false, same_program: true },
  ])
})

t.test("if a thief and the owner's device replay the token, the record names the thief", async (t) => {
  const ada = await addUser()
  const { token, id } = await revoked(ada)
  const replays = withClock(t, id)
  await replays.later(61)
  for (const from of [OWN, OWN, { ...OWN, userAgent: 'curl' }, OWN]) replays.refused(token, from)
  await replays.flush()
  t.match(await alarms(ada), [{ count: 4, user_agent: 'curl', same_address: true, same_program: false }])
})

t.test('the time of a request is when it arrived, however long its answer took', async (t) => {
  const ada = await addUser()
  const { token, id } = await revoked(ada)
  const replays = withClock(t, id)
  await replays.later(61)
  replays.refused(token, OWN, 1_700)
  await replays.flush()
  t.same(await alarms(ada), [])
})

t.test('a client that disconnects before the answer is recorded with its address', async (t) => {
  const direct = await startService({ database, replayFlushMs: NEVER_MS })
  for (const path of ['/check', '/api/session']) {
    const ada = await addUser()
    const { token } = await revoked(ada)
    const holder = await hold(database, 'lock table session in access exclusive mode')
    const socket = connect(Number(new URL(direct.base).port), '127.0.0.1')
    socket.write(`GET ${path} HTTP/1.1\r\nhost: app\r\nauthorization: Bearer ${token}\r\n\r\n`)
    // The jobs of the service may wait for the table, too.
    const asks = `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query ~ 'check_tokens|sessionToken'`
    await waitFor('the check to be held', async () => (await database.psql(asks)).length > 0)
    socket.destroy()
    const { server } = direct.app
    const connections = promisify(server.getConnections.bind(server))
    await waitFor('the service to notice the disconnect', async () => (await connections()) === 0)
    await holder.end()
    await waitFor('the alarm', async () => {
      await direct.replays.flush()
      return (await alarms(ada)).length > 0
    })
    t.match(await alarms(ada), [{ ip_address: '127.0.0.1', same_address: false }], path)
  }
})

t.test('a missing address or program is neither the same nor different', async (t) => {
  const [ada, sender] = [await addUser(), { ipAddress: '192.0.2.66', userAgent: 'curl' }]
  const { session, token } = await service.sessions.create({ userId: ada, userAgent: null, ipAddress: null })
  await as(token, '/api/logout', json({}))
  const replays = withClock(t, session.id)
  replays.refused(token, sender)
  await replays.flush()
  t.match(await alarms(ada), [{ same_address: null, same_program: null }])
  const silent = await revoked(await addUser())
  replays.refused(silent.token, {})
  await replays.flush()
  t.match(
    await database.psql('select same_address, same_program from replay where session_id = $1', [silent.id]),
    [{ same_address: null, same_program: false }],
    'no user agent differs from the program of the session',
  )
})

t.test("in both modes, staff and services see whether it was the owner's device", async (t) => {
  for (const CHECK_MODE of ['database', 'leased']) {
    const service = await startService({
      database,
      env: { TRUST_PROXY: '127.0.0.1', CHECK_MODE },
      replayFlushMs: NEVER_MS,
    })
    if (CHECK_MODE === 'leased') await service.answersFromMemory()
    const { headers } = await service.keyFor('events', 'security')
    const get = async (path: string) => (await service.http(path, { headers })).json() as Promise<never>
    const ada = await addUser()
    const { token, id } = await revoked(ada)
    const ask = async (address: string, agent: string) => {
      const by = { 'x-forwarded-for': address, 'user-agent': agent }
      const response = await service.http('/check', { headers: { ...by, authorization: `Bearer ${token}` } })
      t.equal(response.status, 401)
      await service.replays.flush()
    }
    for (let times = 0; times < 3; times++) await ask('203.0.113.7', 'test')
    t.same(await alarms(ada), [], `${CHECK_MODE}: a page that keeps polling`)
    await database.psql(
      `update revoked_session set revoked_at = now() - interval '2 minutes' where session_id = $1`,
      [id],
    )
    const { cursor } = await get('/events')
    await ask('198.51.100.66', 'test')
    const replay = {
      ...{ sessionId: id, count: 1, ipAddress: '198.51.100.66' },
      ...{ sameAddress: false, sameProgram: true },
    }
    t.match(await get(`/api/admin/users/${ada}/sessions`), { replays: [replay] }, CHECK_MODE)
    t.match(
      await get(`/events?since=${cursor}&wait=5`),
      { events: [{ type: 'session.replayed', ...replay }] },
      CHECK_MODE,
    )
  }
})

t.test('staff acknowledge an alarm, with a reason; what comes later is a new one', async (t) => {
  const [ada, grace] = [await addUser(), await addUser()]
  await database.psql(`insert into staff (user_id, role) values ($1, 'security')`, [grace])
  const desk = await signIn(grace)
  const reuse = async () => {
    const { token } = await revoked(ada)
    await http('/check', { headers: { ...THIEF, authorization: `Bearer ${token}` } })
    await service.replays.flush()
  }
  const page = async (path: string) => (await as(desk.token, path)).text()
  const user = `/admin/user?id=${ada}`
  const acknowledge = (body: object) =>
    as(desk.token, `/api/admin/users/${ada}/replays/acknowledge`, json({ reason: 'her old laptop', ...body }))
  await reuse()
  t.match(await page(user), /A revoked token was used again 1 time/)
  const alarm = new RegExp(
    `${ada}</bdi></a> <span class="quiet">1 time, [^<]*<time[^]*?</time>, from another address or program`,
  )
  t.match(await page('/admin'), alarm)
  t.match(await (await acknowledge({ until: '2026-01-01T00:00:00Z' })).json(), {
    operationId: null,
    count: 0,
  })
  const done = (await (await acknowledge({})).json()) as { operationId: string }
  t.match(done, { operationId: /./, count: 1 })
  t.match(await (await acknowledge({})).json(), { operationId: null, count: 0 }, 'once')
  t.notMatch(await page(user), /was used again/)
  t.match(await page(user), /acknowledged [\s\S]*her old laptop/)
  t.notMatch(await page('/admin'), alarm)
  const account = await service.accounts.show(ada)
  t.match(account.replays, [
    { acknowledged: { id: done.operationId, actorId: grace, reason: 'her old laptop' } },
  ])
  const [entry] = (await service.audit.list({ kind: 'replays.acknowledge' })).entries
  t.match(entry, { id: done.operationId, userId: ada, actorId: grace, result: { count: 1 } })

  await reuse()
  t.match(await page(user), /A revoked token was used again 1 time/)
  const link = /href="(\/admin\/user\/acknowledge[^"]+)"/
    .exec(await page(user))?.[1]
    ?.replaceAll('&amp;', '&')
  const form = (reason: string) => ({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ reason }),
  })
  t.match(await page(link as string), /Acknowledge reused tokens/)
  t.equal((await as(desk.token, link as string, form(''))).status, 400)
  t.equal((await as(desk.token, link as string, form('hers, too'))).status, 303)
  t.notMatch(await page(user), /was used again/)
  await reuse()
  const cli = runHere(['user', 'acknowledge', ada, '--reason', 'seen'], {
    env: { DATABASE_URL: database.url },
  })
  t.equal(await cli.ended, 0)
  t.match(cli.output(), '1 record acknowledged.')
})

t.test('the state kept for a token is bounded, and counts every replay', async (t) => {
  const senders: Sender[] = []
  for (let i = 0; i < 10_000; i++)
    addUse(senders, { ipAddress: null, userAgent: `agent ${i % 100}` }, { at: i * 1_100, count: 1 })
  t.equal(senders.length, 3)
  const moments = senders.flatMap((sender) => sender.moments)
  t.ok(moments.length <= 36)
  t.equal(
    moments.reduce((sum, { count }) => sum + count, 0),
    10_000,
  )
})

t.test('while another instance records, this one keeps its replays', async (t) => {
  const ada = await addUser()
  const { token } = await revoked(ada)
  const release = Promise.withResolvers<void>()
  const holding = Promise.withResolvers<void>()
  const other = database.transaction(async (tx) => {
    t.ok(await claimJob(tx, 'replays'))
    holding.resolve()
    await within('the replays to be read', release.promise)
  })
  await within('the turn of the other instance', holding.promise)
  const replays = createReplays(database, strictLog(t, 'revoked token used again'))
  replays.refused(token, { ipAddress: '192.0.2.1' })
  await replays.flush()
  t.same(await alarms(ada), [])
  release.resolve()
  await other
  await replays.close()
  t.match(await alarms(ada), [{ count: 1 }])
})

t.test('long headers of refused requests are not kept, so a flood does not fill the memory', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const replays = createReplays(database, strictLog(t, 'revoked token used again'), () => 0, 3_600_000)
  const long = Buffer.alloc(60_000, 'x')
  const before = heap()
  for (let i = 0; i < 3_000; i++)
    replays.refused(`token-${i % 1_000}`, {
      userAgent: `${i}${long.toString('latin1')}`,
      ipAddress: '192.0.2.1',
    })
  const kept = (heap() - before) / 3_000
  t.ok(kept < 4_000, `${Math.round(kept)} bytes each`)
  await replays.close()
})
