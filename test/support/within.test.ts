/** A wait in vain ends, and says what it waited for. */
import { EventEmitter } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { nextEvent, waitFor, within } from './within.ts'

t.test('a condition that never holds, and one that never answers, are named', async (t) => {
  await t.rejects(
    waitFor('the lease to end', () => false, 20),
    { message: 'the lease to end: not within 0.02 seconds' },
  )
  await t.rejects(
    waitFor('the server to answer', () => new Promise<boolean>(() => {}), 20),
    { message: 'the server to answer: not within 0.02 seconds' },
  )
  await t.rejects(within('the answer', new Promise(() => {}), 20), { message: /the answer: not within/ })
})

t.test('what the condition returns is returned, what it throws is thrown', async (t) => {
  let asked = 0
  t.equal(await waitFor('the third answer', async () => ++asked >= 3 && `answer ${asked}`), 'answer 3')
  await t.rejects(
    waitFor('an answer', async () => {
      throw new Error('refused')
    }),
    { message: 'refused' },
  )
})

t.test('of several events the first counts; one that never comes is named', async (t) => {
  const emitter = new EventEmitter()
  const answered = nextEvent('an answer', emitter, ['response', 'upgrade'])
  emitter.emit('upgrade', 'websocket')
  t.same(await answered, ['websocket'])
  await t.rejects(nextEvent('an answer', emitter, 'response', 20), { message: /an answer: not within/ })
  const failed = nextEvent('an answer', emitter, 'response')
  emitter.emit('error', new Error('reset'))
  await t.rejects(failed, { message: 'reset' })
  t.same(emitter.eventNames(), [], 'nothing listens any more')
})

t.test('no test waits for an event without a limit: nextEvent() has one', async (t) => {
  const root = new URL('../', import.meta.url)
  const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith('.ts'))
  const unlimited: string[] = []
  for (const file of files)
    if (/import \{[^}]*\bonce\b[^}]*\} from 'node:events'/.test(await readFile(new URL(file, root), 'utf8')))
      unlimited.push(file)
  t.same(unlimited, ['support/within.ts'])
})
