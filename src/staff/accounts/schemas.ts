/** Request and response schemas of the account API for staff. */
import { z } from 'zod'
import { comparison, instant, nextCursor, nullableText, text } from '../../http/schemas.ts'
import { activeSession, endedSessions, recordedSession } from '../../sessions/schemas.ts'
import { operationJson } from '../operation-json.ts'
import { STAFF_ROLES } from '../role-names.ts'

/** A search text. */
export const searchText = text.min(1, 'must not be empty')

/** The choice to act on an id that no user has here. */
export const allowUnknownId = z
  .boolean('must be true or false')
  .describe(
    'true: act also on an id that no user has here, of a user who has not come since the application adopted the service. ' +
      'Sessions from before, which the application still holds, are refused from then on',
  )

const user = z.object({
  id: z.string(),
  name: nullableText,
  email: nullableText,
  role: z.enum(STAFF_ROLES).nullable(),
  lock: z
    .object({
      until: instant.nullable().describe('null: until unlocked'),
      reason: z.string(),
      lockedAt: instant,
    })
    .nullable(),
  deleted: z.boolean().describe('true: the user has no row; a lock and a role are kept by id'),
})

export const endedSession = z.object({
  sessionId: z.string(),
  userId: z.string(),
  ...recordedSession,
  revokedAt: instant,
})

export const userList = z.object({ users: z.array(user) })

export const account = z.object({
  user,
  sessionCount: z.int().describe('active sessions, on this page or not'),
  sessions: z.array(z.object(activeSession)).describe('200, the last seen first'),
  next: nextCursor,
  revocations: z.array(
    endedSession.extend({
      operation: operationJson.nullable().describe('null: ended outside the service'),
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
      acknowledged: operationJson.nullable().describe('who has seen it, when and why; null: not yet'),
    }),
  ),
})

export const revoked = z.object({
  operationId: z.string(),
  ...endedSessions,
  lockedUntil: instant.nullable().optional().describe('null: until unlocked; only when a lock was asked for'),
})

export const unlocked = z.object({ operationId: nullableText.describe('null: there was no lock') })
