/** Turns what a database says into the errors of `Sessions`, with the codes of the service. */
import {
  LONGEST_USER_TEXT,
  type NewSession,
  NotSignedOutError,
  ServiceError,
  UndecidedError,
} from '@global-logout/client'
import { ActError } from './acts.ts'
import { MissingPackage } from './pg.ts'
import { poolerFault } from './pooler.ts'
import { readAddress } from './service.ts'

/** SQLSTATEs that have a code of the service. All else is `unavailable`, or `outcome_unknown` where the act may have happened. */
const KNOWN: Record<string, { status: number; code: string }> = {
  // The lock of a user (migrations/0001_sessions.sql).
  GL001: { status: 403, code: 'user_locked' },
  // The user is security staff (migrations/0003_applications.sql).
  GL002: { status: 403, code: 'insufficient_scope' },
  // A text that PostgreSQL cannot store.
  '22021': { status: 400, code: 'invalid_request' },
  '22P05': { status: 400, code: 'invalid_request' },
}

/** The transaction is REPEATABLE READ or SERIALIZABLE (migrations/0003_applications.sql). */
const OLD_SNAPSHOT = 'GL003'

/** @param Kind the class of the error. */
export function problemOf(error: unknown, Kind: typeof ServiceError): Error {
  if (!(error instanceof ActError)) return error as Error
  const known = KNOWN[error.state ?? '']
  if (known) return new Kind({ ...known, detail: `${error.reason}.` }, { cause: error })
  const [code, detail] = error.nothingDone
    ? ['unavailable', `${whyNot(error)} Nothing was changed; try again.`]
    : [
        'outcome_unknown',
        `${poolerFault(error) ?? 'The database did not confirm the change.'} Repeat the request.`,
      ]
  return new Kind({ status: 503, code, detail }, { cause: error, retryAfterSeconds: 1 })
}

export function undecided(error: unknown): Error {
  if (!(error instanceof ActError)) return error as Error
  const detail = `${whyNot(error)} The session may be valid.`
  return new UndecidedError(detail, { cause: error })
}

/** What keeps `checks: 'leased'` from a lease: an unfit server, a pooler, or two addresses that do not belong together. */
function isNamed(cause: unknown): cause is Error & { detail: string; advice: string } {
  return cause instanceof Error && ['UnfitServer', 'OtherServer'].includes(cause.name)
}

/** A mistake in the set-up is named: it would be taken for an outage. */
function whyNot(error: ActError): string {
  const { state = '', cause } = error
  if (cause instanceof MissingPackage) return cause.message
  if (isNamed(cause)) return `${cause.detail} ${cause.advice}`
  if (['3F000', '42883', '42P01', '42501'].includes(state))
    return 'The database lacks the functions of global-logout, or the right to call them: see "global-logout doctor".'
  if (state === '25006') return 'The database is a standby.'
  if (state === OLD_SNAPSHOT)
    return 'The connection is in a transaction of the application that is not READ COMMITTED, where a sign-out would miss sessions: give db a connection of its own.'
  return poolerFault(error) ?? 'The database did not answer in time.'
}

export function invalidToken(): NotSignedOutError {
  const detail = 'Sign in again. Nothing was ended by this request.'
  return new NotSignedOutError({ status: 401, code: 'invalid_token', detail })
}

/** One session of the browser has ended, another perhaps not. @throws NotSignedOutError `outcome_unknown` */
export function halfSignedOut(cause: unknown): never {
  const detail =
    'The request has several session cookies, and not all of their sessions have ended. Repeat it.'
  const problem = { status: 503, code: 'outcome_unknown', detail }
  throw new NotSignedOutError(problem, { cause, retryAfterSeconds: 1 })
}

export function sessionOver(outcome = ''): ServiceError {
  const detail = `The session is not taken over, because it is over (${outcome}). Its store is to forget it.`
  return new ServiceError({ status: 409, code: 'session_over', detail })
}

/** @throws NotSignedOutError `invalid_request` unless it is a scope. */
export function requireScope(scope: string): void {
  if (['local', 'others', 'global'].includes(scope)) return
  const detail = 'scope: must be local, others or global'
  throw new NotSignedOutError({ status: 400, code: 'invalid_request', detail })
}

/** @throws TypeError without a user, ServiceError `invalid_request` for what the service would refuse, too. */
export function requireValid({ user, ipAddress, replaces, takeOver }: NewSession): void {
  if (typeof user?.id !== 'string' || user.id === '') throw new TypeError('user.id: must be a text')
  if (takeOver && replaces) throw new TypeError('takeOver: replaces no other session')
  const { id, name, email, image } = user
  for (const [field, text] of Object.entries({ id, name, email, image })) {
    if (text == null) continue
    if (typeof text !== 'string' || text.length > LONGEST_USER_TEXT || text.includes('\0'))
      throw invalid(`user.${field}: must be a text of at most ${LONGEST_USER_TEXT} characters, without NUL`)
  }
  if (ipAddress != null && readAddress(ipAddress) === null)
    throw invalid('ipAddress: must be an IPv4 or IPv6 address')
}

function invalid(detail: string): ServiceError {
  return new ServiceError({ status: 400, code: 'invalid_request', detail })
}
