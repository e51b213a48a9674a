/**
 * Tells the log and the metrics of each operation, whatever made it: the service, a command, an application or SQL. The process that
 * seals an operation tells of it, once and after the commit. The lines name no user, address or token; the id leads to the audit log.
 */
import type { Database } from '../../database/database.ts'
import type { Log } from '../../lib/log.ts'
import {
  LOGOUT_SCOPES,
  type LogoutScope,
  OPERATION_KINDS,
  type OperationKind,
} from '../../operations/kinds.ts'
import { readSealed, type SealedLinks, type SealedOperation } from './sealed.ts'

/** Rows of one query. */
const BATCH = 1_000

export interface OperationCount {
  readonly labels: { kind: OperationKind; scope?: LogoutScope }
  /** Operations, and the sessions that they ended. */
  operations: number
  sessions: number
}

export interface OperationCounts {
  readonly byKind: readonly OperationCount[]
  /** Locks of sign-in that were set. */
  locks: number
}

export function createAnnouncer({ run }: Pick<Database, 'run'>, log: Log) {
  const counts = {
    byKind: OPERATION_KINDS.flatMap((kind): OperationCount[] =>
      kind === 'logout'
        ? LOGOUT_SCOPES.map((scope) => ({ labels: { kind, scope }, operations: 0, sessions: 0 }))
        : [{ labels: { kind }, operations: 0, sessions: 0 }],
    ),
    locks: 0,
  } satisfies OperationCounts

  function tell({ id, kind, scope, actorKind, revokedCount, requestId, result }: SealedOperation): void {
    const facts = factsOf(result)
    for (const count of counts.byKind)
      if (count.labels.kind === kind && (!count.labels.scope || count.labels.scope === scope)) {
        count.operations++
        count.sessions += revokedCount
      }
    if (kind === 'user.lock' || (kind === 'user.revoke' && facts.lockedUntil)) counts.locks++
    log.info(
      {
        operationId: id,
        kind,
        ...(scope && { scope }),
        actorKind,
        sessions: revokedCount,
        ...facts,
        ...(requestId && { reqId: requestId }),
      },
      'operation recorded',
    )
  }

  return {
    counts: counts as OperationCounts,

    /** Tells of the operations behind new links. Never rejects: they are sealed, and in the audit log. */
    async announce({ after, upTo }: SealedLinks): Promise<void> {
      for (let links = { after, upTo }; links.after < upTo; ) {
        const found = await run((db) => readSealed(db, links, BATCH)).catch((err) => {
          log.warn(
            { err, operations: upTo - links.after },
            'recorded operations not logged; see the audit log',
          )
          return []
        })
        for (const operation of found) tell(operation)
        links = { after: found.at(-1)?.seq ?? upTo, upTo }
      }
    },
  }
}

/** What a log line says of the result: ids of our own, the end of a lock, a role. The rest may hold names. */
const FACTS = ['planId', 'keyId', 'lockedUntil', 'role'] as const

function factsOf(result: object | null): { [fact in (typeof FACTS)[number]]?: unknown } {
  const all = (result ?? {}) as Record<string, unknown>
  return Object.fromEntries(FACTS.flatMap((name) => (name in all ? [[name, all[name]]] : [])))
}
