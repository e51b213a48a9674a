/**
 * Classifies database errors: a fault of the query, a temporary failure (503), or an unknown outcome. A query without an answer is
 * a temporary failure, never a "no".
 */
import pg from 'pg'
import { Problem, unavailable } from '../errors.ts'

/** The SQLSTATE of a database error, also from inside drizzle's wrapper. */
export function sqlState(error: unknown): string | undefined {
  const cause = rootCause(error)
  return cause instanceof pg.DatabaseError ? cause.code : undefined
}

/**
 * The error below drizzle's wrapper. Only this one may be logged: the wrapper holds the query's parameters. It is known by these, because
 * `@global-logout/postgres` bundles this module, and has no drizzle.
 */
export function rootCause(error: unknown): unknown {
  return error instanceof Error && 'query' in error && 'params' in error && error.cause ? error.cause : error
}

/** SQLSTATE classes and codes of temporary failures: the caller may retry. */
const TEMPORARY = [
  '08', // connection exception; PgBouncer's own errors (08P01)
  '25006', // read-only: a demoted primary; or check_tokens() refuses the server
  '25P03', // idle in transaction too long
  '25P04', // transaction took too long
  '26000', // no such prepared statement: behind a pooler in transaction mode another server process answered
  '3D', // no such database (yet)
  '3F', // our schema is missing: migrations have not run
  '40', // serialization failure, deadlock
  '42704', // a type is missing: migrations have not run
  '42883', // a function is missing: migrations have not run
  '42P01', // a table is missing: migrations have not run
  '42P05', // the prepared statement exists: it is another client's, behind a pooler in transaction mode
  '53', // out of connections, memory, disk
  '55P03', // lock not available in time
  '57', // cancelled, shutting down, starting up
  '58', // system error
  'XX', // internal error
]

/** `begin_act()` refuses REPEATABLE READ and SERIALIZABLE. A mistake in the set-up, which is named: a retry would not help. */
const OLD_SNAPSHOT = 'GL003'

/** Whether row level security would have hidden rows. Connections have `row_security` off, so PostgreSQL refuses the query. */
export function isRowSecurityError(error: unknown): boolean {
  const cause = rootCause(error)
  // The message depends on the server's language, the routine does not.
  return cause instanceof pg.DatabaseError && cause.code === '42501' && cause.routine === 'check_enable_rls'
}

/** The error for the caller: a 503 for a temporary failure, else the error itself. */
export function translate(error: unknown): unknown {
  if (error instanceof Problem) return error
  const cause = rootCause(error)
  const state = sqlState(error)
  if (isRowSecurityError(cause))
    return new Problem('unavailable', 'The session store does not show every session. Nothing was changed.', {
      cause,
    })
  if (state === OLD_SNAPSHOT)
    return new Problem(
      'unavailable',
      'The transaction would not see every session: it must be READ COMMITTED. Nothing was changed.',
      { cause },
    )
  if (state) return TEMPORARY.some((prefix) => state.startsWith(prefix)) ? unavailable(cause) : error
  // A failed query without a SQLSTATE got no answer: the connection was refused, reset or closed.
  return cause !== error || isConnectionError(error) ? unavailable(cause) : error
}

/** Whether the server answered with an ERROR: then the transaction is rolled back. After FATAL it may be committed. */
export function isRefusal(error: unknown): boolean {
  const cause = rootCause(error)
  return cause instanceof pg.DatabaseError && cause.severity === 'ERROR'
}

/** The problem of a COMMIT whose answer was lost. */
export function outcomeUnknown(cause: unknown): Problem {
  return new Problem('outcome_unknown', 'The session store did not confirm the change. Repeat the request.', {
    cause,
  })
}

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    'syscall' in error || /Connection terminated|not queryable|Client has encountered/.test(error.message)
  )
}
