/**
 * The tables. `user`, `account`, `session` and `verificationToken` carry the names and types of the Auth.js
 * Drizzle adapter; `session` adds only columns with defaults, so that the stock adapter works on it.
 * What drizzle has no words for (functions, triggers) stands in `migrations/*_rules.sql`.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  inet,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import { hashToken } from '../sessions/tokens.ts'

/** A text column that hashes on the way in: with it, storing or comparing a raw token cannot be written. */
const hashedToken = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  toDriver: hashToken,
})

/** A transaction's 64-bit id, as text: JavaScript numbers are too short for it. */
const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' })

const snapshot = customType<{ data: string }>({ dataType: () => 'pg_snapshot' })

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })

export const user = pgTable('user', {
  id: text('id')
    .primaryKey()
    .$defaultFn(() => crypto.randomUUID()),
  name: text('name'),
  email: text('email').unique(),
  emailVerified: timestamp('emailVerified', { mode: 'date' }),
  image: text('image'),
})

export const account = pgTable(
  'account',
  {
    userId: text('userId')
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    type: text('type').notNull(),
    provider: text('provider').notNull(),
    providerAccountId: text('providerAccountId').notNull(),
    refresh_token: text('refresh_token'),
    access_token: text('access_token'),
    expires_at: integer('expires_at'),
    token_type: text('token_type'),
    scope: text('scope'),
    id_token: text('id_token'),
    session_state: text('session_state'),
  },
  (table) => [primaryKey({ columns: [table.provider, table.providerAccountId] })],
)

export const session = pgTable(
  'session',
  {
    sessionToken: hashedToken('sessionToken').primaryKey(),
    userId: text('userId')
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    /** UTC without a zone, as Auth.js has it: compare with `now() at time zone 'utc'`, never with bare `now()`. */
    expires: timestamp('expires', { mode: 'date' }).notNull(),
    id: uuid('id').notNull().unique().defaultRandom(),
    createdAt: instant('createdAt').notNull().defaultNow(),
    /** Not indexed, so that a touch stays a heap-only (HOT) update. */
    lastSeenAt: instant('lastSeenAt').notNull().defaultNow(),
    ipAddress: inet('ipAddress'),
    userAgent: text('userAgent'),
  },
  (table) => [index('session_userId_idx').on(table.userId)],
)

export const verificationToken = pgTable(
  'verificationToken',
  {
    identifier: text('identifier').notNull(),
    token: text('token').notNull(),
    expires: timestamp('expires', { mode: 'date' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.identifier, table.token] })],
)

/** The two numbers of the validity rule: one row, written at start from the settings, read by every query. */
export const sessionPolicy = pgTable(
  'session_policy',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    idleTimeoutSeconds: integer('idle_timeout_seconds').notNull(),
    maxAgeSeconds: integer('max_age_seconds').notNull(),
  },
  (table) => [check('session_policy_singleton', sql`${table.singleton}`)],
)

/** One act that ends sessions: who, when, why, from where, with which result. */
export const operation = pgTable(
  'operation',
  {
    id: uuid('id').primaryKey(),
    kind: text('kind').$type<OperationKind>().notNull(),
    scope: text('scope').$type<LogoutScope>(),
    actorKind: text('actor_kind').$type<'user' | 'service' | 'staff' | 'system'>().notNull(),
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
    /** How long the answer waited until no instance could know better from memory; null when none had to be asked twice. */
    waitedMs: integer('waited_ms'),
  },
  (table) => [index('operation_user_id_at_idx').on(table.userId, table.at)],
)

/**
 * The lasting fact that a living session was ended. Written by triggers on `session` alone, so that no path
 * around this service goes unseen; `operation_id` is null for those paths.
 */
export const revokedSession = pgTable(
  'revoked_session',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    sessionId: uuid('session_id').notNull(),
    /** Not unique: an application may create a session again with a token that was ended before. */
    sessionToken: hashedToken('session_token').notNull(),
    userId: text('user_id').notNull(),
    operationId: uuid('operation_id'),
    revokedAt: instant('revoked_at').notNull().default(sql`statement_timestamp()`),
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
    createdAt: instant('created_at').notNull(),
    lastSeenAt: instant('last_seen_at').notNull(),
    ipAddress: inet('ip_address'),
    userAgent: text('user_agent'),
  },
  (table) => [
    index('revoked_session_session_id_idx').on(table.sessionId),
    index('revoked_session_session_token_idx').on(table.sessionToken),
    index('revoked_session_operation_id_idx').on(table.operationId),
    index('revoked_session_xid_id_idx').on(table.xid, table.id),
  ],
)

/**
 * A living session changed so that an answer from memory would be stale: `expires` was shortened, its id replaced.
 * Written by a trigger, read by the instances that answer from memory, swept when all of them know.
 */
export const sessionChange = pgTable(
  'session_change',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    sessionToken: hashedToken('session_token').notNull(),
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
  },
  (table) => [index('session_change_xid_idx').on(table.xid)],
)

/** A process that answers checks from memory. Its `beat` tells that it renews its lease, `applied` what it knows. */
export const instance = pgTable('instance', {
  id: uuid('id').primaryKey(),
  beat: bigint('beat', { mode: 'number' }).notNull().default(0),
  /** Every revocation visible in this snapshot has left its memory. */
  applied: snapshot('applied'),
})

/** The credential of a calling service. Its secret is shown once, to whoever made it; here stands its hash. */
export const serviceKey = pgTable('service_key', {
  id: uuid('id').primaryKey().defaultRandom(),
  name: text('name').notNull(),
  keyHash: hashedToken('key_hash').notNull().unique(),
  scopes: text('scopes').array().$type<KeyScope[]>().notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  /** Null: until it is revoked. */
  expiresAt: instant('expires_at'),
  lastUsedAt: instant('last_used_at'),
  revokedAt: instant('revoked_at'),
})

/** A user who gets no new session until then, whoever writes it; a trigger on `session` refuses. */
export const userLock = pgTable('user_lock', {
  userId: text('user_id')
    .primaryKey()
    .references(() => user.id, { onDelete: 'cascade' }),
  /** Null: until somebody lifts it. */
  until: instant('until'),
  reason: text('reason').notNull(),
  lockedAt: instant('locked_at').notNull().defaultNow(),
})

/** Up to which transaction old revocations may have been deleted: a cursor of the feed from before has a gap. One row. */
export const feedHorizon = pgTable(
  'feed_horizon',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    xid: xid8('xid').notNull(),
  },
  (table) => [check('feed_horizon_singleton', sql`${table.singleton}`)],
)

/** What a service may do with a key. */
export const KEY_SCOPES = ['introspect', 'sessions:create', 'events', 'security'] as const
export type KeyScope = (typeof KEY_SCOPES)[number]
export type ServiceKey = typeof serviceKey.$inferSelect
export type LogoutScope = 'local' | 'others' | 'global'
export type OperationKind = 'logout' | 'session.end' | 'session.replace' | 'authjs.signout'
export type User = typeof user.$inferSelect
export type Session = typeof session.$inferSelect
export type Operation = typeof operation.$inferSelect
export type RevokedSession = typeof revokedSession.$inferSelect
