/** Writes operations, the audit record of everything that ends sessions, in the transaction that ends them. */
import { eq, getTableColumns } from 'drizzle-orm'
import type { Executor } from '../database/database.ts'
import { type Operation, operation } from './schema.ts'

export type NewOperation = Omit<
  typeof operation.$inferInsert,
  'id' | 'at' | 'revokedCount' | 'waitedMs' | 'erasedBy'
>

/** The actor of an operation, with address, user agent and request. */
export type Actor = Pick<
  NewOperation,
  'actorKind' | 'actorId' | 'actorSessionId' | 'ipAddress' | 'userAgent' | 'requestId'
>

/** Records an operation. One that ends sessions itself is recorded by `end_sessions()`, which `revoke` calls. */
export async function recordOperation(
  tx: Executor,
  id: string,
  revokedCount: number,
  what: NewOperation,
): Promise<void> {
  await tx.insert(operation).values({ ...what, id, revokedCount })
}

/** The columns of an operation by their names in the database, as `jsonb_populate_record` reads them. */
export function operationRow(what: NewOperation): Record<string, unknown> {
  const columns = getTableColumns(operation)
  return Object.fromEntries(
    Object.entries(what).map(([key, value]) => [columns[key as keyof typeof columns].name, value]),
  )
}

/** An operation from its columns. */
export function operationOfRow(row: Record<string, unknown>): NewOperation {
  const columns = Object.entries(getTableColumns(operation))
  return Object.fromEntries(
    columns.flatMap(([key, { name }]) => (name in row ? [[key, row[name]]] : [])),
  ) as NewOperation
}

/** Records an operation that ends no session. @returns its id. */
export async function recordOperationWithoutRevocations(tx: Executor, what: NewOperation): Promise<string> {
  const id = crypto.randomUUID()
  await recordOperation(tx, id, 0, what)
  return id
}

/** Records how long the answer waited for instances that cache sessions, in milliseconds. */
export async function recordWait(db: Executor, id: string, waitedMs: number): Promise<void> {
  await db.update(operation).set({ waitedMs }).where(eq(operation.id, id))
}

export async function findOperation(db: Executor, id: string): Promise<Operation | null> {
  const [found] = await db.select().from(operation).where(eq(operation.id, id))
  return found ?? null
}
