/**
 * What a database error means: something wrong with the query, "not now" (503), or an outcome that nobody knows. What
 * never got an answer counts as "not now", never as a "no".
 */
import { DrizzleQueryError } from 'drizzle-orm'
import pg from 'pg'
import { Problem, unavailable } from '../errors.ts'

/** The SQLSTATE of a database error, also from inside drizzle's wrapper. */
export function sqlState(error: unknown): string | undefined {
  const cause = rootCause(error)
  return cause instanceof pg.DatabaseError ? cause.code : undefined
}

/** drizzle wraps errors together with the query's parameters; what may reach a log is the cause alone. */
export function rootCause(error: unknown): unknown {
  return error instanceof DrizzleQueryError && error.cause ? error.cause : error
}

/** SQLSTATE classes and codes in which the server says "not now": the caller may try again. */
const NOT_NOW = [
  '08', // connection exception
  '25006', // read-only: a demoted primary
  '25P03', // idle in transaction too long
  '25P04', // transaction took too long
  '3D', // no such database (yet)
  '40', // serialization failure, deadlock
  '42P01', // a table is missing: migrations have not run
  '53', // out of connections, memory, disk
  '55P03', // lock not available in time
  '57', // cancelled, shutting down, starting up
  '58', // system error
  'XX', // internal error
]

/** Row level security would have hidden rows; connections have `row_security` off, so PostgreSQL refuses instead. */
export function isRowSecurityError(error: unknown): boolean {
  const cause = rootCause(error)
  // The routine is the same in every language; the message is not.
  return cause instanceof pg.DatabaseError && cause.code === '42501' && cause.routine === 'check_enable_rls'
}

/** What the caller is told: 503 for what may go well another time, else the error itself. */
export function translate(error: unknown): unknown {
  if (error instanceof Problem) return error
  const cause = rootCause(error)
  const state = sqlState(error)
  if (isRowSecurityError(cause))
    return new Problem('unavailable', 'The session store does not show every session. Nothing was changed.', {
      cause,
    })
  if (state) return NOT_NOW.some((prefix) => state.startsWith(prefix)) ? unavailable(cause) : error
  // Without a SQLSTATE a failed query never got an answer: the connection was refused, reset or closed.
  return cause !== error || isConnectionError(error) ? unavailable(cause) : error
}

/** The server answered with an ERROR: the transaction is certainly rolled back. FATAL says nothing of the commit. */
export function isRefusal(error: unknown): boolean {
  const cause = rootCause(error)
  return cause instanceof pg.DatabaseError && cause.severity === 'ERROR'
}

/** A commit whose answer was lost. */
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
