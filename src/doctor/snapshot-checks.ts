/** Checks what holds back vacuum, for `global-logout doctor`. */
import type { Database } from '../database/database.ts'
import { describeSnapshot, findOldSnapshots, isOld } from '../database/old-snapshots.ts'
import { type Finding, ok, warning } from './finding.ts'

export async function checkSnapshots({ run }: Pick<Database, 'run'>): Promise<Finding> {
  const { oldest, hidden } = await run(findOldSnapshots)
  const old = [...oldest.values()].filter(isOld)
  const unseen = hidden
    ? 'how long transactions of other logins are open can be seen only with the role pg_monitor'
    : ''
  if (old.length > 0)
    return warning(
      'vacuum',
      `held back, so that every use of a session costs more and tables grow: ${old.map(describeSnapshot).join('; ')}.`,
    )
  return ok('vacuum', ['held back by nothing old', unseen].filter(Boolean).join('; '))
}
