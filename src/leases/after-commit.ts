/** Follows the commit of a revocation: waits for the barrier, then records how long. A failure here never undoes the commit. */

import { type Database, withoutDeadline } from '../database/database.ts'
import type { Log } from '../lib/log.ts'
import { recordWait } from '../operations/record.ts'
import type { Barrier } from './barrier.ts'

export function afterCommit({ run }: Pick<Database, 'run'>, barrier: Pick<Barrier, 'wait'>, log: Log) {
  /**
   * Waits until no instance answers "valid" for the sessions that the transaction ended. Records the wait in the operation.
   * @returns milliseconds waited, or null when the first look found no lagging instance.
   */
  return (xid: string, operationId: string | null): Promise<number | null> =>
    withoutDeadline(async () => {
      const waitedMs = await barrier.wait(xid)
      if (waitedMs !== null && operationId)
        run((db) => recordWait(db, operationId, waitedMs)).catch((err) =>
          log.warn({ err, operationId, waitedMs }, 'wait after a revocation not recorded'),
        )
      return waitedMs
    })
}
