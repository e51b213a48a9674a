/** Errors of commands in words, with what to do where that is known. */

import { isRowSecurityError, rootCause } from '../database/failures.ts'
import { Problem } from '../errors.ts'

/** The error in words, with what to do where that is known. */
export function explain(error: unknown): string {
  if (error instanceof Problem && error.code === 'outcome_unknown')
    return 'the connection was lost while the change was committed: it may have been made. Run the command again.'
  if (error instanceof Problem && !error.cause) return error.detail
  const root = rootCause(error instanceof Problem ? error.cause : error)
  const { code, message, cause } = root as Error & { code?: string; cause?: Error & { stderr?: string } }
  if (isRowSecurityError(root))
    return `row level security hides rows from the user of DATABASE_URL: ${message}. Nothing was changed. "global-logout doctor" says what to do.`
  const known = code && KNOWN[code]
  if (known) return known(code, message)
  if (/timeout expired/.test(message))
    return 'the database at DATABASE_URL accepts connections but does not answer.'
  const reason = cause?.stderr?.trim() || cause?.message
  return reason ? `${message}\n${reason}` : message
}

const away = (code: string) => `no database answers at DATABASE_URL (${code}). Is it running?`
const refused = (_: string, message: string) => `the database refused the user of DATABASE_URL: ${message}`
const older = () => 'the database lacks tables of this version: run "global-logout migrate" as their owner.'

/** Codes of the system and of PostgreSQL that people meet, and what they mean. */
const KNOWN: Record<string, (code: string, message: string) => string> = {
  EADDRINUSE: () => 'another program listens on this PORT; stop it or set PORT to a free one.',
  EACCES: (_, message) => `not allowed: ${message}`,
  ECONNREFUSED: away,
  ECONNRESET: away,
  EHOSTUNREACH: away,
  ENETUNREACH: away,
  ETIMEDOUT: away,
  ENOTFOUND: away,
  EAI_AGAIN: away,
  '28P01': refused,
  '28000': refused,
  '3D000': (_, message) => `the database of DATABASE_URL does not exist: ${message}`,
  '3F000': older,
  '42P01': older,
  '42703': older,
  '42883': older,
  '42501': (_, message) =>
    `the user of DATABASE_URL may not do this: ${message}. Connect as a role in global_logout_service, or as the owner of the tables.`,
}
