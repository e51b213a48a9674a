/** No mistake has lost its place: each is found exactly once in its file, and changes it. */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { FAULTS } from '../faults.ts'
import { withMistake } from './apply.ts'
import { MISTAKES } from './table.ts'

for (const [name, mistake] of Object.entries(MISTAKES)) {
  t.test(name, async (t) => {
    const source = await readFile(new URL(`../../../../${mistake.file}`, import.meta.url), 'utf8')
    t.not(withMistake(mistake, source), source)
    t.ok(
      FAULTS[mistake.fault].modes.some((mode) => mode === mistake.mode),
      'its fault occurs in its mode',
    )
  })
}

t.test('a place that is gone, or is not the only one, is reported', async (t) => {
  const mistake = {
    meaning: '',
    mode: 'database',
    fault: 'none',
    file: 'x.ts',
    find: 'a',
    replace: 'b',
  } as const
  t.equal(withMistake(mistake, 'cat'), 'cbt')
  t.throws(() => withMistake(mistake, 'dog'), /0 times in x.ts/)
  t.throws(() => withMistake(mistake, 'banana'), /3 times in x.ts/)
})
