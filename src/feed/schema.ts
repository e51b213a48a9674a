/** The horizon of the feed: how far retention may have deleted. */
import { sql } from 'drizzle-orm'
import { boolean, check } from 'drizzle-orm/pg-core'
import { xid8 } from '../database/columns.ts'
import { ownSchema } from '../database/own-schema.ts'

/** One row: the last transaction whose revocations and replays may be deleted. A cursor from before it is too old. */
export const feedHorizon = ownSchema.table(
  'feed_horizon',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    xid: xid8('xid').notNull(),
  },
  (table) => [check('feed_horizon_singleton', sql`${table.singleton}`)],
)
