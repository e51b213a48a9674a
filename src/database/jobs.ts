/**
 * Turns at what one instance at a time does. A turn ends with its transaction. Only a role that may update `job` can hold one:
 * no other login can keep the service from its work, as it could with an advisory lock.
 */
import { sql } from 'drizzle-orm'
import type { Executor } from './database.ts'
import { fetchRows } from './rows.ts'
import { type JobName, job } from './schema.ts'

/**
 * Takes the turn at a job until the transaction ends. Never waits.
 * @returns false when another instance has it.
 */
export async function claimJob(tx: Executor, name: JobName): Promise<boolean> {
  const [turn] = await fetchRows<{ mine: boolean; known: boolean }>(
    tx,
    sql`with turn as (select from ${job} where name = ${name} for update skip locked)
      select exists (select from turn) as mine, exists (select from ${job} where name = ${name}) as known`,
  )
  // Without its row the job would never be done, and nothing would say so.
  if (!turn?.known) throw new Error(`the table "job" has no row "${name}"`)
  return turn.mine
}
