/**
 * The actions of security staff on one user. `revoke` keeps the promise of a global logout: when it returns, no instance
 * accepts any session of the user; with a lock, the database refuses new ones. Every action is one operation, recorded in the
 * same transaction. Callers check permissions.
 */

import type { Database, Executor } from '../../database/database.ts'
import { Problem } from '../../errors.ts'
import { afterCommit } from '../../leases/after-commit.ts'
import type { Barrier } from '../../leases/barrier.ts'
import type { Log } from '../../lib/log.ts'
import { type Actor, recordOperationWithoutRevocations } from '../../operations/record.ts'
import { deleteLock, type Lock, putLock } from '../../sessions/locks.ts'
import {
  countActiveSessions,
  currentXid,
  listSessions,
  lockUserForLogout,
  sessionFilter,
} from '../../sessions/queries.ts'
import { revoke } from '../../sessions/revoke.ts'
import type { Session } from '../../sessions/schema.ts'
import { listReplays } from '../replays/queries.ts'
import type { Replay } from '../replays/schema.ts'
import type { StaffRole } from '../role-names.ts'
import { findRole, setRole } from '../roles.ts'
import { type FoundUser, findUser, findUsers, listRevocations, type Revocation } from './queries.ts'

/** Users that a search returns at most. */
export const MAX_FOUND = 50
/** Newest sessions, revocations and replays that are listed for a user. */
const MAX_LISTED = 200

export interface Account {
  user: FoundUser
  /** Active sessions, last seen first, and how many there are. */
  sessions: Session[]
  sessionCount: number
  /** Newest first. No operation: ended outside the service. */
  revocations: Revocation[]
  replays: Replay[]
}

export interface RevokeAll {
  reason: string
  /** Locks sign-in for this many seconds; null: until staff unlock it. It does not shorten a longer lock. */
  lockSeconds?: number | null | undefined
}

export interface Revoked {
  operationId: string
  /** The active sessions that this call ended. */
  revoked: Session[]
  /** The requested lock, or a longer one already in force. */
  lock: Lock | null
  waitedMs: number | null
}

export type Accounts = ReturnType<typeof createAccounts>

export function createAccounts(
  { run, transaction }: Pick<Database, 'run' | 'transaction'>,
  barrier: Pick<Barrier, 'wait'>,
  log: Log,
) {
  const waitForInstances = afterCommit({ run }, barrier, log)

  return {
    /** Users whose id, email or name begins with `prefix`, in any case. */
    find: (prefix: string): Promise<FoundUser[]> => run((db) => findUsers(db, prefix, MAX_FOUND)),

    /** The user with exactly this id, or else this email. Several where users of the application share an email. */
    named: (text: string): Promise<FoundUser[]> =>
      run(async (db) => {
        const one = await findUser(db, text)
        return one ? [one] : (await findUsers(db, text, MAX_FOUND)).filter(({ email }) => email === text)
      }),

    /** @throws Problem `user_not_found`. */
    show: (userId: string): Promise<Account> =>
      run(async (db) => ({
        user: await requireUser(db, userId),
        sessions: await listSessions(db, userId, MAX_LISTED),
        sessionCount: await countActiveSessions(db, userId),
        revocations: await listRevocations(db, userId, MAX_LISTED),
        replays: await listReplays(db, userId, MAX_LISTED),
      })),

    /** Ends all sessions of a user. @throws Problem `user_not_found`. */
    async revoke(userId: string, { reason, lockSeconds }: RevokeAll, by: Actor): Promise<Revoked> {
      const { xid, ...ended } = await transaction(async (tx) => {
        await lockUserForLogout(tx, userId)
        await requireUser(tx, userId)
        const lock = lockSeconds === undefined ? null : await putLock(tx, userId, lockSeconds, reason)
        const ended = await revoke(tx, sessionFilter.ofUser(userId), {
          ...by,
          kind: 'user.revoke',
          userId,
          reason,
          ...(lock && { result: { lockedUntil: until(lock) } }),
        })
        return { ...ended, lock, xid: await currentXid(tx) }
      })
      return { ...ended, waitedMs: await waitForInstances(xid, ended.operationId) }
    },

    /**
     * Unlocks sign-in of a user. Without a lock it does nothing and records no operation.
     * @throws Problem `user_not_found`.
     */
    unlock: (userId: string, reason: string | null, by: Actor): Promise<{ operationId: string | null }> =>
      transaction(async (tx) => {
        await lockUserForLogout(tx, userId)
        await requireUser(tx, userId)
        const lock = await deleteLock(tx, userId)
        if (!lock) return { operationId: null }
        const result = { lockedUntil: until(lock) }
        return {
          operationId: await recordOperationWithoutRevocations(tx, {
            ...by,
            kind: 'user.unlock',
            userId,
            reason,
            result,
          }),
        }
      }),

    /**
     * Gives a user a role, or takes it away (null). Needs the owner of the tables: the service's database role may not.
     * @throws Problem `user_not_found`.
     */
    setRole: (userId: string, role: StaffRole | null, reason: string | null, by: Actor) =>
      transaction(async (tx): Promise<{ operationId: string; before: StaffRole | null }> => {
        await requireUser(tx, userId)
        const before = await findRole(tx, userId)
        await setRole(tx, userId, role)
        const what = { ...by, kind: 'user.role' as const, userId, reason, result: { role, before } }
        return { operationId: await recordOperationWithoutRevocations(tx, what), before }
      }),
  }
}

async function requireUser(db: Executor, userId: string): Promise<FoundUser> {
  const user = await findUser(db, userId)
  if (!user) throw new Problem('user_not_found', `There is no user ${JSON.stringify(userId)}.`)
  return user
}

function until(lock: Lock): string {
  return lock.until?.toISOString() ?? 'forever'
}
