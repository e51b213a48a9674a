/** What the API of security staff takes and gives. */
import { z } from 'zod'
import { comparison, instant, nullableText, text } from '../../http/schemas.ts'
import { ACTOR_KINDS, AUDIT_KINDS } from '../../operations/kinds.ts'
import { device, endedSessions } from '../../sessions/schemas.ts'
import { STAFF_ROLES } from '../role-names.ts'

/** A text to look for. */
export const searchText = text.min(1, 'must not be empty')

const where = {
  device,
  userAgent: nullableText,
  ipAddress: nullableText,
  createdAt: instant,
  lastSeenAt: instant,
}

const user = z.object({
  id: z.string(),
  name: nullableText,
  email: nullableText,
  role: z.enum(STAFF_ROLES).nullable(),
  lock: z
    .object({
      until: instant.nullable().describe('null: until lifted'),
      reason: z.string(),
      lockedAt: instant,
    })
    .nullable(),
  deleted: z.boolean().describe('true: the user has no row; a lock and a role are kept by id'),
})

export const userList = z.object({ users: z.array(user) })

const operation = z.object({
  id: nullableText,
  kind: z.enum(AUDIT_KINDS),
  scope: nullableText,
  actorKind: z.enum(ACTOR_KINDS).nullable(),
  actorId: nullableText,
  actorSessionId: nullableText,
  userId: nullableText,
  reason: nullableText,
  ipAddress: nullableText,
  userAgent: nullableText,
  requestId: nullableText,
  at: instant,
  revokedCount: z.int(),
  selection: z.unknown(),
  result: z.unknown(),
  waitedMs: z.int().nullable(),
})

export const account = z.object({
  user,
  sessionCount: z.int().describe('living sessions; the list shows the 200 last seen'),
  sessions: z.array(z.object({ id: z.string(), ...where, expiresAt: instant })),
  revocations: z.array(
    z.object({
      sessionId: z.string(),
      ...where,
      revokedAt: instant,
      operation: operation.nullable().describe("null: ended behind the service's back"),
    }),
  ),
  replays: z.array(
    z.object({
      sessionId: z.string(),
      count: z.int(),
      at: instant,
      ipAddress: nullableText,
      userAgent: nullableText,
      ...comparison,
    }),
  ),
})

export const revoked = z.object({
  operationId: z.string(),
  revoked: endedSessions,
  lockedUntil: instant.nullable().optional().describe('null: until lifted; only when a lock was asked for'),
})

export const unlocked = z.object({ operationId: nullableText.describe('null: there was no lock') })

/** An instant, or a day, which begins at midnight UTC. */
const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
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
  cursor: z.string().max(4096).optional(),
})

export const auditPage = z.object({ entries: z.array(operation), next: nullableText })
