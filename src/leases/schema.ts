/** The tables of the lease protocol: instances that answer from a cache, and the changes that they must apply. */
import { sql } from 'drizzle-orm'
import { bigint, index, uuid } from 'drizzle-orm/pg-core'
import { hashedToken, snapshot, xid8 } from '../database/columns.ts'
import { ownSchema } from '../database/own-schema.ts'

/** A process that answers checks from a cache. `beat` counts its lease renewals. */
export const instance = ownSchema.table('instance', {
  id: uuid('id').primaryKey(),
  beat: bigint('beat', { mode: 'number' }).notNull().default(0),
  /** The cache holds no session whose revocation is visible in this snapshot. */
  applied: snapshot('applied'),
  /** Digests of the notices that were applied since (`notice.ts`): it holds no session that they carried either. */
  notices: uuid('notices').array().notNull().default([]),
})

/**
 * A change that makes a cached answer stale without ending the session: an earlier `expires`, another id.
 * Written by a trigger, read by the instances that cache answers, deleted when all of them have read it.
 */
export const sessionChange = ownSchema.table(
  'session_change',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    sessionToken: hashedToken('session_token').notNull(),
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
  },
  (table) => [index('session_change_xid_idx').on(table.xid)],
)
