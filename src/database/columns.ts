/** Column types and SQL fragments that drizzle lacks. */
import { type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, customType, timestamp } from 'drizzle-orm/pg-core'
import { hashToken } from './token-hash.ts'

/** A text column that hashes every value it gets, so that no query can store or compare a raw token. */
export const hashedToken = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  toDriver: hashToken,
})

/** A transaction's 64-bit id, as text: a JavaScript number cannot hold it. */
export const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' })

export const snapshot = customType<{ data: string }>({ dataType: () => 'pg_snapshot' })

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })

/** An instant as a `Date`, whatever DateStyle and time zone of the connection. It must be representable, see below. */
export const dateOf = (at: SQL): SQL<Date> =>
  sql`extract(epoch from ${at}) * 1000::numeric`.mapWith((ms) => new Date(Number(ms)))

/** Instants that JavaScript and ISO 8601 can represent: one row dated `infinity` would make its whole list fail. */
export const representableDates = (...instants: AnyPgColumn[]): SQL =>
  sql.join(
    instants.map((at) => sql`${at} >= '0001-01-01Z' and ${at} < '9999-12-31Z'`),
    sql` and `,
  )

/** `('a', 'b')`, for a check constraint. The words are not escaped. */
export const oneOf = (words: readonly string[]): SQL =>
  sql.raw(`(${words.map((word) => `'${word}'`).join(', ')})`)
