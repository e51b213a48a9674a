/** Ends sessions as one operation, recorded in the transaction that ends them. */
import type { SQL } from 'drizzle-orm'
import type { Transaction } from '../database/database.ts'
import { beginOperation, type NewOperation, recordOperation } from '../operations/record.ts'
import { countSessions, deleteSessions } from './queries.ts'
import type { Session } from './schema.ts'

/**
 * So many sessions are ended within the deadline of any request. More get a millisecond each: 100,000 took
 * two to four seconds on two cores.
 */
const ENDED_IN_TIME = 1_000

/**
 * Ends the sessions that `named` names. To end all of a user's, call `lockUserForLogout` before.
 * @returns the living among them.
 */
export async function revoke(
  tx: Transaction,
  named: SQL,
  what: NewOperation,
): Promise<{ operationId: string; revoked: Session[] }> {
  const count = await countSessions(tx, named)
  if (count > ENDED_IN_TIME) await tx.extend(count)
  const operationId = await beginOperation(tx)
  const revoked = await deleteSessions(tx, named)
  await recordOperation(tx, operationId, revoked.length, what)
  return { operationId, revoked }
}
