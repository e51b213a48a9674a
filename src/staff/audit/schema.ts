/** The tables of the audit chain. A function of the owner writes them; the service may only call it. */
import { sql } from 'drizzle-orm'
import { bigint, boolean, check, pgTable, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant, snapshot } from '../../database/columns.ts'

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
