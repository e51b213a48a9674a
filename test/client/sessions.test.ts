/** `Sessions` keep one contract, over HTTP and in process. */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { createClient, type Sessions } from '@global-logout/client'
import { createDatabaseSessions } from '@global-logout/postgres'
import t from 'tap'
import { login } from '../support/logins.ts'
import { startService } from '../support/service.ts'
import { sessionsSuite } from './sessions-suite.ts'

const leased = await startService({ env: { CHECK_MODE: 'leased', TRUST_PROXY: '127.0.0.1' } })
const { database } = leased
const application = await login(database, 'global_logout_application')

t.test('over HTTP, with a service in database mode', async (t) => {
  const service = await startService({ database, env: { TRUST_PROXY: '127.0.0.1' } })
  const { key } = await service.keyFor('sessions:create', 'users:delete')
  await leased.answersFromMemory()
  const sessions = createClient({ url: service.base, key })
  await sessionsSuite(t, { sessions, leased, flush: service.lastSeen.flush })
})

t.test('over HTTP, from memory', async (t) => {
  const { key } = await leased.keyFor('sessions:create', 'users:delete', 'leases')
  await leased.answersFromMemory()
  const sessions = createClient({ url: leased.base, key, checks: 'leased' })
  t.teardown(sessions.close)
  // Uses go with the next renewal.
  const flush = async () => {
    await sleep(1_100)
    await leased.lastSeen.flush()
  }
  await sessionsSuite(t, { sessions: takingTurns(sessions), leased, flush })
})

t.test('in process, with a login that may execute the functions for applications', async (t) => {
  const sessions = createDatabaseSessions({ connectionString: application.url })
  t.teardown(sessions.close)
  await leased.answersFromMemory()
  await sessionsSuite(t, { sessions, leased, flush: async () => {} })
})

t.test('in process, from memory', async (t) => {
  const sessions = createDatabaseSessions({
    connectionString: application.url,
    checks: 'leased',
    timeoutMs: 10_000,
    leases: { onError() {} },
  })
  t.teardown(sessions.close)
  await leased.answersFromMemory()
  // Uses are written every second.
  const flush = () => sleep(1_100)
  await sessionsSuite(t, { sessions: takingTurns(sessions), leased, flush })
})

/** A check from memory gives no other task a turn, not even the renewal of the lease, and the suite checks in loops. */
function takingTurns<S extends Pick<Sessions, 'check'>>(sessions: S): S {
  const check: Sessions['check'] = async (request) => {
    await setImmediate()
    return sessions.check(request)
  }
  return { ...sessions, check }
}
