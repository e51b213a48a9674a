/** Says what to do when a pooler in transaction mode has mixed up the named statements of a driver. */

/** The statement is another client's, or was prepared in another server process. */
const MIXED_UP = ['42P05', '26000']
const HINT =
  ' A pooler in transaction mode cannot carry named statements: turn them off in the driver (`prepare: false` for postgres-js).'

/** For the end of a message: what to do, or nothing where the error has another cause. */
export function poolerHint(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (MIXED_UP.includes(String((each as { code?: unknown }).code))) return HINT
  }
  return ''
}
