/** Every mutation still applies: its text is found exactly once in its file, and is changed. */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { FAULTS } from '../faults.ts'
import { applyMutation } from './apply.ts'
import { MUTATIONS } from './table.ts'

for (const [name, mutation] of Object.entries(MUTATIONS)) {
  t.test(`the mutation ${name} applies, under a fault of its mode`, async (t) => {
    const source = await readFile(new URL(`../../../../${mutation.file}`, import.meta.url), 'utf8')
    t.not(applyMutation(mutation, source), source)
    t.ok(
      mutation.fault === null || FAULTS[mutation.fault].modes.some((mode) => mode === mutation.mode),
      'its fault occurs in its mode',
    )
  })
}

t.test('a text that is not found, or found twice, is reported', async (t) => {
  const mutation = {
    meaning: '',
    mode: 'database',
    fault: 'none',
    file: 'x.ts',
    find: 'a',
    replace: 'b',
  } as const
  t.equal(applyMutation(mutation, 'cat'), 'cbt')
  t.throws(() => applyMutation(mutation, 'dog'), /0 times in x.ts/)
  t.throws(() => applyMutation(mutation, 'banana'), /3 times in x.ts/)
})
