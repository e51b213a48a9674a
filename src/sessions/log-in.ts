/** Signs a user in: one call of `log_in()` in migrations/0003_applications.sql, which holds the rules. */
import type { Database } from '../database/database.ts'
import { sqlState } from '../database/failures.ts'
import { hashToken } from '../database/token-hash.ts'
import { Problem, unavailable } from '../errors.ts'
import type { AfterCommit } from '../leases/after-commit.ts'
import { actsOf } from '../operations/acknowledged.ts'
import { profileText, type SignIn } from './device-columns.ts'
import { findLock } from './locks.ts'
import type { UserProfile } from './queries.ts'
import { userLocked } from './refusals.ts'
import { generateSessionToken } from './tokens.ts'

/** Device, address and id of a request; null or absent where unknown. */
export interface RequestSource {
  userAgent: string | null
  ipAddress: string | null
  requestId?: string
}

export interface Login extends RequestSource {
  userId: string
  /** What the application knows of the user, for staff and pages. A field that is left out keeps its value. */
  profile?: UserProfile
  /** How and where the user signed in. */
  signIn?: SignIn | undefined
  /** The previous token of this browser; its session ends in the same transaction, which prevents session fixation. */
  replaces?: string | undefined
  /** The service key that creates the session; absent when the user signs in. */
  key?: { id: string; scopes: readonly string[] }
}

/** A new session, with the latest time at which it can end. */
export interface CreatedSession {
  id: string
  expires: Date
}

const LOG_IN = {
  name: 'log-in',
  text: `select xid, session_id, extract(epoch from expires_at)::float8, acts from global_logout.log_in($1::text, $2::text, $3::jsonb,
    $4::text, $5::inet, $6::text, $7::uuid, $8::boolean, $9::text)`,
}
/** The errors that `log_in()` raises itself. */
const LOCKED = 'GL001'
const IS_STAFF = 'GL002'

export function createLogIn({ run, act }: Pick<Database, 'run' | 'act'>, afterCommit: AfterCommit) {
  /** @throws Problem `user_locked` for a locked user, `insufficient_scope`. */
  return async ({
    userId,
    profile = {},
    signIn,
    replaces,
    key,
    userAgent,
    ipAddress,
    requestId,
  }: Login): Promise<{ token: string; session: CreatedSession }> => {
    const token = generateSessionToken()
    const who = [hashToken(token), userId, profileText(profile, signIn), userAgent, ipAddress]
    const how = [
      replaces === undefined ? null : hashToken(replaces),
      key?.id ?? null,
      !key || key.scopes.includes('security'),
      requestId ?? null,
    ]
    const [xid, id, expires, acts] = await act<[string, string, number, string]>({
      ...LOG_IN,
      values: [...who, ...how],
    }).catch(async (error) => {
      throw await refusalOf(error, userId)
    })
    if (replaces !== undefined) {
      const done = actsOf(acts)
      await afterCommit(xid, done[0]?.id ?? null, done)
    }
    return { token, session: { id, expires: new Date(expires * 1000) } }
  }

  async function refusalOf(error: unknown, userId: string): Promise<unknown> {
    const state = sqlState(error)
    if (state === IS_STAFF)
      return new Problem(
        'insufficient_scope',
        'This user is security staff. To sign in staff, the key also needs the scope security.',
      )
    if (state !== LOCKED) return error
    const lock = await run((db) => findLock(db, userId))
    // Lifted since.
    return lock ? userLocked(lock) : unavailable(error)
  }
}
