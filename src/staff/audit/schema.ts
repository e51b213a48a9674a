/** The tables of the audit chain. The service may write them only through a function of the owner. */
import { sql } from 'drizzle-orm'
import { bigint, boolean, check, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant, snapshot } from '../../database/columns.ts'
import { ownSchema } from '../../database/own-schema.ts'

/**
 * The chain over operations: each link holds the digest of one operation and the hash of this digest with the link
 * before.
 */
export const auditLink = ownSchema.table('audit_link', {
  seq: bigint('seq', { mode: 'number' }).primaryKey(),
  operationId: uuid('operation_id').notNull().unique(),
  digest: bytea('digest').notNull(),
  hash: bytea('hash').notNull(),
  sealedAt: instant('sealed_at').notNull().defaultNow(),
})

/** The chain head, and the snapshot of the last sealing. One row. */
export const auditHead = ownSchema.table(
  'audit_head',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    seq: bigint('seq', { mode: 'number' }).notNull().default(0),
    hash: bytea('hash').notNull(),
    sealed: snapshot('sealed').notNull(),
  },
  (table) => [check('audit_head_singleton', sql`${table.singleton}`)],
)
