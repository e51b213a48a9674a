/** Commands that take several users. JSON has an object for one, and a list for several. */
import { Failed } from '../../cli/common.ts'
import { explain } from '../../cli/explain.ts'
import { print, printToStderr } from '../../cli/print.ts'
import { called } from './cli-format.ts'
import type { FoundUser } from './queries.ts'

/** One after the other. */
export async function eachOf<T, U>(all: readonly T[], work: (each: T) => Promise<U>): Promise<U[]> {
  const results: U[] = []
  for (const each of all) results.push(await work(each))
  return results
}

export function oneOrAll<T>(all: readonly T[]): T | readonly T[] {
  return all.length === 1 ? (all[0] as T) : all
}

/** Prints each, with an empty line in between. */
export function separately<T>(all: readonly T[], printOne: (each: T) => void): void {
  for (const [i, each] of all.entries()) {
    if (i > 0) print('')
    printOne(each)
  }
}

/**
 * Acts on each user. A failure of one of several is printed, and the others go on: in an emergency, the rest of the list counts.
 * @returns the results, and a function that throws `Failed` if there was a failure. @throws the error of a single user.
 */
export async function forEachUser<T>(users: readonly FoundUser[], act: (user: FoundUser) => Promise<T>) {
  const results: T[] = []
  let failed = false
  for (const user of users)
    try {
      results.push(await act(user))
    } catch (error) {
      if (users.length === 1) throw error
      failed = true
      printToStderr(`global-logout: ${called(user)}, ${user.id}: ${explain(error)}`)
    }
  return {
    results: oneOrAll(results),
    throwIfFailed() {
      if (failed) throw new Failed()
    },
  }
}
