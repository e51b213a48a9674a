/** Column types that drizzle has no words for. */
import { type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, customType, timestamp } from 'drizzle-orm/pg-core'
import { hashToken } from './token-hash.ts'

/** A text column that hashes on the way in: with it, storing or comparing a raw token cannot be written. */
export const hashedToken = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  toDriver: hashToken,
})

/** A transaction's 64-bit id, as text: JavaScript numbers are too short for it. */
export const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' })

export const snapshot = customType<{ data: string }>({ dataType: () => 'pg_snapshot' })

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })

/** An instant as a `Date`, whatever DateStyle and time zone the connection has. It has to be in the calendar. */
export const dateOf = (at: SQL): SQL<Date> =>
  sql`extract(epoch from ${at}) * 1000::numeric`.mapWith((ms) => new Date(Number(ms)))

/** Instants that JavaScript and ISO 8601 can tell: a list in which one row is dated `infinity` cannot be shown at all. */
export const representableDates = (...instants: AnyPgColumn[]): SQL =>
  sql.join(
    instants.map((at) => sql`${at} >= '0001-01-01Z' and ${at} < '9999-12-31Z'`),
    sql` and `,
  )

/** `('a', 'b')`: words of our own, for a check constraint. */
export const oneOf = (words: readonly string[]): SQL =>
  sql.raw(`(${words.map((word) => `'${word}'`).join(', ')})`)
