/** Error messages of commands: what happened, and what to do. */
import { isRowSecurityError, rootCause } from '../database/failures.ts'
import { Problem } from '../errors.ts'

/** What happened and, for known errors, what to do. */
export function explain(error: unknown): string {
  if (error instanceof Problem && error.code === 'outcome_unknown')
    return 'the connection was lost during the commit: the change may have been made. Run the command again.'
  if (error instanceof Problem && !error.cause) return error.detail
  const root = rootCause(error instanceof Problem ? error.cause : error)
  const { code, message, cause } = root as Error & { code?: string; cause?: Error & { stderr?: string } }
  if (isRowSecurityError(root))
    return `row level security hides rows from the user of DATABASE_URL: ${message}. Nothing was changed. "global-logout doctor" shows what to do.`
  const format = code && MESSAGES[code]
  if (format) return format(code, message)
  if (/timeout expired/.test(message))
    return 'the database at DATABASE_URL accepts connections, but does not respond.'
  const reason = cause?.stderr?.trim() || cause?.message
  return reason ? `${message}\n${reason}` : message
}

const unreachable = (code: string) => `no database answers at DATABASE_URL (${code}). Is it running?`
const loginRejected = (_: string, message: string) =>
  `the database rejected the login of DATABASE_URL: ${message}`
const notMigrated = () =>
  'the database is not migrated to this version: run "global-logout migrate" as the owner of its tables.'

/** Messages by code of the operating system or SQLSTATE. */
const MESSAGES: Record<string, (code: string, message: string) => string> = {
  EADDRINUSE: () => 'another program listens on this PORT. Stop it, or set PORT to a free port.',
  EACCES: (_, message) => `permission denied: ${message}`,
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  '28P01': loginRejected,
  '28000': loginRejected,
  '3D000': (_, message) => `the database of DATABASE_URL does not exist: ${message}`,
  '3F000': notMigrated,
  '42P01': notMigrated,
  '42703': notMigrated,
  '42883': notMigrated,
  '42501': (_, message) =>
    `the user of DATABASE_URL lacks a right: ${message}. Connect as a role in global_logout_service, or as the owner of the tables.`,
}
