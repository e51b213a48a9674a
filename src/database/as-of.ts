/**
 * Up to when the data of an answer is complete. A read from a replica notes it, and the answer tells it: the pages of staff,
 * a header of their API, the command line.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

const answers = new AsyncLocalStorage<{ at: Date | null }>()

/** Runs `work`, which makes one answer. */
export function withAsOf<T>(work: () => T): T {
  return answers.run({ at: null }, work)
}

/** Notes that the answer holds data of this instant. Null: of now. */
export function noteAsOf(at: Date | null): void {
  const answer = answers.getStore()
  if (answer && at && (!answer.at || at < answer.at)) answer.at = at
}

/** The oldest instant that was noted for this answer; null while all of it is of now. */
export function asOf(): Date | null {
  return answers.getStore()?.at ?? null
}
