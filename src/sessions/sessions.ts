/**
 * Creates, finds, lists and ends sessions. When `logout` returns, every session in its scope is durably ended on every
 * instance. That includes sessions whose login began before the logout; a login that begins after it is not affected.
 */
import type { Database, Transaction } from '../database/database.ts'
import { Problem } from '../errors.ts'
import type { AfterCommit } from '../leases/after-commit.ts'
import type { Act } from '../operations/acknowledged.ts'
import { endsOwnSession, type LogoutScope } from '../operations/kinds.ts'
import { findOperation } from '../operations/record.ts'
import { findRevocation, findTokenStatus, type TokenStatus, tokenHashesOf } from './ended.ts'
import type { LastSeen } from './last-seen.ts'
import { findLock } from './locks.ts'
import {
  type ActiveSession,
  type CreatedSession,
  currentXid,
  findSession,
  findSessions,
  insertSession,
  lockUserForLogin,
  lockUserForLogout,
  type UserProfile,
} from './queries.ts'
import { tokenNotValid, userLocked } from './refusals.ts'
import { createRefuseStaff, type IsStaff } from './refuse-staff.ts'
import { createRemoveUser } from './remove-user.ts'
import { type Ended, revoke } from './revoke.ts'
import type { Session } from './schema.ts'
import { listSessions, type PageOptions, summarizeSessions } from './session-list.ts'
import { createTakeOver } from './take-over.ts'
import { generateSessionToken, operationOf, proves } from './tokens.ts'

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
  /** The previous token of this browser; its session ends in the same transaction, which prevents session fixation. */
  replaces?: string | undefined
  /** The service key that creates the session; absent when the user signs in. */
  key?: { id: string; scopes: readonly string[] }
}

export interface Outcome {
  /** Null when the session had already been ended by another session, or outside this service. */
  operationId: string | null
  scope: LogoutScope
  /** How many active sessions this call ended, and the last seen of them: 100 at most. */
  revokedCount: number
  revoked: Ended[]
  /** Whether the session of the request is ended. */
  signedOut: boolean
  /** How long the call waited for instances with a lease, in milliseconds; null when there was none. */
  waitedMs: number | null
}

/** The outcome after the commit and before the wait; the act, if this call did one. */
type Committed = Omit<Outcome, 'waitedMs'> & { act?: Act }

export type Sessions = ReturnType<typeof createSessions>

export function createSessions(
  { run, transaction }: Pick<Database, 'run' | 'transaction'>,
  lastSeen: Pick<LastSeen, 'record'>,
  afterCommit: AfterCommit,
  isStaff: IsStaff,
) {
  const refuseStaff = createRefuseStaff(isStaff)

  /**
   * Signs a user in.
   * @throws Problem `user_locked` for a locked user, `insufficient_scope`.
   */
  async function create({
    userId,
    profile = {},
    replaces,
    key,
    ...source
  }: Login): Promise<{ token: string; session: CreatedSession }> {
    const { xid, replaced, ...created } = await transaction(async (tx) => {
      await lockUserForLogin(tx, userId, profile)
      if (key) await refuseStaff(tx, key, userId, 'sign in staff')
      const lock = await findLock(tx, userId)
      if (lock) throw userLocked(lock)
      const actor = key && { actorKind: 'service' as const, actorId: key.id }
      const old = replaces && (await findSession(tx, replaces))
      const what = old && { kind: 'session.replace' as const, ...byUser(old.session, source), ...actor }
      const replaced = what && (await revoke(tx, { only: old.session.id }, what))
      const token = generateSessionToken()
      const { userAgent, ipAddress } = source
      const session = await insertSession(tx, { token, userId, userAgent, ipAddress, keyId: key?.id ?? null })
      return { token, session, replaced, xid: replaces && (await currentXid(tx)) }
    })
    if (xid) await afterCommit(xid, replaced ? replaced.operationId : null, replaced ? [replaced.act] : [])
    return created
  }

  /**
   * Ends sessions of the token's user. For a token that an earlier logout ended, it returns the outcome of that logout
   * if that logout covers the requested scope.
   * @param others tokens of other session cookies of the browser. Where it signs out, their sessions end, too.
   * @throws Problem `invalid_token` when the token is not valid for the requested scope.
   */
  function logout(
    token: string,
    scope: LogoutScope,
    source: RequestSource,
    others: readonly string[] = [],
  ): Promise<Outcome> {
    return asBearer({ token, others, source }, async (tx, current) => {
      if (!current) return repeated(await findTokenStatus(tx, token), scope)
      const { id } = current.session
      const which = { local: { only: id }, others: { except: id }, global: 'all' as const }[scope]
      const ended = await revoke(tx, which, { kind: 'logout', scope, ...byUser(current.session, source) })
      return { ...ended, scope, signedOut: endsOwnSession(scope) }
    })
  }

  /**
   * Ends one session of the token's user, by its public id.
   * @param others as for `logout`.
   * @throws Problem `session_not_found` when the user has no such session, `invalid_token` as for `logout`.
   */
  function endOne(
    token: string,
    sessionId: string,
    source: RequestSource,
    others: readonly string[] = [],
  ): Promise<Outcome> {
    return asBearer({ token, others, source }, async (tx, current) => {
      if (!current) {
        const status = await findTokenStatus(tx, token)
        if (status.sessionId !== sessionId) throw tokenNotValid()
        return repeated(status, 'local')
      }
      const { id, userId } = current.session
      const ended = await revoke(
        tx,
        { only: sessionId },
        { kind: 'session.end', ...byUser(current.session, source) },
      )
      if (ended.revokedCount === 0) {
        const before = await findRevocation(tx, userId, sessionId)
        if (!before) throw new Problem('session_not_found', 'None of your sessions has this id.')
        return { ...before, revokedCount: 0, revoked: [], scope: 'local', signedOut: false }
      }
      return { ...ended, scope: 'local', signedOut: sessionId === id }
    })
  }

  /**
   * Runs `work` for the bearer of a token, and blocks logins and logouts of the same user meanwhile. It reads the session
   * again under the lock: of two simultaneous logouts, the second one is already signed out. Resolves when no instance
   * can answer "valid" for the sessions that this transaction ended or found ended.
   */
  async function asBearer(
    { token, others, source }: { token: string; others: readonly string[]; source: RequestSource },
    work: (tx: Transaction, current: ActiveSession | null) => Promise<Committed>,
  ): Promise<Outcome> {
    const { xid, acts, ...outcome } = await transaction(async (tx) => {
      const before = await findSession(tx, token)
      const besides = await findSessions(tx, others)
      // In one order, so that two such requests do not wait for each other.
      const users = new Set([...(before ? [before.session] : []), ...besides].map(({ userId }) => userId))
      for (const userId of [...users].sort()) await lockUserForLogout(tx, userId)
      const { act, ...outcome } = await work(tx, before && (await findSession(tx, token)))
      const acts = act ? [act] : []
      const revoked = [...outcome.revoked]
      let { revokedCount } = outcome
      const left = outcome.signedOut && besides.length > 0 ? await findSessions(tx, others) : []
      for (const session of left) {
        const what = { kind: 'logout', scope: 'local', ...byUser(session, source) } as const
        const ended = await revoke(tx, { only: session.id }, what)
        revoked.push(...ended.revoked)
        revokedCount += ended.revokedCount
        acts.push(ended.act)
      }
      return { ...outcome, revokedCount, revoked, acts, xid: await currentXid(tx) }
    })
    return { ...outcome, waitedMs: await afterCommit(xid, outcome.operationId, acts) }
  }

  return {
    create,
    takeOver: createTakeOver({ transaction }, refuseStaff),
    logout,
    endOne,
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
    /** The number and a hash of a user's active sessions, and their ids if they are `mostIds` at most. */
    summary: (userId: string, mostIds = 0) => run((db) => summarizeSessions(db, userId, mostIds)),
    /** The status of a token: whether it is valid and, if not, why. */
    tokenStatus: (token: string): Promise<TokenStatus> => run((db) => findTokenStatus(db, token)),
    /** An operation and the sessions it ended, at most `limit` of them. For staff only: it needs no proof besides the id. */
    operation: (id: string, limit: number) => run((db) => findOperation(db, id, limit)),
    /** As `operation`, for the bearer of the token that requested it; null without a valid receipt. */
    async outcome(receipt: string, limit: number) {
      const id = operationOf(receipt)
      if (!id) return null
      const found = await run((db) => findOperation(db, id, limit))
      const { actorSessionId: requester, userId } = found?.operation ?? {}
      if (!requester || !userId) return null
      const hashes = await run((db) => tokenHashesOf(db, userId, requester))
      return hashes.some((hash) => proves(receipt, id, hash)) ? found : null
    },
  }
}

/** The operation's columns for an action of a user on their own sessions. */
function byUser(session: Session, source: RequestSource) {
  return {
    actorKind: 'user' as const,
    actorId: session.userId,
    actorSessionId: session.id,
    userId: session.userId,
    ipAddress: source.ipAddress,
    userAgent: source.userAgent,
    requestId: source.requestId ?? null,
  }
}

/** The outcome of a finished logout, for a repeated request. @throws Problem `invalid_token` when the request has a larger scope. */
function repeated({ state, sessionId, operation }: TokenStatus, scope: LogoutScope): Committed {
  const ended = state !== 'unknown' && state !== 'valid'
  const covered = scope === 'local' ? ended : operation?.scope === 'global'
  if (!covered) throw tokenNotValid()
  const own = operation !== undefined && operation.actorSessionId === sessionId
  // Only the session that requested the logout may see what it ended; a thief whose session was ended must not.
  return { operationId: own ? operation.id : null, scope, revokedCount: 0, revoked: [], signedOut: true }
}
