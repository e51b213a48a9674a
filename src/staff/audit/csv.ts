/** The audit log as CSV, streamed line by line in constant memory. */

import { csvLines } from '../../lib/csv.ts'
import type { AuditEntry } from './audit.ts'

const COLUMNS = [
  'at',
  'kind',
  'scope',
  'actorKind',
  'actorId',
  'actorSessionId',
  'userId',
  'reason',
  'revokedCount',
  'ipAddress',
  'userAgent',
  'requestId',
  'selection',
  'result',
  'waitedMs',
  'erasedBy',
  'id',
] as const satisfies readonly (keyof AuditEntry)[]

/** The lines of the file; the first holds the column names. */
export function auditCsv(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  return csvLines(
    COLUMNS.map((key) => ({ key, header: key })),
    entries,
  )
}
