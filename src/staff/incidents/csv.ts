/** The sessions that an incident ended, as CSV. */

import { type Column, csvLines } from '../../lib/csv.ts'
import type { RevokedSession } from '../../operations/schema.ts'

const COLUMNS: Column<RevokedSession>[] = [
  { header: 'sessionId', key: 'sessionId' },
  { header: 'userId', key: 'userId' },
  { header: 'endedAt', key: 'revokedAt' },
  { header: 'createdAt', key: 'createdAt' },
  { header: 'lastSeenAt', key: 'lastSeenAt' },
  { header: 'ipAddress', key: 'ipAddress' },
  { header: 'userAgent', key: 'userAgent' },
]

/** The lines of the file; the first holds the column names. */
export function incidentCsv(pages: AsyncIterable<RevokedSession[]>): AsyncGenerator<string> {
  return csvLines(COLUMNS, sessionsOf(pages))
}

async function* sessionsOf(pages: AsyncIterable<RevokedSession[]>): AsyncGenerator<RevokedSession> {
  for await (const page of pages) yield* page
}
