/** An incident for everyone ends all sessions at every instance before it answers, and records each once. */
import { sql } from 'drizzle-orm'
import t from 'tap'
import { type Transaction, withoutDeadline } from '../../../src/database/database.ts'
import { hashToken } from '../../../src/database/token-hash.ts'
import { sweep } from '../../../src/sessions/sweeper.ts'
import { verify } from '../../../src/staff/audit/chain.ts'
import { createIncidents } from '../../../src/staff/incidents/incidents.ts'
import { carryOut } from '../../../src/staff/incidents/runner.ts'
import { createSample } from '../../../src/staff/incidents/sampling.ts'
import { runHere } from '../../support/command.ts'
import { testDatabase } from '../../support/database.ts'
import { hold } from '../../support/hold.ts'
import { addSessions, addsUp, begin, STAFF } from '../../support/incidents.ts'
import { startService } from '../../support/service.ts'
import { waitFor } from '../../support/within.ts'

const database = await testDatabase({ max: 20 })
const { psql } = database
const env = { CHECK_MODE: 'leased' }
// This test runs the steps of the incident itself.
const except = ['incidents', 'sweeper'] as const
const here = await startService({ database, env, except })
const there = await startService({ database, env, except })
await Promise.all([here.answersFromMemory(), there.answersFromMemory()])
const { barrier, incidents, sessions } = here
const SOURCE = { ipAddress: '203.0.113.7', userAgent: 'test' }
const NOT_COMPARED = { endedPlanned: null, endedLater: null, goneMeanwhile: null }

const insert = (token: string, user: string, rest = '') =>
  `insert into session ("sessionToken", "userId", expires${rest && ', epoch'}) values ('${hashToken(token)}', '${user}', 'infinity'${rest})`
const checks = (token: string) => Promise.all([here.check(token), there.check(token)])
const blocksOfSessions = async () => {
  const [size] = await psql<{ blocks: number }>(`select (pg_relation_size('session') / 8192)::int as blocks`)
  return size?.blocks ?? 0
}
const rowsLeft = async () => (await psql('select from session where epoch = 0')).length

t.test(
  'once an incident has answered, no instance accepts older sessions, even undeleted ones',
  async (t) => {
    const user = await here.addUser('ada')
    const { token, id } = await here.signIn(user)
    for (const instance of [here, there]) {
      const before = instance.hits()
      await waitFor('an answer from the cache', async () => {
        await instance.check(token)
        return instance.hits() > before
      })
    }
    const underWay = await hold(database, insert('under way', user))
    const snapshot = await hold(database, 'set transaction isolation level repeatable read')
    await snapshot.query('select from session_policy')

    const incident = await begin(here, { everyone: true })
    t.same(await checks(token), [401, 401])
    t.equal(await rowsLeft(), 1, 'one commit, and no deletion')
    t.ok(here.leased?.holdsLease() && there.leased?.holdsLease(), 'no instance has lost its lease')

    await underWay.end('commit')
    t.same(await checks('under way'), [401, 401], 'a sign-in that was in progress is ended')
    await snapshot.query(insert('old snapshot', user))
    await snapshot.end('commit')
    t.same(await checks('old snapshot'), [401, 401], 'so is one under an older snapshot')
    for (const [n, said] of ['', ', 0', ', 99'].entries()) {
      const later = `later-${n}`
      await psql(insert(later, user, said))
      t.same(
        await checks(later),
        [200, 200],
        `a later sign-in stays valid, whatever epoch its writer sets: ${said}`,
      )
    }
    const fresh = await here.signIn(user)
    t.same(await checks(fresh.token), [200, 200])

    const status = await sessions.tokenStatus(token)
    t.match(status, {
      state: 'revoked',
      userId: user,
      sessionId: id,
      operation: { kind: 'incident.execute' },
    })
    const page = await (await here.as(token, '/signed-out')).text()
    t.match(page, /Our security team signed you out/)
    await psql(`update session set expires = 'infinity', "lastSeenAt" = now(), epoch = 7 where id = $1`, [id])
    t.same(await checks(token), [401, 401], 'no update revives a session')
    t.match(await psql('select epoch from session where id = $1', [id]), [{ epoch: 0 }])

    t.ok(await carryOut(database, barrier, incident))
    await addsUp(t, here, incident, { ...NOT_COMPARED, users: 1 })
    t.equal((await incidents.get(incident)).ended, 3)
    t.equal(await rowsLeft(), 0)
    t.same(await checks(fresh.token), [200, 200])
    t.match(await sessions.tokenStatus(token), { state: 'revoked', operation: { kind: 'incident.execute' } })
  },
)

t.test('however a session of the incident is deleted, the report counts it once', async (t) => {
  await psql('delete from session')
  await addSessions(here, 'e', { users: 10, each: 10 })
  const [ada, own] = [await here.signIn('e2'), await here.signIn('e1')]
  await psql(`update session set expires = now() at time zone 'utc' - interval '1 second' where id = $1`, [
    own.id,
  ])
  const soon = await here.signIn('e3')
  const [end] = await psql<{ expires: string }>(
    `update session set expires = clock_timestamp() at time zone 'utc' + interval '3 seconds' where id = $1 returning expires::text`,
    [soon.id],
  )
  const others = await begin(here, { userIds: ['e5'] })
  const ids = [await begin(here, { everyone: true })]
  const [first] = ids as [string]

  await psql(`delete from "user" where id = 'e4'`)
  const again = await here.signIn('e2')
  t.same((await sessions.endOne(again.token, ada.id, SOURCE)).revoked, [], 'it had already ended')
  await sessions.logout(again.token, 'global', SOURCE)
  await waitFor('a session to expire meanwhile', async () => {
    const [row] = await psql<{ over: boolean }>(
      `select clock_timestamp() at time zone 'utc' > $1::timestamp as over`,
      [end?.expires],
    )
    return row?.over
  })
  await sweep(database)
  const later = await here.signIn('e6')
  ids.push(await begin(here, { everyone: true }))
  await addSessions(here, 'f', { users: 2, each: 5 })
  await Promise.all([...ids, others].map((id) => carryOut(database, barrier, id, { batch: 20 })))

  const [was] = await psql<{ valid: boolean }>(
    `select started_at < $1::timestamp at time zone 'utc' as valid from incident where id = $2`,
    [end?.expires, first],
  )
  await addsUp(t, here, first, { ...NOT_COMPARED, users: 10 })
  t.equal((await incidents.get(first)).ended, was?.valid ? 102 : 101, 'those that were valid when it began')
  await addsUp(t, here, ids[1] ?? '', { ...NOT_COMPARED, users: 1 })
  t.equal((await incidents.get(others)).ended, 0, 'another incident at the same time finds none of them')
  t.match(await psql('select operation_id as id from revoked_session where session_id = $1', [later.id]), [
    { id: (await incidents.get(ids[1] ?? '')).operationId },
  ])
  t.equal((await psql('select from session')).length, 10, 'later sessions stay valid')
  t.same((await verify(database)).findings, [])
})

t.test('a count that would take too long is estimated and marked; smaller ones are exact', async (t) => {
  await psql('delete from session')
  await addSessions(here, 'many', { users: 1_000, each: 20 })
  await addSessions(here, 'few', { users: 2, each: 3 })
  const limits = { sampledBlocks: 50, maxListed: 100 }
  const estimating = createIncidents(database, here.afterCommit, here.acknowledged, limits)
  for (const select of [{ everyone: true as const }, { userAgent: 'many' }]) {
    const plan = await estimating.plan(select, 'a test', STAFF)
    t.ok(plan.estimated)
    t.ok(plan.sessions > 10_000 && plan.sessions < 40_000, `about 20,000 sessions: ${plan.sessions}`)
    t.ok(plan.users > 500 && plan.users < 2_000, `of about 1,000 users: ${plan.users}`)
    t.equal(plan.sample.length, 10)
    t.match(await estimating.get(plan.planId), { planned: { sessions: plan.sessions, estimated: true } })
    t.same(await psql('select from incident_planned where incident_id = $1', [plan.planId]), [])
  }
  const { planId, ...few } = await estimating.plan({ userAgent: 'few' }, 'a test', STAFF)
  t.match(few, { estimated: false, sessions: 6, users: 2 })
  await estimating.execute(planId, STAFF)
  t.ok(await carryOut(database, barrier, planId))
  await addsUp(t, here, planId, { endedPlanned: 6, users: 2 })

  await addSessions(here, 'slow', { users: 2, each: 3 })
  const hurried = createIncidents(database, here.afterCommit, here.acknowledged, { ...limits, countMs: 1 })
  const slow = await hurried.plan({ userAgent: 'slow' }, 'a test', STAFF)
  t.ok(slow.estimated, 'so is what takes too long to count')
  t.ok(slow.sessions < 1_000, `about 6 sessions: ${slow.sessions}`)
  await estimating.execute(slow.planId, STAFF)
  t.ok(await carryOut(database, barrier, slow.planId))
  await addsUp(t, here, slow.planId, { ...NOT_COMPARED, users: 2 })
  t.equal((await incidents.get(slow.planId)).ended, 6, 'and all of them end')
})

t.test(
  'a sample counts empty blocks, reads until its deadline, and is rounded to what it knows',
  async (t) => {
    await psql('delete from session')
    await addSessions(here, 'early', { users: 1_000, each: 10 })
    await addSessions(here, 'late', { users: 1_000, each: 10 })
    await psql(`delete from session where "userAgent" = 'early'`)
    await psql('vacuum session')
    const blocks = await blocksOfSessions()
    const reading = async (tx: Transaction) => {
      await tx.extend(60_000)
      const late = createSample(tx, blocks, sql`"userAgent" = 'late'`)
      await late.read(blocks / 2, 60_000)
      const { sessions, users } = await late.estimate(60_000)
      t.ok(
        sessions > 7_000 && sessions < 13_000,
        `about 10,000 sessions, although half of the blocks are empty: ${sessions}`,
      )
      t.ok(users > 700 && users < 1_300, `of about 1,000 users: ${users}`)
      t.equal(sessions % 100, 0, 'two digits, or three')

      // A millisecond for each block or so.
      const slow = createSample(
        tx,
        blocks,
        sql`"userAgent" = 'late' and pg_catalog.pg_sleep(0.0001) is not null`,
      )
      await slow.read(blocks, 0)
      const least = slow.blocks
      t.ok(least > 0 && least < blocks, `${least} blocks in any case`)
      await slow.read(blocks, 50)
      t.ok(slow.blocks < blocks, `and more for a while: ${slow.blocks}`)

      const rare = createSample(tx, blocks, sql`"userId" in ('late1', 'late2')`)
      await rare.read(blocks / 2, 60_000)
      t.match(String((await rare.estimate(60_000)).sessions), /^.0?$/, 'one digit, of a few sessions')
    }
    await withoutDeadline(() => database.transaction(reading))
  },
)

t.test('sessions of a period are found by block, even if the planner would scan the table', async (t) => {
  const scans = async () => {
    const [found] = await psql<{ scans: number }>(
      `select idx_scan::int as scans from pg_stat_all_indexes where indexrelname = 'session_createdAt_idx'`,
    )
    return found?.scans ?? 0
  }
  const before = await scans()
  const createdAfter = new Date(Date.now() + 3_600_000).toISOString()
  t.match(await incidents.preview({ createdAfter }), { sessions: 0, estimated: false })
  await waitFor('the use of the index', async () => (await scans()) > before)
})

t.test('an estimated count is marked as such everywhere', async (t) => {
  const { token: officer } = await here.signIn(await here.addUser('officer'))
  await psql(`insert into staff values ('officer', 'security')`)
  const { planId } = await incidents.plan({ userAgent: 'few' }, 'a test', STAFF)
  await psql(
    'update incident set planned_sessions = 1230000, planned_users = 456000, staff_sessions = 7, estimated = true where id = $1',
    [planId],
  )
  const { result } = await operationOf(planId)
  await psql('alter table operation disable trigger user')
  await psql(`update operation set result = $1 where kind = 'incident.plan' and result ->> 'planId' = $2`, [
    JSON.stringify({ ...result, sessions: 1_230_000, users: 456_000, estimated: true }),
    planId,
  ])
  await psql('alter table operation enable trigger user')
  const { id: operationId } = await operationOf(planId)
  const command = async (...args: string[]) => {
    const ran = runHere(['incident', ...args], { env: { DATABASE_URL: database.url } })
    await ran.ended
    return ran.output()
  }
  const page = async (path: string) => (await here.as(officer, `/admin/${path}`)).text()
  const shown = async () => ({
    list: await command('list'),
    show: await command('show', planId),
    incidents: await page('incidents'),
    incident: await page(`incidents/${planId}`),
  })
  const places = Object.entries({
    ...(await shown()),
    confirmation: await command('execute', planId),
    operation: await page(`operation?id=${operationId}`),
  })
  await incidents.execute(planId, STAFF)
  const running = Object.entries({ ...(await shown()), overview: await page('') })
  t.ok(await carryOut(database, barrier, planId))
  const done = Object.entries(await shown())
  for (const [when, texts] of Object.entries({ planned: places, running, done }))
    for (const [place, text] of texts) {
      const figures = text.match(/.{40}(1,?230,?000|456,?000)/g) ?? []
      // The list of finished incidents shows what ended, not the plan.
      if (when !== 'done' || place !== 'incidents') t.not(figures.length, 0, `${when}: ${place} has one`)
      for (const figure of figures) t.match(figure, /about |an estimate|<progress max="/, `${when}: ${place}`)
      t.notMatch(text, /(?<!about )(1,230,000|456,000)/, `${when}: ${place}`)
    }
  const [question] = places.flatMap(([place, text]) => (place === 'confirmation' ? [text] : []))
  t.match(
    question,
    'End about 1,230,000 sessions of about 456,000 users, 7 of them of staff? This cannot be undone.',
  )
  t.match(question, 'estimated from a sample, and not counted')
  const { paths } = (await (await here.http('/openapi.json')).json()) as { paths: Record<string, unknown> }
  t.match(
    JSON.stringify(paths['/api/admin/incidents']),
    /an estimate, not a count, where `estimated` is true/,
  )
})

async function operationOf(planId: string) {
  const [row] = await psql<{ id: string; result: object }>(
    `select id, result from operation where kind = 'incident.plan' and result ->> 'planId' = $1`,
    [planId],
  )
  if (!row) throw new Error('no such operation')
  return row
}
