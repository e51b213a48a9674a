/**
 * The tables of users and sessions. `user`, `account`, `session` and `verificationToken` carry the names and types of the
 * Auth.js Drizzle adapter. `session` adds only columns with defaults, so that the stock adapter works on it.
 */
import { sql } from 'drizzle-orm'
import {
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
import { hashedToken, instant, representableDates } from '../database/columns.ts'

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
  // For the prefix search of staff.
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
    check('session_dates', representableDates(table.createdAt, table.lastSeenAt)),
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
 * A user who gets no new session before `until`; a trigger on `session` refuses every writer. There is no foreign key:
 * deleting and re-creating the user does not remove the lock.
 */
export const userLock = pgTable(
  'user_lock',
  {
    userId: text('user_id').primaryKey(),
    /** Null: until staff unlock the user. */
    until: instant('until'),
    reason: text('reason').notNull(),
    lockedAt: instant('locked_at').notNull().defaultNow(),
  },
  (table) => [
    index('user_lock_user_id_prefix_idx').on(sql`lower(${table.userId}) text_pattern_ops`),
    check('user_lock_dates', representableDates(table.until, table.lockedAt)),
  ],
)

export type User = typeof user.$inferSelect

/** A row of `session` as queries return it: with `endsAt`, because `expires` is only one of three bounds and may not be a date. */
export type Session = Omit<typeof session.$inferSelect, 'expires'> & { endsAt: Date }
