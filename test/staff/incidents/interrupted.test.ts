/**
 * An incident that is killed, disconnected or raced at any point is continued, and its report adds up. Real
 * processes, SIGKILL.
 */

import t from 'tap'
import { runIncident } from '../../../src/staff/incidents/run.ts'
import { carryOut, startIncidentRunner } from '../../../src/staff/incidents/runner.ts'
import { hold } from '../../support/hold.ts'
import { addSessions, addsUp, begin, isFree, runnerProcess } from '../../support/incidents.ts'
import { keepLog, strictLog } from '../../support/log.ts'
import { seed } from '../../support/seed.ts'
import { startService } from '../../support/service.ts'
import { waitFor } from '../../support/within.ts'
import { createRandom } from '../../system/prove/random.ts'

// This test and the processes that it kills run the incidents.
const service = await startService({ except: ['incidents'] })
const { database, incidents, barrier } = service

t.test('killed after every batch and before the report: each time another process continues', async (t) => {
  await addSessions(service, 'every', { users: 5, each: 10 })
  const id = await begin(service, { userAgent: 'every' })
  for (let ended = 10; ended <= 50; ended += 10) {
    await isFree(service, id)
    t.equal(await runnerProcess(database.url, id, 10, { afterBatches: 1 }).over, 'SIGKILL')
    t.match(await incidents.get(id), { state: 'running', ended }, `${ended} are ended and counted`)
  }
  await isFree(service, id)
  t.equal(await runnerProcess(database.url, id, 10, 'before the report').over, 'SIGKILL')
  t.match(await incidents.get(id), { state: 'running', ended: 50, outcome: null })
  await isFree(service, id)
  t.equal(await runnerProcess(database.url, id, 10).over, 0)
  await addsUp(t, service, id, { endedPlanned: 50, users: 5 })
})

t.test('killed after each number of batches, the incident is finished by the service', async (t) => {
  for (const afterBatches of [0, 1, 2, 3]) {
    const name = `after${afterBatches}`
    await addSessions(service, name, { users: 3, each: 10 })
    const id = await begin(service, { userAgent: name })
    t.equal(await runnerProcess(database.url, id, 10, { afterBatches }).over, 'SIGKILL')
    t.equal((await incidents.get(id)).ended, 10 * afterBatches)
    t.ok(await carryOut(database, barrier, id))
    await addsUp(t, service, id, { endedPlanned: 30, users: 3 })
  }
})

// The lock that holds the batch up, by the step before it.
const insides = {
  'the sessions are deleted, and being recorded': 'lock table revoked_session in exclusive mode',
  'the sessions are recorded, and being counted': 'select from incident for update',
  'the report is being written': 'lock table operation in share row exclusive mode',
}
for (const [i, [where, lock]] of Object.entries(insides).entries()) {
  t.test(`killed within a transaction: ${where}`, async (t) => {
    const name = `inside${i}-`
    await addSessions(service, name, { users: 3, each: 10 })
    const id = await begin(service, { userAgent: name })
    const holder = await hold(database, lock)
    const runner = runnerProcess(database.url, id, 10)
    await waitFor('the runner to be held', async () => (await heldRunners()) > 0)
    t.equal(await runIncident(database, barrier, id), false, 'no other process runs it while this one lives')
    runner.child.kill('SIGKILL')
    await runner.over
    const { ended } = await incidents.get(id)
    t.equal(ended, where.startsWith('the report') ? 30 : 0, 'uncommitted work is not counted')
    await holder.end()
    t.ok(await carryOut(database, barrier, id))
    await addsUp(t, service, id, { endedPlanned: 30, users: 3 })
  })
}

t.test('killed at random moments, repeatedly', async (t) => {
  await addSessions(service, 'random', { users: 100, each: 20 })
  const id = await begin(service, { userAgent: 'random' })
  const { between } = createRandom(seed, 'kills')
  let kills = 0
  while ((await incidents.get(id)).state === 'running') {
    await isFree(service, id)
    const runner = runnerProcess(database.url, id, 20, { afterBatches: 25 })
    await Promise.race([runner.reached((await incidents.get(id)).ended + 20).catch(() => {}), runner.over])
    // The kill falls into one of the next ten batches or so, of a few milliseconds each. If this process is too slow for that, the
    // runner kills itself: 100 batches make at least three kills on any machine.
    await new Promise((turn) => setTimeout(turn, between(0, 250)))
    runner.child.kill('SIGKILL')
    if ((await runner.over) === 'SIGKILL') kills++
  }
  t.comment(`${kills} kills`)
  t.ok(kills >= 3)
  await addsUp(t, service, id, { endedPlanned: 2_000, users: 100 })
})

t.test('when its database connection is cut repeatedly, the service continues by itself', async (t) => {
  await addSessions(service, 'cut', { users: 100, each: 20 })
  const { log, lines } = keepLog()
  const runner = startIncidentRunner(database, barrier, log)
  const id = await begin(service, { userAgent: 'cut' })
  // Held within its first batch, so that three cuts happen on machines of any speed.
  const holder = await hold(database, 'select from incident where id = $1 for update', [id])
  const cut = new Set<number>()
  await waitFor('three connections that held the incident to be cut', async () => {
    const backends = await database.psql<{ pid: number }>(
      `select pid, pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
        and application_name = 'global-logout incident' and wait_event_type = 'Lock'`,
    )
    for (const { pid } of backends) cut.add(pid)
    return cut.size >= 3
  })
  await holder.end()
  await waitFor('the incident to be done', async () => (await incidents.get(id)).state === 'done')
  await runner.close()
  t.ok(lines.length >= 3, 'the log has an entry for each cut')
  await addsUp(t, service, id, { endedPlanned: 2_000, users: 100 })
})

t.test('a process that hangs loses the incident, and changes nothing when it resumes', async (t) => {
  await addSessions(service, 'hang', { users: 50, each: 20 })
  const id = await begin(service, { userAgent: 'hang' })
  const runner = runnerProcess(database.url, id, 5, { afterBatches: 2, by: 'SIGSTOP' })
  await waitFor('two batches of the runner', async () => (await incidents.get(id)).ended >= 10)
  t.match(await incidents.get(id), { state: 'running', ended: 10 })
  t.ok(await carryOut(database, barrier, id))
  runner.child.kill('SIGCONT')
  t.not(await runner.over, 0, 'another process runs the incident')
  await addsUp(t, service, id, { endedPlanned: 1_000, users: 50 })
})

t.test('of three concurrent processes one runs the incident, and nothing is counted twice', async (t) => {
  await addSessions(service, 'race', { users: 50, each: 20 })
  const id = await begin(service, { userAgent: 'race' })
  const runner = startIncidentRunner(database, barrier, strictLog(t))
  const codes = await Promise.all([1, 2, 3].map(() => runnerProcess(database.url, id, 10).over))
  for (const code of codes) t.ok(code === 0 || code === 3, `ended with ${code}`)
  t.ok(await carryOut(database, barrier, id))
  await runner.close()
  await addsUp(t, service, id, { endedPlanned: 1_000, users: 50 })
})

t.test('a runner that lost its lease without noticing cannot add to a finished report', async (t) => {
  const { endSessions } = await import('../../../src/staff/incidents/steps.ts')
  const [session] = await addSessions(service, 'late', { users: 1, each: 1 })
  const id = await begin(service, { userAgent: 'late' })
  const { operationId } = await incidents.get(id)
  t.ok(await carryOut(database, barrier, id))
  const [again] = await addSessions(service, 'later', { users: 1, each: 1 })
  t.not(again, session)
  const running = {
    id,
    operationId: operationId ?? '',
    reason: '',
    selection: {},
    epoch: null,
    locks: false,
    planned: 1,
    estimated: false,
    ended: 1,
  }
  await t.rejects(database.transaction((tx) => endSessions(tx, running, [again ?? ''])))
  t.equal((await database.psql('select from session where id = $1', [again])).length, 1)
  await addsUp(t, service, id, { endedPlanned: 1 })
})

/** How many runners wait for a lock. The jobs of the service may wait for it, too. */
async function heldRunners(): Promise<number> {
  const rows = await database.psql(
    `select from pg_stat_activity where datname = current_database()
      and application_name = 'global-logout incident' and wait_event_type = 'Lock'`,
  )
  return rows.length
}
