/** `/check` keeps the same contract in both modes: reading the database every time, and answering from the cache. */
import t from 'tap'
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
