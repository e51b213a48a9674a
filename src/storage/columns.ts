/** Column types that drizzle has no words for. */
import { customType, timestamp } from 'drizzle-orm/pg-core'
import { hashToken } from '../sessions/tokens.ts'

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
