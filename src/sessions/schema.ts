/**
 * The tables of users and sessions. `session` carries the names and types of the Auth.js Drizzle adapter, and adds only columns
 * with defaults: the stock adapter works on it.
 */
import { sql } from 'drizzle-orm'
import { boolean, check, index, inet, integer, text, timestamp, uuid, varchar } from 'drizzle-orm/pg-core'
import { hashedToken, instant, representableDates } from '../database/columns.ts'
import { ownSchema } from '../database/own-schema.ts'
import { MAX_DEVICE_NAME } from '../operations/schema.ts'
import { SIGN_IN_LENGTHS } from './device-columns.ts'

/**
 * Mirrors who has, or had, sessions: the application's user by its id as text, whatever the type there. Sign-ins and logouts of one
 * user lock its row; staff search it. A sign-in writes it.
 */
export const user = ownSchema.table(
  'user',
  {
    id: text('id').primaryKey(),
    name: text('name'),
    email: text('email'),
    image: text('image'),
  },
  // For the prefix search of staff. An entry has at most 2,704 bytes, and applications may write longer texts: 600 characters fit.
  (table) => [
    index('user_id_prefix_idx').on(sql`lower(${table.id}) text_pattern_ops`),
    index('user_email_prefix_idx').on(sql`lower(left(${table.email}, 600)) text_pattern_ops`),
    index('user_name_prefix_idx').on(sql`lower(left(${table.name}, 600)) text_pattern_ops`),
    // Any part of name or email. Only where there is the extension pg_trgm: see index_users() in migrations/0007_find.sql.
    index('user_part_idx').using(
      'gin',
      sql`lower(coalesce(left(${table.name}, 600), '') || ' ' || coalesce(left(${table.email}, 600), '')) gin_trgm_ops`,
    ),
  ],
)

export const session = ownSchema.table(
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
    /** The last activity of the user: the idle timeout counts from here. Not indexed, so that an update stays heap-only (HOT). */
    lastSeenAt: instant('lastSeenAt').notNull().defaultNow(),
    /** The last check that was no activity: a prefetch, or polling. "Last seen" shows the later of the two. */
    passiveAt: instant('passiveAt'),
    ipAddress: inet('ipAddress'),
    userAgent: text('userAgent'),
    /** The service key that made it; null when the user signed in, all zeros when an application did that may not sign staff in. No foreign key: each sign-in would lock the key's row. */
    keyId: uuid('keyId'),
    /** The epoch in which it began, set by a trigger. The session is over when the policy has a later one. */
    epoch: integer('epoch').notNull().default(0),
    /** The name that the user gives the device. */
    deviceName: varchar('deviceName', { length: MAX_DEVICE_NAME }),
    /** How the user signed in, and where, as the application says. */
    signInMethod: varchar('signInMethod', { length: SIGN_IN_LENGTHS.method }),
    country: varchar('country', { length: SIGN_IN_LENGTHS.country }),
    city: varchar('city', { length: SIGN_IN_LENGTHS.city }),
  },
  (table) => [
    index('session_userId_idx').on(table.userId),
    // For incidents: sessions of an address range, or of a time. The second costs a sign-in next to nothing; "multi" keeps it selective
    // where later sessions fill the space of ended ones.
    index('session_ipAddress_idx').on(table.ipAddress),
    index('session_createdAt_idx')
      .using('brin', table.createdAt.op('timestamptz_minmax_multi_ops'))
      .with({ autosummarize: 'on' }),
    check('session_dates', representableDates(table.createdAt, table.lastSeenAt, table.passiveAt)),
  ],
)

/** The validity rule: one row, read by every query. The lifetimes are written at start from the settings. */
export const sessionPolicy = ownSchema.table(
  'session_policy',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    idleTimeoutSeconds: integer('idle_timeout_seconds').notNull(),
    maxAgeSeconds: integer('max_age_seconds').notNull(),
    /** Raised by each incident for everyone: all sessions of earlier epochs are over. */
    epoch: integer('epoch').notNull().default(0),
  },
  (table) => [check('session_policy_singleton', sql`${table.singleton}`)],
)

/**
 * A user who gets no new session before `until`; a trigger on `session` refuses every writer. There is no foreign key:
 * deleting and re-creating the user does not remove the lock.
 */
export const userLock = ownSchema.table(
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

/**
 * Tokens that were taken over from another store of sessions, each once: that store may hold them for long after the session has
 * ended here.
 */
export const takenOver = ownSchema.table(
  'taken_over',
  {
    sessionToken: hashedToken('session_token').primaryKey(),
    at: instant('at').notNull().defaultNow(),
  },
  (table) => [index('taken_over_at_idx').on(table.at)],
)

export type User = typeof user.$inferSelect

/**
 * A row of `session` as queries return it. `lastSeenAt` includes what was no activity. `endsAt`, because `expires` is only one of
 * three bounds and may not be a date.
 */
export type Session = Omit<typeof session.$inferSelect, 'expires' | 'passiveAt' | 'epoch'> & { endsAt: Date }
