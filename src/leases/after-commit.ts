/**
 * Follows the commit of operations: keeps them, waits for the barrier, then records how long. A failure here never undoes the commit.
 */
import { type Database, withoutDeadline } from '../database/database.ts'
import type { Log } from '../lib/log.ts'
import type { AcknowledgedActs, Act } from '../operations/acknowledged.ts'
import { recordWait } from '../operations/record.ts'
import type { Barrier } from './barrier.ts'

export type AfterCommit = ReturnType<typeof createAfterCommit>

export function createAfterCommit(
  { run }: Pick<Database, 'run'>,
  barrier: Pick<Barrier, 'wait'>,
  acknowledged: Pick<AcknowledgedActs, 'keep'>,
  log: Log,
) {
  /**
   * Waits until no instance answers "valid" for the sessions that the transaction ended. Records the wait in the operation.
   * @param acts what the transaction did, to be kept in case that the server loses it.
   * @returns milliseconds waited, or null when the first look found no lagging instance.
   */
  return (xid: string, operationId: string | null, acts: readonly Act[]): Promise<number | null> =>
    withoutDeadline(async () => {
      const kept = acknowledged.keep(acts)
      const waitedMs = await barrier.wait(xid)
      await kept
      if (waitedMs !== null && operationId)
        run((db) => recordWait(db, operationId, waitedMs)).catch((err) =>
          log.warn({ err, operationId, waitedMs }, 'wait after a revocation not recorded'),
        )
      return waitedMs
    })
}
