/** The table of service keys. */
import { check, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { hashedToken, instant, representableDates } from '../database/columns.ts'
import type { KeyScope } from './scopes.ts'

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
      representableDates(table.createdAt, table.expiresAt, table.lastUsedAt, table.revokedAt),
    ),
  ],
)

export type ServiceKey = typeof serviceKey.$inferSelect
