/** What follows the commit of a revocation, before it is answered. It is part of the record, and never undoes what is committed. */

import { type Database, outsideTheRequest } from '../database/database.ts'
import type { Log } from '../lib/log.ts'
import { recordWait } from '../operations/record.ts'
import type { Barrier } from './barrier.ts'

export type AfterCommit = ReturnType<typeof afterCommit>

export function afterCommit({ run }: Pick<Database, 'run'>, barrier: Pick<Barrier, 'passed'>, log: Log) {
  /**
   * Waits until no instance answers "valid" for what the transaction ended, and records that in the operation.
   * @returns milliseconds waited, or null when nobody had to be waited for.
   */
  return (xid: string, operationId: string | null): Promise<number | null> =>
    outsideTheRequest(async () => {
      const waitedMs = await barrier.passed(xid)
      if (waitedMs !== null && operationId)
        run((db) => recordWait(db, operationId, waitedMs)).catch((err) =>
          log.warn({ err, operationId, waitedMs }, 'wait after a revocation not recorded'),
        )
      return waitedMs
    })
}
