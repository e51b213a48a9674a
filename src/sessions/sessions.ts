/**
 * Creates, finds, lists and ends sessions. When `logout` returns, every session in its scope is durably ended on every
 * instance. That includes sessions whose login began before the logout; a login that begins after it is not affected.
 */
import type { Database } from '../database/database.ts'
import type { AfterCommit } from '../leases/after-commit.ts'
import { listEndedBy } from '../operations/ended-sessions.ts'
import { findOperation } from '../operations/record.ts'
import type { RevokedSession } from '../operations/schema.ts'
import { findTokenStatus, listRecentlyEnded, type TokenStatus, tokenHashesOf } from './ended.ts'
import type { LastSeen } from './last-seen.ts'
import { createLogIn } from './log-in.ts'
import { createLogOut } from './log-out.ts'
import { type ActiveSession, findSession, nameDevice } from './queries.ts'
import { sessionNotFound } from './refusals.ts'
import { createRefuseStaff, type IsStaff } from './refuse-staff.ts'
import { createRemoveUser } from './remove-user.ts'
import { findOwnSession, listSessions, type PageOptions, summarizeSessions } from './session-list.ts'
import { createTakeOver } from './take-over.ts'
import { operationOf, proves } from './tokens.ts'

export type Sessions = ReturnType<typeof createSessions>

const lastSeenFirst = (a: Seen, b: Seen): number => b.lastSeenAt.getTime() - a.lastSeenAt.getTime()
type Seen = Pick<RevokedSession, 'lastSeenAt'>

export function createSessions(
  { run, act, transaction }: Pick<Database, 'run' | 'act' | 'transaction'>,
  lastSeen: Pick<LastSeen, 'record'>,
  afterCommit: AfterCommit,
  isStaff: IsStaff,
) {
  const refuseStaff = createRefuseStaff(isStaff)

  const findOutcome = (id: string, limit: number) =>
    run(async (db) => {
      const operation = await findOperation(db, id)
      return operation && { operation, revoked: await listEndedBy(db, id, 0n, limit) }
    })

  return {
    create: createLogIn({ run, act }, afterCommit),
    takeOver: createTakeOver({ transaction }, refuseStaff),
    ...createLogOut({ act, transaction }, afterCommit),
    removeUser: createRemoveUser({ transaction }, afterCommit, refuseStaff),
    /** The active session of a token with its user, or null. Counts as session activity. */
    async find(token: string): Promise<ActiveSession | null> {
      const found = await run((db) => findSession(db, token))
      if (found?.stale) lastSeen.record(found.session.id)
      return found
    },
    /** As `find`, but does not count as session activity. */
    peek: (token: string): Promise<ActiveSession | null> => run((db) => findSession(db, token)),
    /** A page of a user's active sessions, most recently seen first. */
    list: (userId: string, options?: PageOptions) => run((db) => listSessions(db, userId, options)),
    /** An active session of a user, by its public id; null where the user has none with this id. */
    findOwn: (userId: string, id: string) => run((db) => findOwnSession(db, userId, id)),
    /** Gives a device a name, or takes it away. @throws Problem `session_not_found`. */
    async name(userId: string, id: string, name: string | null): Promise<void> {
      if (!(await run((db) => nameDevice(db, userId, id, name)))) throw sessionNotFound()
    },
    /** A page of the sessions of a user that were ended in the last 28 days, newest first, with the reason. */
    recentlyEnded: (userId: string, options?: { cursor?: string | undefined; limit?: number }) =>
      run((db) => listRecentlyEnded(db, userId, options)),
    /** The number and a hash of a user's active sessions, and their ids if they are `mostIds` at most. */
    summary: (userId: string, mostIds = 0) => run((db) => summarizeSessions(db, userId, mostIds)),
    /** The status of a token: whether it is valid and, if not, why. */
    tokenStatus: (token: string): Promise<TokenStatus> => run((db) => findTokenStatus(db, token)),
    /** An operation and the sessions it ended, at most `limit` of them. For staff only: it needs no proof besides the id. */
    operation: findOutcome,
    /** As `operation`, the last seen first, for the bearer of the token that requested it; null without a valid receipt. */
    async outcome(receipt: string, limit: number) {
      const id = operationOf(receipt)
      if (!id) return null
      const found = await findOutcome(id, limit)
      const { actorSessionId: requester, userId } = found?.operation ?? {}
      if (!requester || !userId) return null
      const hashes = await run((db) => tokenHashesOf(db, userId, requester))
      found?.revoked.sort(lastSeenFirst)
      return hashes.some((hash) => proves(receipt, id, hash)) ? found : null
    },
  }
}
