/**
 * The audit log, newest first: every operation and, as kind `external`, sessions that SQL or a cascade ended without one.
 * Paged by position, not by number, so that pages neither repeat nor skip entries while new ones arrive.
 */
import { z } from 'zod'
import { type Database, withoutDeadline } from '../../database/database.ts'
import type { Reads } from '../../database/reads.ts'
import { Problem } from '../../errors.ts'
import { positionOf, readCursor, writeCursor } from '../../http/cursor.ts'
import { allEndedBy, listEndedBy } from '../../operations/ended-sessions.ts'
import type { AuditKind } from '../../operations/kinds.ts'
import { findOperation } from '../../operations/record.ts'
import type { Operation, RevokedSession } from '../../operations/schema.ts'
import { readChainHead } from './chain.ts'
import {
  type AuditFilter,
  type ExternalPosition,
  listExternalRevocations,
  listOperations,
  type OperationPosition,
} from './queries.ts'

/** Entries of one page, and of one query when all entries are read. */
const PAGE = 100
const BATCH = 1_000

/** An operation, or sessions ended outside the service: when, whose, how many. */
export type AuditEntry = Omit<Operation, 'id' | 'kind' | 'actorKind' | 'xid'> & {
  id: string | null
  kind: AuditKind
  actorKind: Operation['actorKind'] | null
}

export interface AuditPage {
  entries: AuditEntry[]
  /** Where the next page begins; null after the last. */
  next: string | null
}

/** An operation, and a page of the sessions that it ended, in the order in which they were ended. */
export interface OperationPage {
  operation: Operation
  sessions: RevokedSession[]
  /** As of `AuditPage`. */
  next: string | null
}

/** The last returned entry of either kind. */
interface Positions {
  operation: OperationPosition | null
  external: ExternalPosition | null
}

const { instant, id, number, text } = positionOf
const positionsSchema = z.object({
  operation: z.tuple([instant, id]).nullable(),
  external: z.tuple([instant, number, text]).nullable(),
})

/** The row of the last ended session of a page. */
const rowSchema = positionOf.number

export type Audit = ReturnType<typeof createAudit>

/** @param reads where entries are read; the head of the chain comes from the primary. */
export function createAudit({ run }: Pick<Database, 'run'>, reads: Pick<Reads, 'run'> = { run }) {
  async function page(filter: AuditFilter, cursor: string | null, limit: number): Promise<AuditPage> {
    const after = cursor === null ? { operation: null, external: null } : readCursor(cursor, positionsSchema)
    const [operations, external] = await reads.run(async (db) => [
      await listOperations(db, filter, after.operation, limit + 1),
      await listExternalRevocations(db, filter, after.external, limit + 1),
    ])
    const all = [
      ...operations.map(({ operation, place }) => ({
        entry: toEntry(operation),
        instant: place,
        place: { operation: [place, operation.id] as OperationPosition },
      })),
      ...external.map(({ at, userId, sessions, place, xid }) => ({
        entry: { ...EXTERNAL_ENTRY, at, userId, revokedCount: sessions },
        instant: place,
        place: { external: [place, xid, userId] as ExternalPosition },
      })),
    ].sort((a, b) => (a.instant < b.instant ? 1 : a.instant > b.instant ? -1 : 0))
    const returned = all.slice(0, limit)
    const positions: Positions = Object.assign({}, after, ...returned.map(({ place }) => place))
    return {
      entries: returned.map(({ entry }) => entry),
      next: all.length > limit ? writeCursor(positions) : null,
    }
  }

  return {
    /** The head of the chain over operations, as `seq:hash`. */
    head: () => readChainHead({ run }),

    /** A page of 100. @throws Problem `invalid_request` for an invalid cursor. */
    list: (filter: AuditFilter, cursor: string | null = null): Promise<AuditPage> =>
      page(filter, cursor, PAGE),

    /** An operation with a page of 100 sessions. @throws Problem `operation_not_found`, `invalid_request` for an invalid cursor. */
    async operation(id: string, cursor: string | null = null): Promise<OperationPage> {
      const after = cursor === null ? 0n : BigInt(readCursor(cursor, rowSchema))
      const found = await run(async (db) => {
        const operation = await findOperation(db, id)
        return operation && { operation, ended: await listEndedBy(db, id, after, PAGE + 1) }
      })
      if (!found) throw new Problem('operation_not_found', 'No operation has this id.')
      const { operation, ended } = found
      const sessions = ended.slice(0, PAGE)
      const last = ended.length > PAGE ? sessions.at(-1) : undefined
      return { operation, sessions, next: last ? writeCursor(String(last.id)) : null }
    },

    /** All sessions that an operation ended. */
    endedBy: (id: string): AsyncGenerator<RevokedSession> => allEndedBy({ run }, id),

    /** Every matching entry. Throws in the middle when the database fails, so that no reader takes a part for the whole. */
    async *all(filter: AuditFilter): AsyncGenerator<AuditEntry> {
      for (let cursor: string | null = null; ; ) {
        const { entries, next }: AuditPage = await withoutDeadline(() => page(filter, cursor, BATCH))
        yield* entries
        if (next === null) return
        cursor = next
      }
    },
  }
}

const EXTERNAL_ENTRY = {
  id: null,
  kind: 'external' as const,
  scope: null,
  actorKind: null,
  actorId: null,
  actorSessionId: null,
  reason: null,
  ipAddress: null,
  userAgent: null,
  requestId: null,
  selection: null,
  result: null,
  waitedMs: null,
  erasedBy: null,
}

function toEntry({ xid: _, ...rest }: Operation): AuditEntry {
  return rest
}
