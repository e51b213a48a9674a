/** The horizon of the feed: how far retention has deleted. */
import { sql } from 'drizzle-orm'
import { boolean, check, pgTable } from 'drizzle-orm/pg-core'
import { xid8 } from '../database/columns.ts'

/** The last transaction whose revocations and replays may be deleted: an older cursor of the feed has a gap. One row. */
export const feedHorizon = pgTable(
  'feed_horizon',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    xid: xid8('xid').notNull(),
  },
  (table) => [check('feed_horizon_singleton', sql`${table.singleton}`)],
)
