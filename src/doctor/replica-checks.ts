/** Checks the replica at DATABASE_READ_URL, for `global-logout doctor`: whether it answers, is of this cluster, and how far behind. */
import type { Database } from '../database/database.ts'
import { rootCause } from '../database/failures.ts'
import { openReplica, readReplayedUntil } from '../database/reads.ts'
import { fetchRows } from '../database/rows.ts'
import { silentLog } from '../lib/log.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const IDENTITY = `select (select system_identifier from pg_control_system()) || '/' || current_database() as id`

export async function checkReplica(
  { run }: Pick<Database, 'run'>,
  readUrl: string | undefined,
): Promise<Finding[]> {
  if (!readUrl) return []
  const replica = openReplica(readUrl, silentLog, 5_000)
  try {
    const [ours] = await run((db) => fetchRows<{ id: string }>(db, IDENTITY))
    const { id, at } = await replica.run(async (db) => {
      const [its] = await fetchRows<{ id: string }>(db, IDENTITY)
      return { id: its?.id, at: await readReplayedUntil(db) }
    })
    if (id !== ours?.id)
      return [
        problem(
          'replica',
          'DATABASE_READ_URL leads to another cluster or database than DATABASE_URL: staff would see wrong data.',
        ),
      ]
    if (!at)
      return [
        warning(
          'replica',
          'DATABASE_READ_URL leads to a primary: it takes nothing off the one of DATABASE_URL.',
        ),
      ]
    const seconds = Math.max(0, Math.round((Date.now() - at.getTime()) / 1_000))
    return [ok('replica', `answers; its last commit is ${seconds} s old`)]
  } catch (error) {
    const { message, code } = rootCause(error) as NodeJS.ErrnoException
    return [
      warning(
        'replica',
        `DATABASE_READ_URL does not answer (${message || code}): staff read from the primary meanwhile.`,
      ),
    ]
  } finally {
    await replica.close()
  }
}
