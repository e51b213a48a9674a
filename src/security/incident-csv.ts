/** What an incident ended, as CSV. */
import type { RevokedSession } from '../storage/schema.ts'
import { csvLine } from './csv.ts'

const COLUMNS = ['sessionId', 'userId', 'endedAt', 'createdAt', 'lastSeenAt', 'ipAddress', 'userAgent']

/** Its lines, from pages of sessions; the names of the columns come first. */
export async function* incidentCsv(pages: AsyncIterable<RevokedSession[]>): AsyncGenerator<string> {
  let head = csvLine(COLUMNS)
  for await (const page of pages)
    for (const { sessionId, userId, revokedAt, createdAt, lastSeenAt, ipAddress, userAgent } of page) {
      yield head + csvLine([sessionId, userId, revokedAt, createdAt, lastSeenAt, ipAddress, userAgent])
      head = ''
    }
  if (head) yield head
}
