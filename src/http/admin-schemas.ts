/** What the API of security staff takes and gives. */
import { z } from 'zod'
import { ACTOR_KINDS, AUDIT_KINDS } from '../operations/kinds.ts'
import { STAFF_ROLES } from '../storage/staff-schema.ts'
import { device } from './user.ts'

/** A word to look for. PostgreSQL has no NUL in its texts. */
export const text = z
  .string('must be a text')
  .min(1, 'must not be empty')
  .max(1024)
  .regex(/^[^\0]*$/, 'must not hold a NUL character')

const instant = z.iso.datetime()
const nullable = z.string().nullable()
const where = { device, userAgent: nullable, ipAddress: nullable, createdAt: instant, lastSeenAt: instant }

const user = z.object({
  id: z.string(),
  name: nullable,
  email: nullable,
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
  id: nullable,
  kind: z.enum(AUDIT_KINDS),
  scope: nullable,
  actorKind: z.enum(ACTOR_KINDS).nullable(),
  actorId: nullable,
  actorSessionId: nullable,
  userId: nullable,
  reason: nullable,
  ipAddress: nullable,
  userAgent: nullable,
  requestId: nullable,
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
      ipAddress: nullable,
      userAgent: nullable,
      sameAddress: z
        .boolean()
        .nullable()
        .describe('whether it is the address that the session had; null: one of the two is unknown'),
      sameProgram: z
        .boolean()
        .nullable()
        .describe("whether it is the user agent that the session had; null: the session's is unknown"),
    }),
  ),
})

export const revoked = z.object({
  operationId: z.string(),
  revoked: z.array(z.object({ id: z.string(), device })),
  lockedUntil: instant.nullable().optional().describe('null: until lifted; only when a lock was asked for'),
})

export const unlocked = z.object({ operationId: nullable.describe('null: there was no lock') })

/** An instant, or a day, which begins at midnight UTC. */
const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'must be an instant such as 2026-11-24T13:00:00Z, or a day such as 2026-11-24',
  })
  .transform((given) => new Date(given))
  .refine((at) => at.getTime() >= 0, 'must not be before 1970')

export const auditQuery = z.strictObject({
  user: text.optional(),
  actor: text.optional(),
  kind: z.enum(AUDIT_KINDS).optional(),
  since: moment.optional(),
  until: moment.optional(),
  cursor: z.string().max(4096).optional(),
})

export const auditPage = z.object({ entries: z.array(operation), next: nullable })
