/** Staff say that they have seen the reused tokens of a user: an operation, which each of the records names. */
import type { Database } from '../../database/database.ts'
import { type Actor, recordOperation } from '../../operations/record.ts'
import { acknowledgeReplays } from './queries.ts'

export interface Acknowledgement {
  /** Null where none was new. */
  operationId: string | null
  /** Records that were not acknowledged before. */
  count: number
}

export type AcknowledgeReplays = ReturnType<typeof createAcknowledge>

export function createAcknowledge({ transaction }: Pick<Database, 'transaction'>) {
  /** @param until what came later was not seen; null: all. */
  return (userId: string, reason: string, until: Date | null, by: Actor): Promise<Acknowledgement> =>
    transaction(async (tx) => {
      const id = crypto.randomUUID()
      const count = await acknowledgeReplays(tx, userId, id, until)
      if (count === 0) return { operationId: null, count }
      await recordOperation(tx, id, 0, {
        ...by,
        kind: 'replays.acknowledge',
        userId,
        reason,
        result: { count },
      })
      return { operationId: id, count }
    })
}
