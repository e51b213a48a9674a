/** The tables of incidents: plans to end many sessions, and their outcomes. */
import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { instant, representableDates } from '../../database/columns.ts'
import { ownSchema } from '../../database/own-schema.ts'
import type { ActorKind } from '../../operations/kinds.ts'
import type { Selection } from './selector-values.ts'

/** A plan to end sessions, and its outcome. */
export const incident = ownSchema.table(
  'incident',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    state: text('state').$type<IncidentState>().notNull().default('planned'),
    reason: text('reason').notNull(),
    /** As shown: only the beginning of a long list of users. `userIds` holds the whole list. */
    selection: jsonb('selection').$type<ShownSelection>().notNull(),
    /** Empty where `sessionIds` are given without users: then no session from before, which has no id here, is selected. */
    userIds: text('user_ids').array(),
    emails: text('emails').array(),
    sessionIds: uuid('session_ids').array(),
    /** The planner. Another member of staff may execute it: the operation names them. */
    actorKind: text('actor_kind').$type<ActorKind>().notNull(),
    actorId: text('actor_id'),
    plannedAt: instant('planned_at').notNull().default(sql`statement_timestamp()`),
    /** After this instant the plan can no longer be executed. */
    expiresAt: instant('expires_at').notNull(),
    plannedSessions: integer('planned_sessions').notNull(),
    plannedUsers: integer('planned_users').notNull(),
    /** Whether these two are estimated. */
    estimated: boolean('estimated').notNull().default(false),
    /** How many of these sessions belong to staff. */
    staffSessions: integer('staff_sessions').notNull(),
    sample: jsonb('sample').$type<IncidentSample[]>().notNull(),
    /** Where its sessions came from, when it was planned; null where counting that took too long. */
    breakdown: jsonb('breakdown').$type<Breakdown>(),
    /** Whether it locks its users, for so many seconds from its start, or until staff unlock them (null). */
    locks: boolean('locks').notNull().default(false),
    lockSeconds: integer('lock_seconds'),
    /** Users whom the plan would lock; null: those of its sessions. */
    usersToLock: integer('users_to_lock'),
    /** Users locked so far, counted in the transactions that lock them. */
    locked: integer('locked').notNull().default(0),
    /** Whether a second person has to approve it, who did, and when. */
    needsApproval: boolean('needs_approval').notNull().default(false),
    approverKind: text('approver_kind').$type<ActorKind>(),
    approverId: text('approver_id'),
    approvedAt: instant('approved_at'),
    /** The operation (`incident.execute`) that every session it ends is recorded under. */
    operationId: uuid('operation_id'),
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    /** Sessions ended so far, counted in the transactions that end them. */
    ended: integer('ended').notNull().default(0),
    /** Set when it is done. */
    outcome: jsonb('outcome').$type<IncidentOutcome>(),
    /** The epoch that it began, if it is for everyone: all sessions of the one before are over. Set by a trigger. */
    epoch: integer('epoch').unique(),
  },
  (table) => [
    index('incident_planned_at_idx').on(table.plannedAt),
    check(
      'incident_dates',
      representableDates(
        table.plannedAt,
        table.expiresAt,
        table.startedAt,
        table.finishedAt,
        table.approvedAt,
      ),
    ),
    check(
      'incident_approval',
      sql`${table.state} = 'planned' or not ${table.needsApproval} or ${table.approvedAt} is not null`,
    ),
  ],
)

/**
 * The ids of the sessions that a plan counted, in a few hundred rows, until the incident is done. The report tells them from
 * later matches. A timestamp cannot, because sign-ins do not commit in the order in which they begin.
 */
export const incidentPlanned = ownSchema.table(
  'incident_planned',
  {
    incidentId: uuid('incident_id').notNull(),
    part: integer('part').notNull(),
    sessionIds: uuid('session_ids').array().notNull(),
  },
  (table) => [primaryKey({ columns: [table.incidentId, table.part] })],
)

/**
 * The lease of the process that executes an incident. It keeps others from doing the same work; correctness does not
 * depend on it.
 */
export const incidentRunner = ownSchema.table('incident_runner', {
  incidentId: uuid('incident_id').primaryKey(),
  runner: uuid('runner').notNull(),
  until: instant('until').notNull(),
})

export type IncidentState = 'planned' | 'running' | 'done'
/** A selection as staff see it, and as the audit log has it. */
export interface ShownSelection extends Omit<Selection, 'emails'> {
  /** When a list is only the beginning of a longer one: how long that is, and the SHA-256 (hex) of its lines. */
  userCount?: number
  userIdsSha256?: string
  sessionCount?: number
  sessionIdsSha256?: string
  /** Email addresses are never shown: the audit log keeps no more of them. */
  emailCount?: number
}
/** Where the sessions of a plan came from: the most frequent first, and how many others there are. */
export interface Breakdown {
  addresses: { value: string | null; sessions: number }[]
  userAgents: { value: string | null; sessions: number }[]
  /** As the sign-ins said; empty where none did. */
  countries: { value: string | null; sessions: number }[]
}
/** `planned = endedPlanned + goneMeanwhile`, and `ended = endedPlanned + endedLater`; null where the plan kept no list. */
export interface IncidentOutcome {
  /** Sessions that the plan had counted and the incident ended. */
  endedPlanned: number | null
  /** Ended sessions that the plan had not counted. */
  endedLater: number | null
  /** Sessions that the plan had counted and that ended or expired before. */
  goneMeanwhile: number | null
  /** Users whose sessions it ended, and ended sessions of staff. */
  users: number
  staffSessions: number
  /** Milliseconds that it waited, at the end, for instances that answer from a cache. */
  waitedMs: number
  /**
   * Transactions under way when the execution began that were not waited for any longer: a sign-in inside one of them
   * may have escaped. `writing` have changed something, `reading` have not so far.
   */
  stillOpen: { writing: number; reading: number }
}
export interface IncidentSample {
  sessionId: string
  userId: string
  ipAddress: string | null
  userAgent: string | null
  createdAt: string
}
export type Incident = typeof incident.$inferSelect
