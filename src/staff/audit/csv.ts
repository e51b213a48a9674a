/** The audit as CSV, a line at a time, so that the longest takes no memory. */

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
  'id',
] as const satisfies readonly (keyof AuditEntry)[]

/** Its lines; the names of the columns come with the first. */
export function auditCsv(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  return csvLines(
    COLUMNS.map((key) => ({ key, header: key })),
    entries,
  )
}
