/** Request and response schemas of the audit API. */
import { z } from 'zod'
import { cursor, nextCursor } from '../../http/schemas.ts'
import { zonedInstant } from '../../lib/schemas.ts'
import { AUDIT_KINDS } from '../../operations/kinds.ts'
import { endedSession, searchText } from '../accounts/schemas.ts'
import { operationJson } from '../operation-json.ts'

/** An instant, or a day, which begins at midnight UTC. */
const moment = z
  .union([zonedInstant, z.iso.date()], {
    error: 'must be an instant such as 2026-11-24T13:00:00Z, or a day such as 2026-11-24',
  })
  .transform((given) => new Date(given))
  .refine((at) => at.getTime() >= 0, 'must not be before 1970')

export const auditQuery = z.strictObject({
  user: searchText.optional(),
  actor: searchText.optional(),
  kind: z.enum(AUDIT_KINDS).optional(),
  since: moment.optional(),
  until: moment.optional(),
  cursor: cursor.optional(),
})

/** An operation, and a page of the sessions that it ended. */
export const operationPage = z.object({
  operation: operationJson,
  sessions: z.array(endedSession),
  next: nextCursor,
})

export const auditPage = z.object({ entries: z.array(operationJson), next: nextCursor })
