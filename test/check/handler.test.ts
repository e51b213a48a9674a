/** `/check` keeps the same contract in both modes: reading the database every time, and answering from the cache. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { databaseChecker } from '../../src/check/checker.ts'
import { createCheckHandler } from '../../src/check/handler.ts'
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

t.test(
  'cached checks of one turn of the event loop are answered together at its end, each for itself',
  async (t) => {
    const session = { valid: true, userId: 'u', createdAt: 1, expiresAt: 2 } as const
    const outcomes: string[] = []
    const asked: string[] = []
    const handle = createCheckHandler({
      // No header can have a line break.
      checking: {
        checker: {
          check(token) {
            asked.push(token)
            return { ...session, sessionId: token === 'bad' ? '\n' : token }
          },
        },
      },
      cookieSettings: {
        readCredential: ({ authorization = '' }) => ({ kind: 'token', token: authorization, via: 'bearer' }),
        readOthers: async () => [],
        warnUnlisted: () => {},
      },
      cookies: { ambiguousRemovals: () => [] },
      log: pino({ level: 'silent' }),
      metrics: { checked: (outcome) => outcomes.push(outcome) },
      replays: { refused: () => {} },
      addressOf: () => {
        throw new Error('no address is needed')
      },
    })
    const responses = ['one', 'bad', 'two'].map((authorization) => {
      const request = Object.assign(new IncomingMessage(new Socket()), { url: '/check' })
      request.headers = { authorization }
      const response = new ServerResponse(request)
      t.ok(handle(request, response))
      return response
    })
    t.same(outcomes, [], 'none is answered while others may arrive')
    t.same(asked, [], 'nor decided: a revocation may arrive, too')
    await turn()
    t.same(
      responses.map(({ statusCode }) => statusCode),
      [200, 500, 200],
    )
    t.same(outcomes, ['valid', 'undecided', 'valid'])
  },
)
