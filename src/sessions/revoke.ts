/** Ends sessions as one operation, recorded in the same transaction: `end_sessions()` in migrations/0003_applications.sql does it. */
import { sql } from 'drizzle-orm'
import type { Transaction } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import type { Act } from '../operations/acknowledged.ts'
import { type NewOperation, operationRow } from '../operations/record.ts'
import { countSessions } from './queries.ts'
import type { Session } from './schema.ts'

/**
 * Sessions that a request can end within its normal deadline. A larger logout gets one millisecond more per session:
 * 100,000 took two to four seconds on two cores.
 */
const WITHIN_DEADLINE = 1_000

/** Ended sessions that an answer lists at most. The audit log has all. */
export const MOST_LISTED = 100

/** Milliseconds that a transaction which ends so many sessions needs beyond its deadline. */
export const extensionFor = (count: number): number => (count > WITHIN_DEADLINE ? count : 0)

/** An active session that has ended. */
export type Ended = Pick<Session, 'id' | 'userAgent' | 'ipAddress' | 'createdAt' | 'lastSeenAt'>

/**
 * Ends all sessions of the user that `what` names. Call `lockUserForLogout` before.
 * @returns how many sessions were active, the last seen of them, and the act, to be kept after the commit.
 */
export async function revoke(
  tx: Transaction,
  what: NewOperation & { userId: string },
): Promise<{ operationId: string; revokedCount: number; revoked: Ended[]; act: Act }> {
  const extension = extensionFor(await countSessions(tx, what.userId))
  if (extension > 0) await tx.extend(extension)
  const [done] = await fetchRows<{ operationId: string; ended: number; ids: string[]; revoked: Dated[] }>(
    tx,
    sql`select operation_id as "operationId", ended, ids::text[] as ids, revoked from global_logout.end_sessions(
      pg_catalog.jsonb_populate_record(null::global_logout.operation, ${JSON.stringify(operationRow(what))}::jsonb),
      null::uuid, null::uuid, ${MOST_LISTED}::integer)`,
  )
  if (!done) throw new Error('end_sessions returned no row')
  const { operationId, ended, ids, revoked } = done
  const act = { id: operationId, what, sessionIds: ids }
  return { operationId, revokedCount: ended, revoked: revoked.map(endedOf), act }
}

/** As JSON has it. */
export type Dated = Omit<Ended, 'createdAt' | 'lastSeenAt'> & { createdAt: string; lastSeenAt: string }

export const endedOf = ({ createdAt, lastSeenAt, ...rest }: Dated): Ended => ({
  ...rest,
  createdAt: new Date(createdAt),
  lastSeenAt: new Date(lastSeenAt),
})
