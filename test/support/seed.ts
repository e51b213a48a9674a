/**
 * One seed for the random choices of a test file, printed in its output. TEST_SEED repeats a run: its choices, not the
 * scheduling of the machine. Whatever fast-check makes in a file that imports this comes from it, too.
 */
import fc from 'fast-check'
import t, { type Test } from 'tap'

export const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
if (!Number.isInteger(seed)) throw new Error('TEST_SEED is a whole number')
t.comment(`TEST_SEED=${seed}`)
fc.configureGlobal({ seed })

/** Asserts a property of fast-check; a counterexample fails the test, with the seed that repeats it. */
export async function holds<Values>(
  t: Pick<Test, 'equal'>,
  property: fc.IRawProperty<Values>,
  options?: fc.Parameters<Values>,
): Promise<void> {
  const run = await fc.check(property, options)
  t.equal(await fc.asyncDefaultReportMessage(run), undefined, `no counterexample in ${run.numRuns} cases`)
}
