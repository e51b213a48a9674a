/** `/check` keeps the same contract in both modes: reading the database every time, and answering from the cache. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { databaseChecker } from '../../src/check/checker.ts'
import { checkTokens } from '../../src/check/queries.ts'
import type { Database } from '../../src/database/database.ts'
import { startService } from '../support/service.ts'
import { checkContract } from './contract.ts'

t.test('database mode', async (t) => checkContract(t, await startService()))

t.test('leased mode', async (t) => {
  const service = await startService({ env: { CHECK_MODE: 'leased' } })
  await service.answersFromMemory()
  const before = service.hits()
  await checkContract(t, service)
  t.ok(service.hits() - before > 20, 'many of these answers came from the cache')
})

t.test('checks that arrive within two turns of the event loop share a query', async (t) => {
  const tokens: number[] = []
  const query = (async ({ values }) => {
    tokens.push((values[0] as string[]).length)
    return []
  }) as Database['query']
  const { check } = databaseChecker((hashes) => checkTokens(query, hashes), { record: () => {} })
  const verdicts = [check('a'), check('b')]
  await turn()
  verdicts.push(check('c'))
  t.same(tokens, [], 'not begun yet')
  t.match(await Promise.all(verdicts), [{ valid: false }, { valid: false }, { valid: false }])
  t.same(tokens, [3])
})
