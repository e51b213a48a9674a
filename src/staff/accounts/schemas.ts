/** Request and response schemas of the account API for staff. */
import { z } from 'zod'
import { comparison, instant, nextCursor, nullableText, text } from '../../http/schemas.ts'
import { ACTOR_KINDS } from '../../operations/kinds.ts'
import { activeSession, endedSessions, recordedSession } from '../../sessions/schemas.ts'
import { emailList, userIdList } from '../id-lists.ts'
import { operationJson } from '../operation-json.ts'
import { STAFF_ROLES } from '../role-names.ts'
import { type Listed, MAX_AT_ONCE } from './bulk.ts'

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

const parts = z
  .enum(['searched', 'short', 'unavailable'])
  .describe(
    'whether any part of names and addresses was looked for, and not only beginnings; short: not of fewer than three characters; unavailable: the database has no index for it',
  )

export const userList = z.object({ users: z.array(user), parts })

export const found = userList.extend({
  session: z
    .object({ userId: z.string(), ...activeSession })
    .nullable()
    .describe('the active session with this id'),
  operation: operationJson.nullable().describe('the operation with this id'),
  address: nullableText.describe('`q` where it is an address or a range: see `/api/admin/sessions`'),
})

export const lockedUsers = z.object({ users: z.array(user), next: nextCursor })

export const staffList = z.object({ staff: z.array(user.extend({ grantedAt: instant })) })

const unknown = {
  unknownUsers: z.array(z.string()).describe('ids that no user has here; nothing was done for them'),
  unknownEmails: z.array(z.string()).describe('addresses that no user has here'),
}

export const lockedMany = z.object({
  locked: z.int().describe('users, each with an operation of their own'),
  revokedCount: z.int().describe('active sessions that ended'),
  ...unknown,
})

export const unlockedMany = z.object({ unlocked: z.int().describe('users who were locked'), ...unknown })

/** Users by id, by email address, or both. */
export const listed = {
  userIds: userIdList(MAX_AT_ONCE).optional(),
  emails: emailList(MAX_AT_ONCE).optional(),
}

export const named = ({ userIds, emails }: Listed): boolean => Boolean(userIds ?? emails)
export const NAMED = 'must have userIds or emails'

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
  notes: z
    .array(
      z.object({
        operationId: z.string(),
        at: instant,
        actorKind: z.enum(ACTOR_KINDS),
        actorId: nullableText,
        text: z.string(),
      }),
    )
    .describe('what staff wrote, the newest 50'),
})

export const revoked = z.object({
  operationId: z.string(),
  ...endedSessions,
  lockedUntil: instant.nullable().optional().describe('null: until unlocked; only when a lock was asked for'),
})

export const revokedSession = z.object({
  userId: z.string(),
  operationId: nullableText.describe('null: the session was over before'),
  ...endedSessions,
})

export const noted = z.object({ operationId: z.string() })

export const unlocked = z.object({ operationId: nullableText.describe('null: there was no lock') })
