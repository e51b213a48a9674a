/**
 * The tables of the audit record: operations, and the sessions that they ended. Triggers write `revoked_session`, so that sessions
 * ended by other programs are recorded too.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  index,
  inet,
  integer,
  jsonb,
  primaryKey,
  text,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { hashedToken, instant, oneOf, representableDates, xid8 } from '../database/columns.ts'
import { ownSchema } from '../database/own-schema.ts'
import {
  ACTOR_KINDS,
  type ActorKind,
  type LogoutScope,
  OPERATION_KINDS,
  type OperationKind,
} from './kinds.ts'

/** Longest name that a user may give a device, in characters. */
export const MAX_DEVICE_NAME = 60

/** One action of the service: actor, time, reason, origin and result. */
export const operation = ownSchema.table(
  'operation',
  {
    id: uuid('id').primaryKey(),
    kind: text('kind').$type<OperationKind>().notNull(),
    scope: text('scope').$type<LogoutScope>(),
    actorKind: text('actor_kind').$type<ActorKind>().notNull(),
    actorId: text('actor_id'),
    /** The session the actor acted from, when there was one. */
    actorSessionId: uuid('actor_session_id'),
    /** The user whose sessions it ended. No foreign key, because the record outlives the account. */
    userId: text('user_id'),
    reason: text('reason'),
    ipAddress: inet('ip_address'),
    userAgent: text('user_agent'),
    requestId: text('request_id'),
    at: instant('at').notNull().defaultNow(),
    revokedCount: integer('revoked_count').notNull(),
    /** The selection of an incident. */
    selection: jsonb('selection').$type<object>(),
    /** The result: counts of an incident, the end of a lock, the scopes of a key. */
    result: jsonb('result').$type<object>(),
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
    /** Milliseconds that the answer waited until no instance could answer "valid" from its cache; null when it did not wait. */
    waitedMs: integer('waited_ms'),
    /** The operation that erased a person from this one. */
    erasedBy: uuid('erased_by'),
  },
  (table) => [
    index('operation_user_id_at_idx').on(table.userId, table.at),
    index('operation_actor_id_at_idx').on(table.actorId, table.at),
    index('operation_kind_at_idx').on(table.kind, table.at),
    index('operation_at_id_idx').on(table.at, table.id),
    index('operation_xid_idx').on(table.xid),
    index('operation_erased_by_idx').on(table.erasedBy).where(sql`${table.erasedBy} is not null`),
    check('operation_dates', representableDates(table.at)),
    check(
      'operation_kinds',
      sql`${table.kind} in ${oneOf(OPERATION_KINDS)} and ${table.actorKind} in ${oneOf(ACTOR_KINDS)}`,
    ),
  ],
)

/**
 * A session that was ended while it was valid. Only triggers on `session` write it, so that direct database changes are
 * recorded, too; these have no `operation_id`.
 */
export const revokedSession = ownSchema.table(
  'revoked_session',
  {
    id: bigint('id', { mode: 'bigint' }).generatedAlwaysAsIdentity(),
    sessionId: uuid('session_id').notNull(),
    /** Not unique: an application may create a session with the token of an ended one. */
    sessionToken: hashedToken('session_token').notNull(),
    userId: text('user_id').notNull(),
    /** Exists: the trigger that writes the row has looked. No foreign key, which would lock the operation for each row. */
    operationId: uuid('operation_id'),
    /** Whether its operation is not one on this user, as an incident is: an index by operation has these. The others are found by user. */
    ofMany: boolean('of_many').notNull().default(false),
    revokedAt: instant('revoked_at').notNull().default(sql`statement_timestamp()`),
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
    createdAt: instant('created_at').notNull(),
    lastSeenAt: instant('last_seen_at').notNull(),
    ipAddress: inet('ip_address'),
    userAgent: text('user_agent'),
    /** The name that its user gave the device. */
    deviceName: varchar('device_name', { length: MAX_DEVICE_NAME }),
  },
  (table) => [
    // The order of the feed, and of what instances read.
    primaryKey({ name: 'revoked_session_xid_id_pk', columns: [table.xid, table.id] }),
    index('revoked_session_session_token_idx').using('hash', table.sessionToken),
    index('revoked_session_of_many_idx').on(table.operationId, table.id).where(sql`${table.ofMany}`),
    index('revoked_session_user_id_id_idx').on(table.userId, table.id),
    // External revocations, in the order of the audit log.
    index('revoked_session_external_idx')
      .on(table.revokedAt, table.xid, table.userId)
      .where(sql`${table.operationId} is null`),
    index('revoked_session_revoked_at_idx').using('brin', table.revokedAt).with({ autosummarize: 'on' }),
  ],
)

export type Operation = typeof operation.$inferSelect

export type RevokedSession = typeof revokedSession.$inferSelect
