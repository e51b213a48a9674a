/** Checks the replica at DATABASE_READ_URL, for `global-logout doctor`: whether it answers, is of this cluster, and how far behind. */
import type { Database } from '../database/database.ts'
import { rootCause } from '../database/failures.ts'
import { openReplica, readState, whyWrong } from '../database/reads.ts'
import { silentLog } from '../lib/log.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

export async function checkReplica(
  { run }: Pick<Database, 'run'>,
  readUrl: string | undefined,
): Promise<Finding[]> {
  if (!readUrl) return []
  const replica = openReplica(readUrl, silentLog, 5_000)
  try {
    const ours = await run(readState)
    const its = await replica.run(readState)
    const wrong = whyWrong(ours, its)
    if (wrong)
      return [
        problem(
          'replica',
          `DATABASE_READ_URL leads to ${wrong} than DATABASE_URL. It is not read: staff read from the primary.`,
        ),
      ]
    const { replayedUntil: at } = its
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
