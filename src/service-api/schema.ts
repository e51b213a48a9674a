/** The table of service keys. */
import { check, text, uuid } from 'drizzle-orm/pg-core'
import { hashedToken, instant, representableDates } from '../database/columns.ts'
import { ownSchema } from '../database/own-schema.ts'
import type { KeyScope } from './scopes.ts'

/** A credential of a service. The secret is shown once, on creation; the table stores its hash. */
export const serviceKey = ownSchema.table(
  'service_key',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    name: text('name').notNull(),
    keyHash: hashedToken('key_hash').notNull().unique(),
    scopes: text('scopes').array().$type<KeyScope[]>().notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    /** Null: the key does not expire. */
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
  },
  (table) => [
    check(
      'service_key_dates',
      representableDates(table.createdAt, table.expiresAt, table.lastUsedAt, table.revokedAt),
    ),
  ],
)

export type ServiceKey = typeof serviceKey.$inferSelect
