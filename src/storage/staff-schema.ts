/**
 * The tables of services and staff: keys, locks, roles, operations. An application has no rights on them; the service has
 * those that `grant_global_logout_roles()` grants (migrations).
 */
import { type SQL, sql } from 'drizzle-orm'
import { bigint, boolean, check, index, inet, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { type KeyScope, STAFF_ROLES, type StaffRole } from '../operations/grants.ts'
import {
  ACTOR_KINDS,
  type ActorKind,
  type LogoutScope,
  OPERATION_KINDS,
  type OperationKind,
} from '../operations/kinds.ts'
import { bytea, hashedToken, instant, inTheCalendar, snapshot, xid8 } from './columns.ts'

/** One act that ends sessions: who, when, why, from where, with which result. */
export const operation = pgTable(
  'operation',
  {
    id: uuid('id').primaryKey(),
    kind: text('kind').$type<OperationKind>().notNull(),
    scope: text('scope').$type<LogoutScope>(),
    actorKind: text('actor_kind').$type<ActorKind>().notNull(),
    actorId: text('actor_id'),
    /** The session the actor acted from, when there was one. */
    actorSessionId: uuid('actor_session_id'),
    /** Whose sessions it ended; no foreign key, because an audit outlives the account. */
    userId: text('user_id'),
    reason: text('reason'),
    ipAddress: inet('ip_address'),
    userAgent: text('user_agent'),
    requestId: text('request_id'),
    at: instant('at').notNull().defaultNow(),
    revokedCount: integer('revoked_count').notNull(),
    /** Which sessions an incident meant. */
    selection: jsonb('selection').$type<object>(),
    /** What the act did: counts of an incident, the end of a lock, the scopes of a key. */
    result: jsonb('result').$type<object>(),
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
    /** Milliseconds that the answer waited until no instance could answer "valid" from its cache; null when it did not wait. */
    waitedMs: integer('waited_ms'),
  },
  (table) => [
    index('operation_user_id_at_idx').on(table.userId, table.at),
    index('operation_actor_id_at_idx').on(table.actorId, table.at),
    index('operation_kind_at_idx').on(table.kind, table.at),
    index('operation_at_id_idx').on(table.at, table.id),
    index('operation_xid_idx').on(table.xid),
    check('operation_dates', inTheCalendar(table.at)),
    check(
      'operation_kinds',
      sql`${table.kind} in ${words(OPERATION_KINDS)} and ${table.actorKind} in ${words(ACTOR_KINDS)}`,
    ),
  ],
)

/**
 * The chain over operations: each link holds the digest of one operation and the hash of this digest with the link
 * before. Written by a function of the owner, which the service may only call.
 */
export const auditLink = pgTable('audit_link', {
  seq: bigint('seq', { mode: 'number' }).primaryKey(),
  operationId: uuid('operation_id').notNull().unique(),
  digest: bytea('digest').notNull(),
  hash: bytea('hash').notNull(),
  sealedAt: instant('sealed_at').notNull().defaultNow(),
})

/** The end of the chain, and the snapshot of the last sealing. One row. */
export const auditHead = pgTable(
  'audit_head',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    seq: bigint('seq', { mode: 'number' }).notNull().default(0),
    hash: bytea('hash').notNull(),
    sealed: snapshot('sealed').notNull(),
  },
  (table) => [check('audit_head_singleton', sql`${table.singleton}`)],
)

/** The credential of a calling service. Its secret is shown once, when it is created; the row holds its hash. */
export const serviceKey = pgTable(
  'service_key',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    name: text('name').notNull(),
    keyHash: hashedToken('key_hash').notNull().unique(),
    scopes: text('scopes').array().$type<KeyScope[]>().notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    /** Null: until it is revoked. */
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
  },
  (table) => [
    check(
      'service_key_dates',
      inTheCalendar(table.createdAt, table.expiresAt, table.lastUsedAt, table.revokedAt),
    ),
  ],
)

/**
 * A user who gets no new session before `until`; a trigger on `session` refuses every writer. Kept by id, without a foreign
 * key: deleting and re-creating the user lifts nothing.
 */
export const userLock = pgTable(
  'user_lock',
  {
    userId: text('user_id').primaryKey(),
    /** Null: until staff lift it. */
    until: instant('until'),
    reason: text('reason').notNull(),
    lockedAt: instant('locked_at').notNull().defaultNow(),
  },
  (table) => [
    index('user_lock_user_id_prefix_idx').on(sql`lower(${table.userId}) text_pattern_ops`),
    check('user_lock_dates', inTheCalendar(table.until, table.lockedAt)),
  ],
)

/** Users who may see all sessions in the console (`auditor`), and end them (`security`). Kept by id, as locks are. */
export const staff = pgTable(
  'staff',
  {
    userId: text('user_id').primaryKey(),
    role: text('role').$type<StaffRole>().notNull(),
    grantedAt: instant('granted_at').notNull().defaultNow(),
  },
  (table) => [
    index('staff_user_id_prefix_idx').on(sql`lower(${table.userId}) text_pattern_ops`),
    check('staff_roles', sql`${table.role} in ${words(STAFF_ROLES)}`),
  ],
)

/**
 * A reused revoked token, by minute: a sign of theft. Numbered by the sequence of `revoked_session`, so that a transaction and
 * a number are one position in a feed of both.
 */
export const replay = pgTable(
  'replay',
  {
    id: bigint('id', { mode: 'bigint' })
      .primaryKey()
      .default(sql`nextval('revoked_session_id_seq'::regclass)`),
    sessionId: uuid('session_id').notNull(),
    userId: text('user_id').notNull(),
    /** What had ended the session; null when that was done outside this service. */
    operationId: uuid('operation_id'),
    /** Uses since the last row for this token. */
    count: integer('count').notNull().default(1),
    at: instant('at').notNull().default(sql`statement_timestamp()`),
    ipAddress: inet('ip_address'),
    userAgent: text('user_agent'),
    /** Whether address and program are those of the session; null when one of the two is unknown. */
    sameAddress: boolean('same_address'),
    sameProgram: boolean('same_program'),
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
  },
  (table) => [
    index('replay_user_id_at_idx').on(table.userId, table.at),
    index('replay_at_idx').on(table.at),
    index('replay_xid_id_idx').on(table.xid, table.id),
  ],
)

/** Work of one instance at a time: it locks the row, which takes the right to update the table. */
export const job = pgTable('job', { name: text('name').$type<JobName>().primaryKey() })

/** The last transaction whose revocations and replays may be deleted: an older cursor of the feed has a gap. One row. */
export const feedHorizon = pgTable(
  'feed_horizon',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    xid: xid8('xid').notNull(),
  },
  (table) => [check('feed_horizon_singleton', sql`${table.singleton}`)],
)

export type ServiceKey = typeof serviceKey.$inferSelect
/** The rows of `job`. */
export type JobName = 'replays' | 'sweep'
export type Replay = typeof replay.$inferSelect
export type Operation = typeof operation.$inferSelect

function words(known: readonly string[]): SQL {
  return sql.raw(`(${known.map((word) => `'${word}'`).join(', ')})`)
}
