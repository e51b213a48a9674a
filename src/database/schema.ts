/** The table of jobs that one instance at a time runs. */
import { bigint, text } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'
import { ownSchema } from './own-schema.ts'

/** An instance claims a job by locking its row, which takes the right to update the table. */
export const job = ownSchema.table('job', {
  name: text('name').$type<JobName>().primaryKey(),
  /** Where the sweep goes on: a page of the table of sessions. */
  page: bigint('page', { mode: 'number' }).notNull().default(0),
  /** Up to when the sweep has read what was due; of `addresses`: up to when they are deleted. */
  doneUntil: instant('done_until').notNull().defaultNow(),
})

/** The rows of `job`. */
export type JobName = 'replays' | 'sweep' | 'addresses'
