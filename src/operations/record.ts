/** Operations: the record of every act that ends sessions, written in the transaction that ends them. */
import { desc, eq, sql } from 'drizzle-orm'
import type { Executor } from '../database/database.ts'
import { type Operation, operation, type RevokedSession, revokedSession } from './schema.ts'

export type NewOperation = Omit<typeof operation.$inferInsert, 'id' | 'at' | 'revokedCount' | 'waitedMs'>

/** Who acts, and from where. */
export type By = Pick<
  NewOperation,
  'actorKind' | 'actorId' | 'actorSessionId' | 'ipAddress' | 'userAgent' | 'requestId'
>

/** Names the operation to the triggers that write `revoked_session`, until the transaction ends. */
export async function beginOperation(tx: Executor): Promise<string> {
  const id = crypto.randomUUID()
  await tx.execute(sql`select set_config('global_logout.operation_id', ${id}, true)`)
  return id
}

/** Records what the operation did. */
export async function recordOperation(
  tx: Executor,
  id: string,
  revokedCount: number,
  what: NewOperation,
): Promise<void> {
  await tx.insert(operation).values({ ...what, id, revokedCount })
}

/** Records an act that ended no session. @returns the id of the operation. */
export async function recordOperationWithoutRevocations(tx: Executor, what: NewOperation): Promise<string> {
  const id = crypto.randomUUID()
  await recordOperation(tx, id, 0, what)
  return id
}

/** Records how long the answer had to wait for instances that answer from memory, in milliseconds. */
export async function recordWait(db: Executor, id: string, waitedMs: number): Promise<void> {
  await db.update(operation).set({ waitedMs }).where(eq(operation.id, id))
}

/** The operation and what it ended, the last ended first; at most `limit` sessions, along the index, however many there are. */
export async function findOperation(
  db: Executor,
  id: string,
  limit: number,
): Promise<{ operation: Operation; revoked: RevokedSession[] } | null> {
  const [found] = await db.select().from(operation).where(eq(operation.id, id))
  if (!found) return null
  const revoked = await db
    .select()
    .from(revokedSession)
    .where(eq(revokedSession.operationId, id))
    .orderBy(desc(revokedSession.id))
    .limit(limit)
  return { operation: found, revoked }
}
