/**
 * Claims jobs that one instance at a time may run. A claim ends with its transaction. It locks a row of `job`, which takes the right
 * to update that table: any login could block an advisory lock.
 */
import { sql } from 'drizzle-orm'
import type { Executor } from './database.ts'
import { fetchRows } from './rows.ts'
import { type JobName, job } from './schema.ts'

/**
 * Claims a job until the transaction ends. Never waits.
 * @returns false when another instance has claimed it.
 */
export async function claimJob(tx: Executor, name: JobName): Promise<boolean> {
  const [claim] = await fetchRows<{ claimed: boolean; known: boolean }>(
    tx,
    sql`with claimed as (select from ${job} where name = ${name} for update skip locked)
      select exists (select from claimed) as claimed, exists (select from ${job} where name = ${name}) as known`,
  )
  // Without its row the job would silently never run.
  if (!claim?.known) throw new Error(`the table "job" has no row "${name}"`)
  return claim.claimed
}
