/** Every selector is documented, and an unknown one is refused rather than ignored. */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { conditionsOf, type Selection } from '../../../src/staff/incidents/selector-values.ts'
import { SELECTORS } from '../../../src/staff/incidents/selectors.ts'

t.test('the manual describes every selector', async (t) => {
  const manual = await readFile(new URL('../../../docs/incidents.md', import.meta.url), 'utf8')
  const rows = manual.split('\n').filter((line) => line.startsWith('|'))
  for (const { name } of SELECTORS)
    t.ok(
      rows.some((row) => row.includes(`\`${name}\``)),
      name,
    )
})

t.test('an unknown selector of a newer version is refused, so that its plan never ends more', (t) => {
  const newer = { createdAfter: '2026-11-24T13:00:00Z', country: 'x' } as Selection
  t.throws(() => conditionsOf(newer), { message: 'a selection has the unknown part country' })
  t.throws(() => conditionsOf({}), { message: 'a selection needs at least one part' })
  t.end()
})
