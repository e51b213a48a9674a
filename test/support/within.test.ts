/** A wait in vain ends, and says what it waited for. */
import t from 'tap'
import { waitFor, within } from './within.ts'

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
