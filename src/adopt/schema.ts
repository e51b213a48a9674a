/** The table that names the application's own table of users, once it is linked. */
import { sql } from 'drizzle-orm'
import { boolean, check, customType } from 'drizzle-orm/pg-core'
import { instant } from '../database/columns.ts'
import { ownSchema } from '../database/own-schema.ts'

/** A table by its id, shown as its name. */
const regclass = customType<{ data: string }>({ dataType: () => 'regclass' })

/** One row at most: user ids of two tables could not be told apart. */
export const userLink = ownSchema.table(
  'user_link',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    linked: regclass('linked').notNull(),
    linkedAt: instant('linked_at').notNull().defaultNow(),
  },
  ({ singleton }) => [check('user_link_singleton', sql`${singleton}`)],
)
