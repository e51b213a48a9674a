/**
 * One seed for the random choices of a test file, fast-check's included, printed in its output. TEST_SEED repeats the choices of
 * a run, not the scheduling of the machine. Tokens, ids, passwords and ports stay random: no test may depend on their value.
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
