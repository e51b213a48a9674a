/**
 * The actions of security staff on one user. `revoke` keeps the promise of a global logout: when it returns, no instance
 * accepts any session of the user; with a lock, the database refuses new ones. Every action is one operation, recorded in the
 * same transaction. Callers check permissions.
 */

import type { Database, Executor } from '../../database/database.ts'
import type { Reads } from '../../database/reads.ts'
import { Problem } from '../../errors.ts'
import type { AfterCommit } from '../../leases/after-commit.ts'
import { type AcknowledgedActs, actsOf } from '../../operations/acknowledged.ts'
import { type Actor, operationRow, recordOperationWithoutRevocations } from '../../operations/record.ts'
import type { Operation } from '../../operations/schema.ts'
import { deleteLock, type Lock } from '../../sessions/locks.ts'
import { lockUserForLogout } from '../../sessions/queries.ts'
import { type Dated, type Ended, endedOf, endingAct, MOST_LISTED } from '../../sessions/revoke.ts'
import type { Session } from '../../sessions/schema.ts'
import { countActiveSessions, listSessions } from '../../sessions/session-list.ts'
import { type ListedReplay, listReplays } from '../replays/queries.ts'
import type { StaffRole } from '../role-names.ts'
import { findRole, setRole } from '../roles.ts'
import { createBulk } from './bulk.ts'
import { createChosenSessions } from './chosen-sessions.ts'
import { createFind, MAX_FOUND } from './find.ts'
import { createLists } from './lists.ts'
import {
  type FoundUser,
  findUser,
  findUsers,
  listNotes,
  listRevocations,
  type Revocation,
} from './queries.ts'

/** Sessions of a page, and the newest revocations and replays that are listed for a user. */
const MAX_LISTED = 200
/** Notes that are listed of a user. */
const MAX_NOTES = 50

export interface Account {
  user: FoundUser
  /** False where only the caller has the id: then there is nothing else of the user. */
  isKnown: boolean
  /** A page of the active sessions, last seen first, and how many there are. */
  sessions: Session[]
  sessionCount: number
  /** The cursor of the next page of sessions; null after the last. */
  next: string | null
  /** Newest first. No operation: ended outside the service. */
  revocations: Revocation[]
  replays: ListedReplay[]
  /** What staff wrote, newest first: operations whose reason is the text. */
  notes: Operation[]
}

/**
 * Whether an id will do that no user has here. Such a user may not have come since the application adopted the service. The
 * application then still holds the sessions from before, which are refused after a revocation.
 */
export interface UnknownIds {
  allowUnknownId?: boolean | undefined
}

export interface ShowUser extends UnknownIds {
  /** The `next` of the page of sessions before. */
  cursor?: string | undefined
  /** Sessions of a page. */
  limit?: number | undefined
}

export interface RevokeAll extends UnknownIds {
  reason: string
  /** Locks sign-in for this many seconds; null: until staff unlock it. It does not shorten a longer lock. */
  lockSeconds?: number | null | undefined
}

export interface Revoked {
  operationId: string
  /** How many active sessions this call ended, and the last seen of them: 100 at most. */
  revokedCount: number
  revoked: Ended[]
  /** The requested lock, or a longer one already in force. */
  lock: Lock | null
  waitedMs: number | null
}

const REVOKE_USER = {
  name: 'revoke-user',
  text: `select xid, outcome, operation_id, ended, revoked, sessions, acts, locked_until, lock_reason, locked_at
    from global_logout.revoke_user($1::jsonb, $2::boolean, $3::integer, $4::boolean, ${MOST_LISTED}, $5::boolean)`,
}
type RevokeRow = [
  xid: string,
  outcome: 'done' | 'large' | 'not_found',
  operationId: string,
  ended: number,
  revoked: Dated[],
  sessions: number,
  acts: string,
  lockedUntil: Date | null,
  lockReason: string,
  lockedAt: Date,
]

export type Accounts = ReturnType<typeof createAccounts>

export function createAccounts(
  database: Pick<Database, 'run' | 'act' | 'transaction'>,
  reads: Reads,
  afterCommit: AfterCommit,
  acknowledged: Pick<AcknowledgedActs, 'keep'>,
  /** INCIDENT_APPROVAL_ABOVE. */
  approvalAbove: number | null = null,
) {
  const { run, transaction } = database
  return {
    ...createFind(reads),
    ...createChosenSessions(database, afterCommit),
    ...createBulk(database, afterCommit, acknowledged, approvalAbove),
    ...createLists(database),

    /** The user with exactly this id, or else this email. Several where users of the application share an email. */
    named: (text: string): Promise<FoundUser[]> =>
      run(async (db) => {
        const one = await findUser(db, text)
        if (one || !text.includes('@')) return one ? [one] : []
        return (await findUsers(db, text, MAX_FOUND)).filter(({ email }) => email === text)
      }),

    /** @throws Problem `user_not_found`. */
    show: (userId: string, { allowUnknownId, cursor, limit = MAX_LISTED }: ShowUser = {}): Promise<Account> =>
      run(async (db) => {
        const user = await findUser(db, userId)
        if (!user && !allowUnknownId) throw userNotFound(userId)
        return {
          user: user ?? unknownUser(userId),
          isKnown: user !== null,
          ...(await listSessions(db, userId, { cursor, limit })),
          sessionCount: await countActiveSessions(db, userId),
          revocations: await listRevocations(db, userId, MAX_LISTED),
          replays: await listReplays(db, userId, MAX_LISTED),
          notes: await listNotes(db, userId, MAX_NOTES),
        }
      }),

    /**
     * Ends all sessions of a user. Those from before, which the application still holds, are refused from then on.
     * @throws Problem `user_not_found`.
     */
    async revoke(
      userId: string,
      { reason, lockSeconds, allowUnknownId }: RevokeAll,
      by: Actor,
    ): Promise<Revoked> {
      const what = { ...by, kind: 'user.revoke', userId, reason } as const
      const locks = lockSeconds !== undefined
      const values = [JSON.stringify(operationRow(what)), locks, lockSeconds ?? null, allowUnknownId === true]
      const [xid, outcome, operationId, ended, revoked, , acts, until, lockReason, lockedAt] =
        await endingAct<RevokeRow>(database, { ...REVOKE_USER, values }, (row) =>
          row[1] === 'large' ? row[5] : null,
        )
      if (outcome === 'not_found') throw userNotFound(userId, WAY_ON)
      const waitedMs = await afterCommit(xid, operationId, actsOf(acts))
      return {
        operationId,
        revokedCount: ended,
        revoked: revoked.map(endedOf),
        lock: locks ? { userId, until, reason: lockReason, lockedAt } : null,
        waitedMs,
      }
    },

    /**
     * Unlocks sign-in of a user. Without a lock it does nothing and records no operation.
     * @throws Problem `user_not_found`.
     */
    async unlock(userId: string, reason: string | null, by: Actor): Promise<{ operationId: string | null }> {
      const act = await transaction(async (tx) => {
        await lockUserForLogout(tx, userId)
        await requireUser(tx, userId)
        const lock = await deleteLock(tx, userId)
        if (!lock) return null
        const result = { lockedUntil: until(lock) }
        const what = { ...by, kind: 'user.unlock' as const, userId, reason, result }
        return { id: await recordOperationWithoutRevocations(tx, what), what, sessionIds: [] }
      })
      if (act) await acknowledged.keep([act])
      return { operationId: act?.id ?? null }
    },

    /** Writes a note on a user, for other staff. It is an operation, and stays. @throws Problem `user_not_found`. */
    addNote: (userId: string, text: string, by: Actor): Promise<{ operationId: string }> =>
      transaction(async (tx) => {
        await requireUser(tx, userId)
        const what = { ...by, kind: 'user.note' as const, userId, reason: text }
        return { operationId: await recordOperationWithoutRevocations(tx, what) }
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

async function requireUser(db: Executor, userId: string): Promise<void> {
  if (!(await findUser(db, userId))) throw userNotFound(userId)
}

const WAY_ON =
  'If it is the id of a user in the application, who has not come since it adopted the service, repeat with allowUnknownId: true.'

function userNotFound(userId: string, wayOn = ''): Problem {
  return new Problem('user_not_found', `No user here has the id ${JSON.stringify(userId)}. ${wayOn}`.trim())
}

/** What there is of a user whom only the caller knows. */
export function unknownUser(id: string): FoundUser {
  return { id, name: null, email: null, role: null, lock: null, deleted: false }
}

function until(lock: Lock): string {
  return lock.until?.toISOString() ?? 'forever'
}
