/** The README's table of error codes and `ERRORS` are equal, both ways and in the same order. */
import t from 'tap'
import { ERRORS } from '../src/errors.ts'
import { readmeTable } from './docs/readme.ts'

t.test('the README lists every error code, with its status and title', async (t) => {
  const documented = readmeTable('Error codes')
  const defined = Object.entries(ERRORS).map(([code, { status, title }]) => [code, String(status), title])
  t.same(documented, defined)
})
