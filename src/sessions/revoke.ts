/** Ends sessions as one operation, and records the operation in the same transaction. */
import type { SQL } from 'drizzle-orm'
import type { Transaction } from '../database/database.ts'
import { beginOperation, type NewOperation, recordOperation } from '../operations/record.ts'
import { countSessions, deleteSessions } from './queries.ts'
import type { Session } from './schema.ts'

/**
 * Sessions that a request can end within its normal deadline. A larger logout gets one millisecond more per session:
 * 100,000 took two to four seconds on two cores.
 */
const WITHIN_DEADLINE = 1_000

/** Milliseconds that a transaction which ends so many sessions needs beyond its deadline. */
export const extensionFor = (count: number): number => (count > WITHIN_DEADLINE ? count : 0)

/**
 * Ends the sessions that match `filter`. To end all sessions of a user, call `lockUserForLogout` before.
 * @returns the sessions that were active.
 */
export async function revoke(
  tx: Transaction,
  filter: SQL,
  what: NewOperation,
): Promise<{ operationId: string; revoked: Session[] }> {
  const extension = extensionFor(await countSessions(tx, filter))
  if (extension > 0) await tx.extend(extension)
  const operationId = await beginOperation(tx)
  const revoked = await deleteSessions(tx, filter)
  await recordOperation(tx, operationId, revoked.length, what)
  return { operationId, revoked }
}
