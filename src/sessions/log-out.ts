/**
 * Signs a user out: one call of `log_out()` in migrations/0003_applications.sql, which holds the rules. It resolves when no instance can
 * answer "valid" for the sessions that it ended or found ended.
 */
import type { Database } from '../database/database.ts'
import { hashToken } from '../database/token-hash.ts'
import type { AfterCommit } from '../leases/after-commit.ts'
import { actsOf } from '../operations/acknowledged.ts'
import type { LogoutScope } from '../operations/kinds.ts'
import type { RequestSource } from './log-in.ts'
import { sessionNotFound, tokenNotValid } from './refusals.ts'
import { type Dated, type Ended, endedOf, endingAct, MOST_LISTED } from './revoke.ts'

export interface Outcome {
  /** Null when the session had already been ended by another session, or outside this service. */
  operationId: string | null
  scope: LogoutScope
  /** How many active sessions this call ended, and the last seen of them: 100 at most for each operation. */
  revokedCount: number
  revoked: Ended[]
  /** Whether the session of the request is ended. */
  signedOut: boolean
  /** How long the call waited for instances with a lease, in milliseconds; null when there was none. */
  waitedMs: number | null
}

const LOG_OUT = {
  name: 'log-out',
  text: `select xid, outcome, signed_out, operation_id, ended, revoked, sessions, acts from global_logout.log_out($1::text, $2::text, $3::uuid,
    $4::text[], $5::text, $6::inet, $7::text, ${MOST_LISTED}, $8::boolean)`,
}
type Row = [
  xid: string,
  outcome: 'done' | 'repeated' | 'large' | 'not_found' | 'refused',
  signedOut: boolean,
  operationId: string | null,
  ended: number,
  revoked: Dated[],
  sessions: number,
  acts: string,
]

export function createLogOut(database: Pick<Database, 'act' | 'transaction'>, afterCommit: AfterCommit) {
  async function logOut(
    token: string,
    scope: LogoutScope,
    sessionId: string | null,
    { userAgent, ipAddress, requestId }: RequestSource,
    others: readonly string[],
  ): Promise<Outcome> {
    const what = [hashToken(token), scope, sessionId, others.map(hashToken)]
    const by = [userAgent, ipAddress, requestId ?? null]
    const row = await endingAct<Row>(database, { ...LOG_OUT, values: [...what, ...by] }, (row) =>
      row[1] === 'large' ? row[6] : null,
    )
    const [xid, outcome, signedOut, operationId, ended, revoked, , acts] = row
    if (outcome === 'refused') throw tokenNotValid()
    if (outcome === 'not_found') throw sessionNotFound()
    const waitedMs = await afterCommit(xid, operationId, actsOf(acts))
    return { operationId, scope, revokedCount: ended, revoked: revoked.map(endedOf), signedOut, waitedMs }
  }

  return {
    /**
     * Ends sessions of the token's user. For a token that an earlier logout ended, it returns the outcome of that logout
     * if that logout covers the requested scope.
     * @param others tokens of other session cookies of the browser. Where it signs out, their sessions end, too.
     * @throws Problem `invalid_token` when the token is not valid for the requested scope.
     */
    logout: (token: string, scope: LogoutScope, source: RequestSource, others: readonly string[] = []) =>
      logOut(token, scope, null, source, others),
    /**
     * Ends one session of the token's user, by its public id.
     * @param others as for `logout`.
     * @throws Problem `session_not_found` when the user has no such session, `invalid_token` as for `logout`.
     */
    endOne: (token: string, sessionId: string, source: RequestSource, others: readonly string[] = []) =>
      logOut(token, 'local', sessionId, source, others),
  }
}
