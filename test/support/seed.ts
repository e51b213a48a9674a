/**
 * One seed for the random choices of a test file, printed in its output. TEST_SEED repeats a run: its choices, not the
 * scheduling of the machine. Whatever fast-check makes in a file that imports this comes from it, too.
 */
import fc from 'fast-check'
import t from 'tap'

export const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
if (!Number.isInteger(seed)) throw new Error('TEST_SEED is a whole number')
t.comment(`TEST_SEED=${seed}`)
fc.configureGlobal({ seed })
