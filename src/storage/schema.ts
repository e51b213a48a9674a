/**
 * The tables. `user`, `account`, `session` and `verificationToken` carry the names and types of the Auth.js
 * Drizzle adapter; `session` adds only columns with defaults, so that the stock adapter works on it.
 * Functions and triggers, which drizzle cannot express, are in `migrations/`.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  index,
  inet,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import { hashedToken, instant, inTheCalendar, snapshot, xid8 } from './columns.ts'

export const user = pgTable(
  'user',
  {
    id: text('id')
      .primaryKey()
      .$defaultFn(() => crypto.randomUUID()),
    name: text('name'),
    email: text('email').unique(),
    emailVerified: timestamp('emailVerified', { mode: 'date' }),
    image: text('image'),
  },
  // Staff search users by prefix.
  (table) => [
    index('user_id_prefix_idx').on(sql`lower(${table.id}) text_pattern_ops`),
    index('user_email_prefix_idx').on(sql`lower(${table.email}) text_pattern_ops`),
    index('user_name_prefix_idx').on(sql`lower(${table.name}) text_pattern_ops`),
  ],
)

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
    /** Not indexed, so that an activity update stays heap-only (HOT). */
    lastSeenAt: instant('lastSeenAt').notNull().defaultNow(),
    ipAddress: inet('ipAddress'),
    userAgent: text('userAgent'),
    /** The service key that made it; null when the user signed in. No foreign key: each sign-in would lock the key's row. */
    keyId: uuid('keyId'),
  },
  (table) => [
    index('session_userId_idx').on(table.userId),
    check('session_dates', inTheCalendar(table.createdAt, table.lastSeenAt)),
  ],
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

/** The lifetimes of the validity rule: one row, written at start from the settings, read by every query. */
export const sessionPolicy = pgTable(
  'session_policy',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    idleTimeoutSeconds: integer('idle_timeout_seconds').notNull(),
    maxAgeSeconds: integer('max_age_seconds').notNull(),
  },
  (table) => [check('session_policy_singleton', sql`${table.singleton}`)],
)

/**
 * A session that was ended while it was valid. Only triggers on `session` write it, so that direct database changes are
 * recorded, too; these have no `operation_id`.
 */
export const revokedSession = pgTable(
  'revoked_session',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    sessionId: uuid('session_id').notNull(),
    /** Not unique: an application may create a session again with a token that was ended before. */
    sessionToken: hashedToken('session_token').notNull(),
    userId: text('user_id').notNull(),
    /** References `operation`, deferred to the commit: drizzle cannot express that, so `migrations/0000_tables.sql` does. */
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
    index('revoked_session_operation_id_id_idx').on(table.operationId, table.id),
    index('revoked_session_user_id_revoked_at_idx').on(table.userId, table.revokedAt),
    // External revocations, in the order of the audit log.
    index('revoked_session_external_idx')
      .on(table.revokedAt, table.xid, table.userId)
      .where(sql`${table.operationId} is null`),
    index('revoked_session_xid_id_idx').on(table.xid, table.id),
  ],
)

/**
 * A valid session changed so that a cached answer would be stale: `expires` was shortened, its id replaced.
 * Written by a trigger, read by the instances that cache answers, deleted when all of them have read it.
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

/** A process that answers checks from a cache. `beat` counts its lease renewals. */
export const instance = pgTable('instance', {
  id: uuid('id').primaryKey(),
  beat: bigint('beat', { mode: 'number' }).notNull().default(0),
  /** The cache holds no session whose revocation is visible in this snapshot. */
  applied: snapshot('applied'),
})

export type User = typeof user.$inferSelect
/** A row of `session` as it is read: with its end, because `expires` is one of three bounds and may be no date. */
export type Session = Omit<typeof session.$inferSelect, 'expires'> & { endsAt: Date }
export type RevokedSession = typeof revokedSession.$inferSelect
