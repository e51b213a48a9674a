/** The tables of the audit chain. The service may write them only through a function of the owner. */
import { sql } from 'drizzle-orm'
import { bigint, boolean, check, uuid } from 'drizzle-orm/pg-core'
import { bytea, instant, snapshot } from '../../database/columns.ts'
import { ownSchema } from '../../database/own-schema.ts'

/**
 * The chain over operations: each link holds the digest of one operation and the hash of this digest with the link
 * before. The digest has the operation's personal fields as four salted hashes: to erase such fields, the salt is deleted, and the
 * hash kept in its place. Links from before salts have neither.
 */
export const auditLink = ownSchema.table('audit_link', {
  seq: bigint('seq', { mode: 'number' }).primaryKey(),
  operationId: uuid('operation_id').notNull().unique(),
  digest: bytea('digest').notNull(),
  hash: bytea('hash').notNull(),
  sealedAt: instant('sealed_at').notNull().defaultNow(),
  /** Of the user and the reason. */
  subjectSalt: uuid('subject_salt'),
  /** Of the selection, where there is one. */
  selectionSalt: uuid('selection_salt'),
  /** Of the actor and the session from which they acted. */
  actorSalt: uuid('actor_salt'),
  /** Of address, user agent and request. */
  originSalt: uuid('origin_salt'),
  subjectHash: bytea('subject_hash'),
  selectionHash: bytea('selection_hash'),
  actorHash: bytea('actor_hash'),
  originHash: bytea('origin_hash'),
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
