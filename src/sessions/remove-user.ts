/**
 * Removes a user whom an application deletes: ends the sessions and forgets the mirrored row. A lock stays. When it returns, no
 * instance answers "valid" for those sessions.
 */
import { sql } from 'drizzle-orm'
import type { Database, Executor } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import type { AfterCommit } from '../leases/after-commit.ts'
import type { Act } from '../operations/acknowledged.ts'
import { countSessions, lockUserForLogout } from './queries.ts'
import type { RefuseStaff } from './refuse-staff.ts'
import { extensionFor } from './revoke.ts'

export interface Removal {
  userId: string
  /** The service key that asks. */
  key: { id: string; scopes: readonly string[] }
  requestId: string
}

export interface Removed {
  /** Null when the user was removed before. */
  operationId: string | null
  /** The number of sessions that ended. */
  ended: number
}

export function createRemoveUser(
  { transaction }: Pick<Database, 'transaction'>,
  afterCommit: AfterCommit,
  refuseStaff: RefuseStaff,
) {
  /** @throws Problem `insufficient_scope` for staff, unless the key has the scope `security`. */
  return async ({ userId, key, requestId }: Removal): Promise<Removed> => {
    const { xid, ...removed } = await transaction(async (tx) => {
      await lockUserForLogout(tx, userId)
      await refuseStaff(tx, key, userId, 'delete staff')
      const extension = extensionFor(await countSessions(tx, userId))
      if (extension > 0) await tx.extend(extension)
      return await removeUser(tx, userId, key.id, requestId)
    })
    const { operationId } = removed
    const what = { kind: 'user.delete', actorKind: 'service', actorId: key.id, userId, requestId } as const
    const acts: Act[] = operationId ? [{ id: operationId, what, sessionIds: [] }] : []
    await afterCommit(xid, operationId, acts)
    return removed
  }
}

async function removeUser(tx: Executor, userId: string, keyId: string, requestId: string) {
  const [removed] = await fetchRows<Removed & { xid: string }>(
    tx,
    sql`select xid, operation_id as "operationId", ended
      from global_logout.remove_user(${userId}::text, 'service'::text, ${keyId}::text, ${requestId}::text)`,
  )
  if (!removed) throw new Error('remove_user returned no row')
  return removed
}
