/** What the incident API takes and answers, as zod schemas. */
import { z } from 'zod'
import { instant, nullableText, planId } from '../../http/schemas.ts'
import { lockFor, reason } from '../reason.ts'
import { selection, shownSelectionSchema } from './selection.ts'

export const planParams = z.object({ planId })

const who = z.object({ kind: z.string(), id: nullableText })

const frequent = z.array(z.object({ value: nullableText, sessions: z.int() }))
const breakdown = z
  .object({
    addresses: frequent,
    userAgents: frequent,
    countries: frequent.describe('as the sign-ins said, ISO 3166-1 alpha-2; empty where none did'),
  })
  .nullable()
  .describe('the ten most frequent of each; null where counting them took too long')

const sample = z.array(
  z.object({
    sessionId: z.string(),
    userId: z.string(),
    ipAddress: nullableText,
    userAgent: nullableText,
    createdAt: instant,
  }),
)

const counted = {
  sessions: z.int().describe('an estimate, not a count, where `estimated` is true'),
  users: z.int().describe('an estimate, not a count, where `estimated` is true'),
  staffSessions: z.int().describe('how many of the sessions belong to staff; always counted'),
  estimated: z
    .boolean()
    .describe('whether `sessions` and `users` are estimated from a sample: too many to count'),
}

export const newPlan = z.strictObject({
  reason,
  select: selection,
  lockFor: lockFor.optional(),
})

const unknownEntries = (what: string) => z.array(z.string()).describe(`entries of the selection: ${what}`)
const usersToLock = z
  .int()
  .nullable()
  .describe('with lockFor, how many users the selection names; null: those of its sessions are locked')

export const plan = z.object({
  planId: z.string(),
  ...counted,
  sample: sample.describe('the newest of the sessions, at most ten; of an estimate, of those in its sample'),
  breakdown,
  approvalRequired: z
    .boolean()
    .describe('whether a second person has to approve the plan (INCIDENT_APPROVAL_ABOVE)'),
  usersToLock,
  unknownUsers: unknownEntries(
    'ids that no user has here; once the plan is executed, their sessions from before are refused',
  ),
  unknownEmails: unknownEntries('addresses that no user has here'),
  unknownSessions: unknownEntries('ids of no active session'),
  expiresAt: instant,
})

export const incident = z.object({
  planId: z.string(),
  state: z.enum(['planned', 'expired', 'running', 'done']),
  reason: z.string(),
  selection: shownSelectionSchema,
  plannedBy: who,
  plannedAt: instant,
  expiresAt: instant,
  planned: z.object(counted),
  sample,
  breakdown,
  approval: z.object({ required: z.boolean(), by: who.nullable(), at: instant.nullable() }),
  lock: z
    .object({ seconds: z.int().nullable().describe('null: until staff unlock them') })
    .nullable()
    .describe('whether it locks its users'),
  usersToLock,
  locked: z.int().describe('users locked so far'),
  executedBy: who.nullable(),
  startedAt: instant.nullable(),
  finishedAt: instant.nullable(),
  durationMs: z.int().nullable(),
  operationId: nullableText.describe('the operation that every ended session is recorded under'),
  ended: z.int().describe('sessions ended so far'),
  outcome: z
    .object({
      endedPlanned: z
        .int()
        .nullable()
        .describe('null where the plan kept no list: for everyone, or estimated'),
      endedLater: z.int().nullable(),
      goneMeanwhile: z.int().nullable(),
      users: z.int(),
      staffSessions: z.int(),
      waitedMs: z.int(),
      stillOpen: z.object({ writing: z.int(), reading: z.int() }),
    })
    .nullable(),
})
