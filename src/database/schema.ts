/** The table of jobs that one instance at a time runs. */
import { pgTable, text } from 'drizzle-orm/pg-core'

/** An instance claims a job by locking its row, which takes the right to update the table. */
export const job = pgTable('job', { name: text('name').$type<JobName>().primaryKey() })

/** The rows of `job`. */
export type JobName = 'replays' | 'sweep'
