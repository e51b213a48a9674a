/** The table of jobs that one instance at a time runs. */
import { text } from 'drizzle-orm/pg-core'
import { ownSchema } from './own-schema.ts'

/** An instance claims a job by locking its row, which takes the right to update the table. */
export const job = ownSchema.table('job', { name: text('name').$type<JobName>().primaryKey() })

/** The rows of `job`. */
export type JobName = 'replays' | 'sweep'
