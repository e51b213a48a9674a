/**
 * Create, find, list and end sessions. The promise: when `logout` returns, every session it names is durably
 * over, at every instance, and so is every one whose login had begun before it; a login that begins after it lives.
 */

import type { Database, Executor, Transaction } from '../database/database.ts'
import { Problem } from '../errors.ts'
import { afterCommit } from '../leases/after-commit.ts'
import type { Barrier } from '../leases/barrier.ts'
import type { Log } from '../lib/log.ts'
import type { LogoutScope } from '../operations/kinds.ts'
import { findOperation } from '../operations/record.ts'
import type { LastSeen } from './last-seen.ts'
import { findLock, type Lock } from './locks.ts'
import {
  type ActiveSession,
  type CreatedSession,
  currentXid,
  findRevocation,
  findSession,
  findTokenStatus,
  insertSession,
  listSessions,
  lockUserForLogin,
  lockUserForLogout,
  sessionFilter,
  type TokenStatus,
  tokenHashesOf,
} from './queries.ts'
import { revoke } from './revoke.ts'
import type { Session } from './schema.ts'
import { generateSessionToken, operationOf, proves } from './tokens.ts'

/** Where a request came from, as far as it tells. */
export interface RequestSource {
  userAgent: string | null
  ipAddress: string | null
  requestId?: string
}

export interface Login extends RequestSource {
  userId: string
  /** A token that this session takes the place of; its session ends in the same transaction (no fixation). */
  replaces?: string | undefined
  /** The service key that signs the user in, when that is not the user. */
  key?: { id: string; scopes: readonly string[] }
}

export interface Outcome {
  /** Null when the session had been ended by another one, or outside this service. */
  operationId: string | null
  scope: LogoutScope
  /** The living sessions that this call ended. */
  revoked: Session[]
  /** Whether the session that asked is itself over. */
  signedOut: boolean
  /** How long this answer waited for instances that answer from memory, in milliseconds; null when for none. */
  waitedMs: number | null
}

/** An outcome as its transaction leaves it. */
type Committed = Omit<Outcome, 'waitedMs'>

export type Sessions = ReturnType<typeof createSessions>

export function createSessions(
  { run, transaction }: Pick<Database, 'run' | 'transaction'>,
  lastSeen: Pick<LastSeen, 'record'>,
  barrier: Pick<Barrier, 'wait'>,
  isStaff: (tx: Executor, userId: string) => Promise<boolean>,
  log: Log,
) {
  const waitForInstances = afterCommit({ run }, barrier, log)

  /**
   * Signs a user in. A key signs staff in only with the scope `security`: it would make itself staff.
   * @throws Problem `invalid_request` when the user is unknown, `user_locked` when locked, `insufficient_scope`.
   */
  async function create({
    userId,
    replaces,
    key,
    ...origin
  }: Login): Promise<{ token: string; session: CreatedSession }> {
    const { xid, replaced, ...created } = await transaction(async (tx) => {
      if (!(await lockUserForLogin(tx, userId))) {
        throw new Problem('invalid_request', `There is no user ${JSON.stringify(userId)}.`, {
          field: 'userId',
        })
      }
      if (key && !key.scopes.includes('security') && (await isStaff(tx, userId))) throw staffOnly()
      const lock = await findLock(tx, userId)
      if (lock) throw locked(lock)
      const actor = key && { actorKind: 'service' as const, actorId: key.id }
      const old = replaces && (await findSession(tx, replaces))
      const what = old && { kind: 'session.replace' as const, ...by(old.session, origin), ...actor }
      const replaced = what && (await revoke(tx, sessionFilter.withToken(replaces), what))
      const token = generateSessionToken()
      const { userAgent, ipAddress } = origin
      const session = await insertSession(tx, { token, userId, userAgent, ipAddress, keyId: key?.id ?? null })
      return { token, session, replaced, xid: replaces && (await currentXid(tx)) }
    })
    if (xid) await waitForInstances(xid, replaced ? replaced.operationId : null)
    return created
  }

  /**
   * Ends sessions of the token's user. A token that an earlier logout ended gets that logout's outcome again,
   * as long as it covers the scope asked for now.
   * @throws Problem `invalid_token` when the token cannot speak for its user any more.
   */
  function logout(token: string, scope: LogoutScope, origin: RequestSource): Promise<Outcome> {
    return asBearer(token, async (tx, current) => {
      if (!current) return repeated(await findTokenStatus(tx, token), scope)
      const { id, userId } = current.session
      const named = {
        local: sessionFilter.ofUserWithId(userId, id),
        others: sessionFilter.ofUserExcept(userId, id),
        global: sessionFilter.ofUser(userId),
      }[scope]
      const ended = await revoke(tx, named, { kind: 'logout', scope, ...by(current.session, origin) })
      return { ...ended, scope, signedOut: scope !== 'others' }
    })
  }

  /**
   * Ends one session of the token's user, by its public id.
   * @throws Problem `session_not_found` when the user has no such session, `invalid_token` as for `logout`.
   */
  function endOne(token: string, sessionId: string, origin: RequestSource): Promise<Outcome> {
    return asBearer(token, async (tx, current) => {
      if (!current) {
        const status = await findTokenStatus(tx, token)
        if (status.sessionId !== sessionId) throw dead()
        return repeated(status, 'local')
      }
      const { id, userId } = current.session
      const named = sessionFilter.ofUserWithId(userId, sessionId)
      const ended = await revoke(tx, named, { kind: 'session.end', ...by(current.session, origin) })
      if (ended.revoked.length === 0) {
        const before = await findRevocation(tx, userId, sessionId)
        if (!before) throw new Problem('session_not_found', 'None of your sessions has this id.')
        return { ...before, revoked: [], scope: 'local', signedOut: false }
      }
      return { ...ended, scope: 'local', signedOut: sessionId === id }
    })
  }

  /**
   * Runs `work` for the bearer of a token while no login or logout of the same user can come between. Whether the
   * session lives is read again under the lock: of two logouts at once, the second finds itself signed out. Returns
   * when no instance can say "valid" of what this transaction ended, or found ended.
   */
  async function asBearer(
    token: string,
    work: (tx: Transaction, current: ActiveSession | null) => Promise<Committed>,
  ): Promise<Outcome> {
    const { xid, ...outcome } = await transaction(async (tx) => {
      const before = await findSession(tx, token)
      if (before) await lockUserForLogout(tx, before.session.userId)
      const outcome = await work(tx, before && (await findSession(tx, token)))
      return { ...outcome, xid: await currentXid(tx) }
    })
    return { ...outcome, waitedMs: await waitForInstances(xid, outcome.operationId) }
  }

  return {
    create,
    logout,
    endOne,
    /** The living session of a token with its user, or null. Finding it is using it. */
    async find(token: string): Promise<ActiveSession | null> {
      const found = await run((db) => findSession(db, token))
      if (found?.stale) lastSeen.record(found.session.id)
      return found
    },
    /** The same, without using it. */
    peek: (token: string): Promise<ActiveSession | null> => run((db) => findSession(db, token)),
    /** A user's living sessions, last seen first. */
    list: (userId: string) => run((db) => listSessions(db, userId)),
    /** What is known of a token, to tell its bearer why it is over. */
    tokenStatus: (token: string): Promise<TokenStatus> => run((db) => findTokenStatus(db, token)),
    /** An operation and the sessions it ended, at most `limit` of them. For staff: the id alone is no proof. */
    operation: (id: string, limit: number) => run((db) => findOperation(db, id, limit)),
    /** The same, for the bearer of the token that asked for it; null without their receipt. */
    async outcome(receipt: string, limit: number) {
      const id = operationOf(receipt)
      if (!id) return null
      const found = await run((db) => findOperation(db, id, limit))
      const asker = found?.operation.actorSessionId
      if (!asker) return null
      const hashes = await run((db) => tokenHashesOf(db, asker))
      return hashes.some((hash) => proves(receipt, id, hash)) ? found : null
    },
  }
}

/** The columns of an operation that a user does to sessions of their own, from one of them. */
function by(session: Session, origin: RequestSource) {
  return {
    actorKind: 'user' as const,
    actorId: session.userId,
    actorSessionId: session.id,
    userId: session.userId,
    ipAddress: origin.ipAddress,
    userAgent: origin.userAgent,
    requestId: origin.requestId ?? null,
  }
}

/** Repeating a finished logout is no error. Asking for more than it did is: the token has no say any more. */
function repeated({ state, sessionId, operation }: TokenStatus, scope: LogoutScope): Committed {
  const over = state !== 'unknown' && state !== 'valid'
  const covered = scope === 'local' ? over : operation?.scope === 'global'
  if (!covered) throw dead()
  const own = operation !== undefined && operation.actorSessionId === sessionId
  // The id opens the page that names all it ended: it is for the session that asked, not for a thief it threw out.
  return { operationId: own ? operation.id : null, scope, revoked: [], signedOut: true }
}

function locked({ until }: Lock): Problem {
  const end = until ? `until ${until.toISOString()}` : 'until somebody lifts the lock'
  return new Problem('user_locked', `Sign-in of this user is locked ${end}.`)
}

function staffOnly(): Problem {
  return new Problem(
    'insufficient_scope',
    'This user is security staff: signing them in takes a key that has the scope security, too.',
  )
}

function dead(): Problem {
  return new Problem('invalid_token', 'Sign in again. Nothing was ended by this request.')
}
