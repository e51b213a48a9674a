/** Incidents: what a plan counts, which sessions its execution ends, and what the report says. */

import t from 'tap'
import { type Database, openDatabase } from '../../../src/database/database.ts'
import { createBulk } from '../../../src/staff/accounts/bulk.ts'
import { claimIncident, releaseClaim, renewClaim } from '../../../src/staff/incidents/claims.ts'
import { runIncident } from '../../../src/staff/incidents/run.ts'
import { carryOut, INCIDENTS_AT_ONCE, startIncidentRunner } from '../../../src/staff/incidents/runner.ts'
import type { Selection } from '../../../src/staff/incidents/selector-values.ts'
import { setRole } from '../../../src/staff/roles.ts'
import { hold } from '../../support/hold.ts'
import { addSessions, addsUp, begin, STAFF } from '../../support/incidents.ts'
import { keepLog, strictLog } from '../../support/log.ts'
import { startService } from '../../support/service.ts'
import { waitFor } from '../../support/within.ts'

// This test runs the steps of each incident itself.
const service = await startService({ except: ['incidents'] })
const { database, incidents, barrier } = service
const active = async (prefix: string) =>
  (
    await database.psql<{ token: string }>(
      `select "sessionToken" as token from session where "sessionToken" like $1 || '%' order by 1`,
      [prefix],
    )
  ).map(({ token }) => token)

/** Inserts one session with the given columns, directly into the table. */
async function add(
  token: string,
  told: { user?: string; ip?: string; agent?: string; created?: string } = {},
) {
  const { user = token, ip = null, agent = null, created = '2026-01-01T12:00:00Z' } = told
  await database.psql(`insert into "user" (id) values ($1) on conflict do nothing`, [user])
  await database.psql(
    `insert into session ("sessionToken", "userId", expires, "createdAt", "ipAddress", "userAgent")
      values ($1, $2, 'infinity', least($5::timestamptz, 'infinity'), $3::inet, $4)`,
    [token, user, ip, agent, created],
  )
}

t.test('a selection finds exactly the sessions that match all of its selectors', async (t) => {
  // Far beyond any date below, so that no session expires by its age.
  await database.psql(
    `update session_policy set max_age_seconds = 2000000000, idle_timeout_seconds = 2000000000`,
  )
  t.teardown(() => database.psql(`delete from session where "sessionToken" like 's-%'`))
  await add('s-v4', { ip: '203.0.113.7', agent: 'Mozilla/5.0 (X11) Firefox/141.0', user: 'alice' })
  await add('s-v4b', { ip: '203.0.113.255', agent: 'curl/8', user: 'alice', created: '2026-02-01T00:00:00Z' })
  await add('s-v4out', { ip: '203.0.114.0', agent: 'Curl/7', user: 'bob' })
  await add('s-mapped', { ip: '::ffff:203.0.113.9', agent: '100% _real_', user: 'bob' })
  await add('s-v6', { ip: '2001:db8:1::5', user: "o'hara", created: '2026-03-01T00:00:00.5Z' })
  await add('s-v6out', { ip: '2001:db9::1', user: 'Alice' })
  await add('s-bare', { user: 'ünï' })
  await database.psql(
    `insert into session ("sessionToken", "userId", expires, "ipAddress") values ('s-dead', 'alice', now() - interval '1 hour', '203.0.113.7')`,
  )
  const all = ['s-bare', 's-mapped', 's-v4', 's-v4b', 's-v4out', 's-v6', 's-v6out']
  const cases: [Selection, string[]][] = [
    [{ everyone: true }, all],
    [{ userIds: ['alice', "o'hara", 'ünï', 'nobody'] }, ['s-bare', 's-v4', 's-v4b', 's-v6']],
    [{ ipRange: '203.0.113.0/24' }, ['s-mapped', 's-v4', 's-v4b']],
    [{ ipRange: '203.0.113.77/24' }, ['s-mapped', 's-v4', 's-v4b']],
    [{ ipRange: '203.0.113.9' }, ['s-mapped']],
    [{ ipRange: '203.0.113.7/32' }, ['s-v4']],
    [{ ipRange: '0.0.0.0/0' }, ['s-mapped', 's-v4', 's-v4b', 's-v4out']],
    [{ ipRange: '::ffff:203.0.113.0/120' }, ['s-mapped', 's-v4', 's-v4b']],
    [{ ipRange: '::FFFF:cb00:7107' }, ['s-v4']],
    [{ ipRange: '2001:db8::/32' }, ['s-v6']],
    [{ ipRange: '2001:0db8:1:0::5' }, ['s-v6']],
    [{ userAgent: 'CURL' }, ['s-v4b', 's-v4out']],
    [{ userAgent: '% _' }, ['s-mapped']],
    [{ userAgent: '%' }, ['s-mapped']],
    [{ userAgent: '.*' }, []],
    [{ createdBefore: '2026-02-01T00:00:00Z' }, all.filter((name) => !['s-v4b', 's-v6'].includes(name))],
    [{ createdAfter: '2026-02-01T00:00:00.000Z' }, ['s-v4b', 's-v6']],
    [{ createdAfter: '2026-02-01T00:00:00Z', createdBefore: '2026-03-01T00:00:00.500Z' }, ['s-v4b']],
    [{ userIds: ['alice'], userAgent: 'curl' }, ['s-v4b']],
    [
      {
        userIds: ['alice', 'bob'],
        ipRange: '203.0.113.0/24',
        userAgent: 'a',
        createdBefore: '2026-01-02T00:00:00Z',
      },
      ['s-mapped', 's-v4'],
    ],
    [{ everyone: true, userIds: ['bob'] }, ['s-mapped', 's-v4out']],
  ]
  for (const [select, wanted] of cases) {
    const { sessions, sample } = await incidents.preview(select)
    const rows = await database.psql<{ token: string }>(
      `select "sessionToken" as token from session where id = any ($1::uuid[]) order by 1`,
      [sample.map(({ sessionId }) => sessionId)],
    )
    t.same(
      rows.map(({ token }) => token),
      wanted,
      JSON.stringify(select),
    )
    t.equal(sessions, wanted.length)
  }
  await t.rejects(incidents.preview({}), 'an empty selection matches no session, not every session')
  t.same(await active('s-'), ['s-bare', 's-dead', ...all.slice(1)].sort(), 'nothing was ended')
})

t.test('an email domain matches every address in it, and no look-alike domain', async (t) => {
  const emails: Record<string, string | undefined> = {
    ada: 'ada@acme.example',
    ben: 'Ben@ACME.Example',
    cleo: '"odd@other.example"@acme.example',
    subdomain: 'dan@mail.acme.example',
    longer: 'eve@notacme.example',
    inside: 'acme.example@other.example',
    after: 'fay@acme.example.other.example',
    wildcard: 'gus@acmeXexample',
    unicode: 'hans@Bücher.example',
    ascii: 'ida@xn--bcher-kva.example',
    without: undefined,
  }
  for (const [id, email] of Object.entries(emails)) {
    await service.addUser(id, email === undefined ? {} : { email })
    await service.signIn(id)
  }
  t.teardown(() => database.psql(`delete from session where "userId" = any ($1)`, [Object.keys(emails)]))
  const cases: [Selection, string[]][] = [
    [{ emailDomain: 'acme.example' }, ['ada', 'ben', 'cleo']],
    [{ emailDomain: 'aCmE.EXAMPLE' }, ['ada', 'ben', 'cleo']],
    [{ emailDomain: 'mail.acme.example' }, ['subdomain']],
    [{ emailDomain: 'example' }, []],
    [{ emailDomain: 'bücher.EXAMPLE' }, ['unicode']],
    [{ emailDomain: 'xn--BCHER-kva.example' }, ['ascii']],
    [{ emailDomain: 'acme.example', userIds: ['ben', 'longer'] }, ['ben']],
  ]
  for (const [select, wanted] of cases) {
    const { sessions, sample } = await incidents.preview(select)
    t.same(sample.map(({ userId }) => userId).sort(), wanted, JSON.stringify(select))
    t.equal(sessions, wanted.length)
  }

  const { planId } = await incidents.plan({ emailDomain: 'Acme.example' }, 'the company left', STAFF)
  await incidents.execute(planId, STAFF)
  await runIncident(database, barrier, planId)
  const left = await database.psql<{ id: string }>(
    `select "userId" as id from session where "userId" = any ($1)`,
    [Object.keys(emails)],
  )
  const ended = ['ada', 'ben', 'cleo']
  t.same(
    left.map(({ id }) => id).sort(),
    Object.keys(emails)
      .filter((id) => !ended.includes(id))
      .sort(),
    'exactly these are signed out',
  )
  t.match(await incidents.get(planId), {
    state: 'done',
    ended: 3,
    selection: { emailDomain: 'Acme.example' },
  })
})

t.test('a plan counts sessions, users and staff, reports unknown users, and ends nothing', async (t) => {
  await addSessions(service, 'p', { users: 4, each: 5 })
  await database.run((db) => setRole(db, 'p1', 'auditor'))
  const plan = await incidents.plan({ userIds: ['p1', 'p2', 'p3', 'stranger', "'"] }, 'a leak', STAFF)
  t.match(plan, { sessions: 15, users: 3, staffSessions: 5, unknownUsers: ['stranger', "'"] })
  t.equal(plan.sample.length, 10)
  const newest = plan.sample.map(({ createdAt }) => createdAt)
  t.same(newest, newest.toSorted().reverse(), 'newest first')
  t.equal((await active('p-')).length, 20)
  t.equal((await database.psql(`select from revoked_session where user_id like 'p%'`)).length, 0)
  const lifetime = plan.expiresAt.getTime() - (await incidents.get(plan.planId)).plannedAt.getTime()
  t.equal(Math.round(lifetime / 60_000), 30)
  t.equal((await incidents.get(plan.planId)).state, 'planned')
  const [operation] = await database.psql(`select * from operation where result ->> 'planId' = $1`, [
    plan.planId,
  ])
  t.match(operation, {
    kind: 'incident.plan',
    actor_kind: 'staff',
    actor_id: 'sam',
    reason: 'a leak',
    ip_address: '192.0.2.1',
    selection: { userIds: ['p1', 'p2', 'p3', 'stranger', "'"] },
    result: { sessions: 15, users: 3, staffSessions: 5, unknownUsers: 2 },
    revoked_count: 0,
  })
})

t.test('slow plans leave enough connections for logouts', async (t) => {
  const holder = await hold(database, 'lock table incident in access exclusive mode')
  const plan = () => incidents.plan({ userAgent: 'p' }, 'a test', STAFF)
  const two = [plan(), plan()]
  await t.rejects(plan(), { code: 'unavailable' })
  await holder.end()
  t.equal((await Promise.all(two)).length, 2)
  await t.resolves(plan(), 'later plans succeed')
})

t.test('the report distinguishes planned sessions, later matches and those that ended before', async (t) => {
  const ids = await addSessions(service, 'r', { users: 10, each: 3 })
  const { planId } = await incidents.plan({ userAgent: 'r' }, 'a test', STAFF)
  await database.psql(`delete from session where id = any ($1::uuid[])`, [ids.slice(0, 4)])
  await database.psql(`update session set expires = now() where id = any ($1::uuid[])`, [ids.slice(4, 6)])
  // Dated before the plan, like a sign-in that was in progress then.
  await add('r-late1', { agent: 'r', created: '2026-01-01T00:00:00Z' })
  await add('r-late2', { agent: 'r', user: 'r1', created: new Date().toISOString() })
  await add('other', { agent: 'x' })
  await incidents.execute(planId, { ...STAFF, actorId: 'robin' })
  t.ok(await carryOut(database, barrier, planId))
  const report = await addsUp(t, service, planId, {
    endedPlanned: 24,
    endedLater: 2,
    goneMeanwhile: 6,
    users: 11,
  })
  t.match(report, { plannedBy: { kind: 'staff', id: 'sam' }, executedBy: { kind: 'staff', id: 'robin' } })
  t.same(await active('other'), ['other'])
  const rows = []
  for await (const row of incidents.endedSessions(report)) rows.push(row)
  t.equal(rows.length, 26)
  t.equal(await runIncident(database, barrier, planId), true, 'there is nothing left to do')
  t.same(await incidents.get(planId), report)
})

t.test('a plan that is executed twice, even concurrently, runs once', async (t) => {
  await addSessions(service, 'twice', { users: 2, each: 2 })
  const { planId } = await incidents.plan({ userAgent: 'twice' }, 'a test', STAFF)
  const both = await Promise.all([incidents.execute(planId, STAFF), incidents.execute(planId, STAFF)])
  t.equal(both[0].operationId, both[1].operationId)
  t.ok(await carryOut(database, barrier, planId))
  await addSessions(service, 'twicemore', { users: 1, each: 1 })
  const again = await incidents.execute(planId, STAFF)
  t.equal(again.state, 'done')
  await addsUp(t, service, planId, { endedPlanned: 4 })
  t.equal((await active('twicemore')).length, 1, 'a sign-in after the incident stays valid')
})

t.test('an expired plan cannot be executed, and the next plan deletes its list of sessions', async (t) => {
  await addSessions(service, 'old', { users: 1, each: 2 })
  const { planId } = await incidents.plan({ userAgent: 'old' }, 'a test', STAFF)
  await database.psql(`update incident set expires_at = now() where id = $1`, [planId])
  await t.rejects(incidents.execute(planId, STAFF), { code: 'incident_not_open' })
  t.equal((await incidents.get(planId)).state, 'expired')
  t.equal((await active('old-')).length, 2)
  await incidents.plan({ userAgent: 'old' }, 'a test', STAFF)
  t.same(await database.psql(`select from incident_planned where incident_id = $1`, [planId]), [])
  await t.rejects(incidents.execute(crypto.randomUUID(), STAFF), { code: 'incident_not_found' })
  await t.rejects(incidents.get(crypto.randomUUID()), { code: 'incident_not_found' })
})

t.test('a sign-in that was in progress when the execution began is ended', async (t) => {
  await addSessions(service, 'flight', { users: 1, each: 3 })
  const login = await hold(
    database,
    `insert into session ("sessionToken", "userId", expires, "userAgent") values ('flight-0', 'flight1', 'infinity', 'flight')`,
  )
  const id = await begin(service, { userAgent: 'flight' })
  let done = false
  const running = carryOut(database, barrier, id).then(() => {
    done = true
  })
  await waitFor('three to end', async () => (await incidents.get(id)).ended >= 3)
  await new Promise((turn) => setTimeout(turn, 500))
  t.notOk(done, 'the incident does not finish while that transaction is open')
  await login.end('commit')
  await running
  await addsUp(t, service, id, { endedPlanned: 3, endedLater: 1 })
  t.same(await active('flight-'), [])
})

t.test('a transaction that has written nothing yet is waited for, and reported if it stays', async (t) => {
  await addSessions(service, 'idle', { users: 1, each: 2 })
  const slow = await hold(database, 'select now()')
  const id = await begin(service, { userAgent: 'idle' })
  t.ok(await carryOut(database, barrier, id), 'the wait is bounded')
  const report = await addsUp(t, service, id, { endedPlanned: 2 })
  t.same(report.outcome?.stillOpen, { writing: 0, reading: 1 })
  await slow.end()
})

t.test(
  'a session whose row is locked is ended when the lock is released, and the others before',
  async (t) => {
    const ids = await addSessions(service, 'held', { users: 5, each: 2 })
    const id = await begin(service, { userAgent: 'held' })
    // Holds the first batch, so that the other transaction begins after the incident has listed open
    // transactions.
    const brake = await hold(database, 'select from incident where id = $1 for update', [id])
    let done = false
    const running = carryOut(database, barrier, id, { batch: 1 }).then(() => {
      done = true
    })
    const blocked = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await waitFor('the incident to be held', async () => (await database.psql(blocked)).length > 0)
    const holder = await hold(database, 'select from session where id = $1 for update', [ids.at(-1)])
    await brake.end()
    await waitFor('nine to end', async () => (await incidents.get(id)).ended >= 9)
    await new Promise((turn) => setTimeout(turn, 1_000))
    t.notOk(done)
    t.same(await database.psql(blocked), [], 'the incident waits for no lock')
    await holder.end()
    await running
    await addsUp(t, service, id, { endedPlanned: 10, users: 5 })
  },
)

t.test('sessions dated into the future are ended; sign-ins after the start are not', async (t) => {
  await add('f-future', { agent: 'future', created: new Date(Date.now() + 50_000).toISOString() })
  const id = await begin(service, { userAgent: 'future' })
  await add('f-after', { agent: 'future', created: new Date(Date.now() + 20).toISOString() })
  await new Promise((turn) => setTimeout(turn, 50))
  t.ok(await carryOut(database, barrier, id))
  t.same(await active('f-'), ['f-after'])
  await addsUp(t, service, id, { endedPlanned: 1 })
})

t.test('two concurrent incidents with the same sessions: each session is ended by one of them', async (t) => {
  await addSessions(service, 'both', { users: 50, each: 10 })
  const ids = [await begin(service, { userAgent: 'both' }), await begin(service, { userAgent: 'BOTH' })]
  await Promise.all(ids.map((id) => carryOut(database, barrier, id, { batch: 20 })))
  const reports = await Promise.all(ids.map((id) => incidents.get(id)))
  t.equal(
    reports.reduce((sum, { ended }) => sum + ended, 0),
    500,
  )
  for (const [i, { ended }] of reports.entries())
    await addsUp(t, service, ids[i] ?? '', {
      endedPlanned: ended,
      goneMeanwhile: 500 - ended,
      users: reports[i]?.outcome?.users ?? 0,
    })
})

t.test('any process of the service picks up an unfinished incident, and stops on close', async (t) => {
  await addSessions(service, 'auto', { users: 20, each: 20 })
  const { log, lines } = keepLog()
  const start = () => startIncidentRunner(database, barrier, log)
  const runners = [start(), start(), start()]
  const id = await begin(service, { userAgent: 'auto' })
  await waitFor('the incident to be done', async () => (await incidents.get(id)).state === 'done')
  await Promise.all(runners.map((runner) => runner.close()))
  await addsUp(t, service, id, { endedPlanned: 400, users: 20 })
  t.same(lines, [])
})

t.test('incidents that another process runs do not keep this process from the others', async (t) => {
  await addSessions(service, 'busy', { users: 1, each: 2 })
  await addSessions(service, 'spare', { users: 1, each: 2 })
  let release = () => {}
  const held = new Promise<void>((done) => {
    release = done
  })
  const busy: string[] = []
  for (let i = 0; i < INCIDENTS_AT_ONCE; i++) busy.push(await begin(service, { userAgent: 'busy' }))
  const other = crypto.randomUUID()
  // Before the runner starts, because it would claim a free one.
  for (const id of busy) t.ok(await database.run((db) => claimIncident(db, id, other)))
  const elsewhere = busy.map(async (id) => {
    while (await Promise.race([held.then(() => false), new Promise((turn) => setTimeout(turn, 500, true))]))
      t.ok(await database.run((db) => renewClaim(db, id, other)))
    await database.run((db) => releaseClaim(db, id, other))
  })
  const id = await begin(service, { userAgent: 'spare' })
  const runner = startIncidentRunner(database, barrier, strictLog(t))
  await waitFor('the incident to be done', async () => (await incidents.get(id)).state === 'done')
  release()
  await Promise.all(elsewhere)
  await runner.close()
  for (const each of busy) t.ok(await carryOut(database, barrier, each))
})

t.test('incidents blocked by a locked session row do not hold up others', async (t) => {
  const ids = await addSessions(service, 'stuck', { users: 1, each: 1 })
  await addSessions(service, 'lucky', { users: 1, each: 2 })
  const stuck: string[] = []
  for (let i = 0; i < INCIDENTS_AT_ONCE; i++) stuck.push(await begin(service, { userAgent: 'stuck' }))
  const holder = await hold(database, 'select from session where id = $1 for update', [ids[0]])
  const runner = startIncidentRunner(database, barrier, strictLog(t), { patience: 2 })
  const taken = 'select from incident_runner'
  await waitFor(
    'as many as may run at once',
    async () => (await database.psql(taken)).length >= INCIDENTS_AT_ONCE,
  )
  const id = await begin(service, { userAgent: 'lucky' })
  await waitFor('two to end', async () => (await incidents.get(id)).ended >= 2)
  for (const each of stuck) t.match(await incidents.get(each), { state: 'running', ended: 0 })
  await holder.end()
  for (const each of [...stuck, id])
    await waitFor('the incident to be done', async () => (await incidents.get(each)).state === 'done')
  await runner.close()
})

t.test('on close, the runner stops after the current batch, and another one continues', async (t) => {
  await addSessions(service, 'stop', { users: 5, each: 10 })
  const id = await begin(service, { userAgent: 'stop' })
  const stop = new AbortController()
  const onProgress = ({ ended }: { ended: number }) => ended >= 20 && stop.abort()
  t.notOk(await runIncident(database, barrier, id, { batch: 10, signal: stop.signal, onProgress }))
  t.match(await incidents.get(id), { state: 'running', ended: 20 })
  t.ok(await carryOut(database, barrier, id))
  await addsUp(t, service, id, { endedPlanned: 50 })
})

t.test("the service's database role may run an incident, but cannot undo what was recorded", async (t) => {
  await addSessions(service, 'role', { users: 3, each: 3 })
  const url = new URL(database.url)
  url.searchParams.set('options', '-c role=global_logout_service')
  const own: Database = openDatabase(url.href, { max: 3 })
  t.teardown(() => own.close())
  const { createIncidents } = await import('../../../src/staff/incidents/incidents.ts')
  const asService = { ...service, incidents: createIncidents(own, service.afterCommit, service.acknowledged) }
  const id = await begin(asService, { userAgent: 'role', userIds: ['role1', 'role2', 'role3'] })
  // An open transaction of another role is seen, too.
  const login = await hold(database, 'select pg_current_xact_id()')
  const running = carryOut(own, barrier, id)
  await waitFor('nine to end', async () => (await incidents.get(id)).ended >= 9)
  await new Promise((turn) => setTimeout(turn, 300))
  t.equal((await incidents.get(id)).state, 'running')
  await login.end()
  t.ok(await running)
  await addsUp(t, asService, id, { endedPlanned: 9 })
  await t.rejects(
    own.run((db) => db.execute(`delete from global_logout.revoked_session`)),
    { cause: { code: '42501' } },
  )
  await t.rejects(
    own.run((db) => db.execute(`delete from global_logout.incident`)),
    { cause: { code: '42501' } },
  )
})

t.test(
  'a plan by email addresses and by sessions ends those, and tells which entries are unknown',
  async (t) => {
    const users = ['list-1', 'list-2', 'list-3']
    for (const id of users) await service.addUser(id, { email: `${id}@Lists.example` })
    const sessions = await Promise.all(users.map((id) => service.signIn(id)))
    const select: Selection = { emails: ['list-1@lists.EXAMPLE', 'gone@lists.example'] }
    const byEmail = await incidents.plan(select, 'a test', STAFF)
    t.match(byEmail, { sessions: 1, users: 1, unknownEmails: ['gone@lists.example'], unknownUsers: [] })
    const [kept] = await database.psql(
      `select selection::text from operation where result ->> 'planId' = $1`,
      [byEmail.planId],
    )
    t.match(kept?.selection, /"emailCount": 2/)
    t.notMatch(kept?.selection, /lists/, 'the audit log has no address')
    const gone = crypto.randomUUID()
    const bySession = await incidents.plan({ sessionIds: [sessions[1]?.id ?? '', gone] }, 'a test', STAFF)
    t.match(bySession, { sessions: 1, unknownSessions: [gone] })
    const [stored] = await database.psql('select user_ids from incident where id = $1', [bySession.planId])
    t.same(
      stored,
      { user_ids: [] },
      'as take_over() reads it: no session from before is selected by its id here',
    )
    t.match(await incidents.unknown(bySession.planId), {
      sessions: { count: 1, entries: [gone] },
      users: { count: 0 },
    })
    for (const { planId } of [byEmail, bySession]) {
      await incidents.execute(planId, STAFF)
      t.ok(await carryOut(database, barrier, planId))
    }
    t.same(await Promise.all(sessions.map(({ token }) => service.check(token))), [401, 401, 200])
  },
)

t.test('with a lock, the users whom a plan names are locked before their sessions end', async (t) => {
  for (const id of ['lock-1', 'lock-2', 'lock-3']) await service.addUser(id)
  await service.signIn('lock-1')
  await database.psql(`insert into user_lock (user_id, until, reason) values ('lock-3', null, 'before')`)
  const userIds = ['lock-1', 'lock-2', 'lock-3', 'stranger']
  const plan = await incidents.plan({ userIds }, 'breach', STAFF, { lock: { seconds: 3600 } })
  t.match(plan, { sessions: 1, usersToLock: 3 })
  const { planId } = plan
  await incidents.execute(planId, { ...STAFF, actorId: 'eve' })
  // A sign-in after the start and before the lock: its session ends, too.
  const late = await service.signIn('lock-2')
  t.ok(await carryOut(database, barrier, planId))
  t.equal(await service.check(late.token), 401)
  for (const id of ['lock-1', 'lock-2', 'lock-3'])
    await t.rejects(service.signIn(id), { code: 'user_locked' }, id)
  t.equal(await service.check((await service.signIn(await service.addUser('lock-4'))).token), 200)
  const locks = await database.psql(
    `select user_id, until = (select started_at + interval '1 hour' from incident where id = $1) as ours, reason
      from user_lock where user_id like 'lock-%' order by 1`,
    [planId],
  )
  t.same(locks, [
    { user_id: 'lock-1', ours: true, reason: 'breach' },
    { user_id: 'lock-2', ours: true, reason: 'breach' },
    { user_id: 'lock-3', ours: null, reason: 'before' },
  ])
  const operations = await database.psql(
    `select kind, actor_id, user_id, result ->> 'planId' as plan from operation where user_id like 'lock-%' order by user_id, kind`,
  )
  t.match(
    operations.filter(({ plan }) => plan === planId),
    [
      { kind: 'user.lock', actor_id: 'eve', user_id: 'lock-1' },
      { kind: 'user.lock', actor_id: 'eve', user_id: 'lock-2' },
    ],
  )
  t.equal(operations.length, 3, 'the third is the lock by SQL: no trigger recorded the others again')
  const report = await incidents.get(planId)
  t.match(report, { locked: 2, lock: { seconds: 3600 }, ended: 2 })
  for (const select of [
    { everyone: true as const },
    { everyone: true as const, createdAfter: '1990-01-01T00:00:00Z' },
  ])
    await t.rejects(incidents.plan(select, 'x', STAFF, { lock: { seconds: 1 } }), {
      code: 'invalid_request',
      field: 'lockFor',
    })
})

t.test('with a lock, a session that its user has begun since the pass ends with the lock', async (t) => {
  const { endSessions } = await import('../../../src/staff/incidents/steps.ts')
  await service.addUser('quick')
  const first = await service.signIn('quick', 'test', '198.18.79.1')
  const selection = { ipRange: '198.18.79.0/24' }
  const lock = { seconds: null }
  const { planId } = await incidents.plan(selection, 'stuffing', STAFF, { lock })
  const { operationId } = await incidents.execute(planId, STAFF)
  const second = await service.signIn('quick', 'test', '198.18.79.2')
  const elsewhere = await service.signIn('quick', 'test', '198.18.80.1')
  const running = {
    ...{
      id: planId,
      operationId: operationId ?? '',
      reason: 'stuffing',
      selection,
      epoch: null,
      locks: true,
    },
    ...{ planned: 1, estimated: false, ended: 0 },
  }
  t.same(await database.transaction((tx) => endSessions(tx, running, [first.id])), { deleted: 1, ended: 2 })
  const answers = await Promise.all([first, second, elsewhere].map(({ token }) => service.check(token)))
  t.same(answers, [401, 401, 200], 'what the selection does not match stays')
  t.ok(await carryOut(database, barrier, planId))
})

t.test('with a lock, a plan by address locks the users of the sessions that it ends', async (t) => {
  for (const id of ['here', 'there']) await service.addUser(id)
  const here = await service.signIn('here', 'test', '198.18.77.1')
  const there = await service.signIn('there', 'test', '198.18.78.1')
  const { planId } = await incidents.plan({ ipRange: '198.18.77.0/24' }, 'leak', STAFF, {
    lock: { seconds: null },
  })
  // The user is signing in elsewhere: the incident waits without holding up that.
  const holder = await hold(database, `select from "user" where id = 'here' for key share`)
  await incidents.execute(planId, STAFF)
  const running = carryOut(database, barrier, planId)
  await new Promise((turn) => setTimeout(turn, 300))
  t.equal(await service.check(here.token), 200, 'not ended before it is locked')
  await holder.end()
  t.ok(await running)
  t.same([await service.check(here.token), await service.check(there.token)], [401, 200])
  await t.rejects(service.signIn('here'), { code: 'user_locked' })
  await service.signIn('there')
})

t.test('a large plan is executed only after another person has approved it', async (t) => {
  const { createIncidents } = await import('../../../src/staff/incidents/incidents.ts')
  const guarded = createIncidents(database, service.afterCommit, service.acknowledged, { approvalAbove: 2 })
  await addSessions(service, 'many', { users: 3, each: 1 })
  await addSessions(service, 'few', { users: 2, each: 1 })
  const [sam, eve] = [STAFF, { ...STAFF, actorId: 'eve' }]
  const small = await guarded.plan({ userAgent: 'few' }, 'a test', sam)
  t.notOk(small.approvalRequired)
  const large = await guarded.plan({ userAgent: 'many' }, 'a test', sam)
  t.ok(large.approvalRequired)
  t.match(large.breakdown, { userAgents: [{ value: 'many', sessions: 3 }], addresses: { length: 3 } })
  const execute = (planId: string, by = sam) => guarded.execute(planId, by)
  await t.rejects(execute(large.planId, eve), { code: 'approval_required' })
  await t.rejects(guarded.approve(large.planId, sam), { code: 'second_person_required' })
  const byKey = { ...sam, actorKind: 'service' as const, actorId: 'key' }
  const keyed = await guarded.plan({ userAgent: 'many' }, 'a test', byKey)
  await t.rejects(
    guarded.approve(keyed.planId, eve),
    { code: 'second_person_required' },
    'eve may hold the key',
  )
  const bulk = createBulk(database, service.afterCommit, service.acknowledged, 2)
  const lockOf = (userIds: string[]) => bulk.lockMany({ userIds }, { reason: 'x', lockSeconds: 60 }, sam)
  await t.rejects(lockOf(['many1', 'many2', 'many3']), { code: 'approval_required' })
  await t.rejects(guarded.approve(large.planId, { ...eve, actorKind: 'service' }), {
    code: 'second_person_required',
  })
  await t.rejects(
    database.psql(`update incident set state = 'running' where id = $1`, [large.planId]),
    { code: '23514' },
    'not by SQL either',
  )
  t.equal((await active('many')).length, 3)
  t.match(await guarded.approve(large.planId, eve), { approval: { required: true, by: { id: 'eve' } } })
  await guarded.approve(large.planId, { ...STAFF, actorId: 'late' })
  t.match(await execute(large.planId), { state: 'running', approval: { by: { id: 'eve' } } })
  t.ok(await carryOut(database, barrier, large.planId))
  const approvals = await database.psql(`select actor_id from operation where kind = 'incident.approve'`)
  t.same(approvals, [{ actor_id: 'eve' }], 'recorded once')

  await add('few-more', { agent: 'few' })
  await t.rejects(execute(small.planId), { code: 'approval_required' }, 'it has grown since')
  await guarded.approve(small.planId, eve)
  await execute(small.planId)
  t.ok(await carryOut(database, barrier, small.planId))
  t.same(await active('few'), [])
})
