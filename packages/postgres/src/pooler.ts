/** Says what to do when a pooler in transaction mode has mixed up the named statements of a driver. */

/** The statement is another client's, or was prepared in another server process. */
const MIXED_UP = ['42P05', '26000']
const HINT =
  ' Where a pooler in transaction mode is in between, turn off named statements in the driver (`prepare: false` for postgres-js).'

/** The driver said "committed", and the database did not: postgres-js repeats a `commit` by name that has just ended in a rollback. */
export class NotCommitted extends Error {}

/** For the end of a message: what to do, or nothing where the error has another cause. */
export function poolerHint(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof NotCommitted) return HINT
    if (MIXED_UP.includes(String((each as { code?: unknown }).code))) return HINT
  }
  return ''
}
