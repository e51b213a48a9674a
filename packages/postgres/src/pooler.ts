/** Says what to do when a pooler does not carry what the application's driver asks of it. */

/** The statement is another client's, or was prepared in another server process. */
const MIXED_UP = ['42P05', '26000']
const NAMES =
  'A pooler in transaction mode has mixed up named statements. Turn them off in the driver (`prepare: false` for postgres-js, no `name` for node-postgres).'

/** The driver said "committed", and the database did not: postgres-js repeats a `commit` by name that has just ended in a rollback. */
export class NotCommitted extends Error {}

/** What happened, and what to do; undefined where the error has another cause. */
export function poolerFault(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code, message } = each as Error & { code?: unknown }
    if (each instanceof NotCommitted || MIXED_UP.includes(String(code))) return NAMES
    if (code !== '08P01') continue
    // Another statement has the name, with other parameters.
    if (message.startsWith('bind message')) return NAMES
    if (message.includes('startup parameter'))
      return `The pooler refuses a setting of the connection (${message}). Remove it from the driver's options or the address.`
  }
  return undefined
}
