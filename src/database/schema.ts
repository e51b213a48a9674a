/** The table of jobs that one instance at a time does. */
import { pgTable, text } from 'drizzle-orm/pg-core'

/** Work of one instance at a time: it locks the row, which takes the right to update the table. */
export const job = pgTable('job', { name: text('name').$type<JobName>().primaryKey() })

/** The rows of `job`. */
export type JobName = 'replays' | 'sweep'
