/** An instance that loses its database answers "valid" from its cache only until its lease ends. A hanging query holds no others up. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { databaseChecker } from '../../src/check/checker.ts'
import { checkTokens } from '../../src/check/queries.ts'
import { openDatabase } from '../../src/database/database.ts'
import { openTestDatabase } from '../support/database.ts'
import { ownServer } from '../support/own-server.ts'
import { json, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const server = await ownServer()
const database = openTestDatabase(server.url, { max: 6 })
const service = await startService({ database, env: { CHECK_MODE: 'leased' }, patient: false })
const { as, check } = service
const ada = await service.addUser('ada')

for (const [how, away, back] of [
  ['stopped', server.stop, server.start],
  ['frozen', server.freeze, server.thaw],
] as const) {
  t.test(
    `${how}: valid from the cache while the lease is held, then 503, then valid again`,
    { skip: how === 'frozen' && process.platform !== 'linux' && 'needs SIGSTOP' },
    async (t) => {
      const { token } = await service.signIn(ada)
      await service.answersFromMemory()
      for (let hits = service.hits(); service.hits() === hits; ) t.equal(await check(token), 200)
      await away()
      t.not(await check(token), 401, 'an outage logs no user out')
      await waitFor('the lease to end', () => !service.leased?.holdsLease())
      const response = await as(token, '/check')
      t.equal(response.status, 503)
      t.equal(response.headers.get('retry-after'), '1')
      t.equal((await as(token, '/api/logout', json({ scope: 'global' }))).status, 503)
      await back()
      await service.answersFromMemory()
      await waitFor('a check that is decided', async () => (await check(token)) !== 503)
      t.equal(await check(token), 200)
    },
  )
}

t.test(
  'one hanging query does not hold other checks up',
  { skip: process.platform !== 'linux' && 'needs SIGSTOP' },
  async (t) => {
    const { token } = await service.signIn(ada)
    const checks = openDatabase(server.url, { max: 2, deadlineMs: 30_000 })
    t.teardown(() => checks.close())
    const answered: string[] = []
    const [backend = [Number.NaN]] = await checks.query<[number]>({
      name: 'backend',
      text: 'select pg_backend_pid()',
      values: [],
    })
    const checker = databaseChecker((hashes) => checkTokens(checks.query, hashes), { record: () => {} })
    const check = async (name: string) => {
      t.match(await checker.check(token), { valid: true })
      answered.push(name)
    }
    await check('first')

    const [pid] = backend
    process.kill(pid, 'SIGSTOP')
    const hanging = check('hanging')
    // Its query begins, alone.
    for (let n = 0; n < 3; n++) await turn()
    await Promise.all([check('second'), check('third')])
    await check('fourth')
    process.kill(pid, 'SIGCONT')
    await hanging
    t.same(answered, ['first', 'second', 'third', 'fourth', 'hanging'])
  },
)
